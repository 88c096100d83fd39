"""What image encoders make of artworks, and of views of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from ...datasets.faults import tried
from ...encoders.efficientnet import EfficientNetEncoder, traits
from ...encoders.files import image_patches, load_image_encoder
from ...errors import SettingError
from ...images.reading import read_artwork
from ...types import Artwork
from .hearing import FAILURES, check_finite
from .shard_files import Computed
from .sources import Source

__all__ = ["Characters", "Pictures", "SeenPart", "check_patches", "look", "view_of"]

SMALLEST, LARGEST = 0.6, 0.95
"""Shares of each side of an artwork that a view of it has."""


def view_of(artwork: Artwork, index: int) -> Artwork:
    """A view of an artwork: 0 is the whole; others are crops, of which half are mirrored.

    The artwork's pixels and the number of the view decide which, on every machine.
    """
    if index == 0:
        return artwork
    rng = np.random.default_rng([int(artwork.sha256[:16], 16), index])
    height, width = artwork.pixels.shape[1:]
    shares, places = rng.uniform(SMALLEST, LARGEST, 2), rng.random(2)
    rows, columns = (max(1, round(share * side)) for share, side in zip(shares, (height, width), strict=True))
    top, left = (
        int(place * (side - part + 1))
        for place, side, part in zip(places, (height, width), (rows, columns), strict=True)
    )
    pixels = artwork.pixels[:, top : top + rows, left : left + columns]
    return replace(artwork, pixels=(pixels.flip(-1) if rng.random() < 0.5 else pixels).contiguous())


@runtime_checkable
class SeenPart(Protocol):
    """What is computed from artworks."""

    @property
    def columns(self) -> Mapping[str, Any]:
        """What decides each column beside the file."""

    def __call__(self, artworks: Sequence[Artwork]) -> list[dict[str, np.ndarray]]:
        """The columns of each artwork."""


@dataclass(frozen=True)
class Pictures:
    """Embeddings of an artwork's views, float32 [views, D], and of their patches, float16 [views, n, P].

    Attributes:
        encoder: folder of the image encoder.
        digest: of the image encoder.
        device: of the encoder.
        views: number of views.
        patches: compute those of patches too.
        normalised: give embeddings unit norm.
    """

    encoder: Path
    digest: str
    device: str
    views: int = 1
    patches: bool = False
    normalised: bool = True

    @property
    def columns(self) -> Mapping[str, Any]:
        as_they_are = {} if self.normalised else {"normalised": False}
        origin = {"encoder": self.digest, "views": self.views, **as_they_are}
        return {"seen": origin, **({"patches": origin} if self.patches else {})}

    @torch.no_grad()
    def __call__(self, artworks: Sequence[Artwork]) -> list[dict[str, np.ndarray]]:
        network = _eye(self.encoder, self.digest, self.device, normalised=self.normalised)
        found = []
        for views in _views(artworks, self.views, self.device):
            embedding = network.encode(views)
            values = {"seen": embedding.values.float().cpu().numpy()}
            if self.patches:
                values["patches"] = cast("Tensor", embedding.patches).to(torch.float16).cpu().numpy()
            found.append(values)
        return _parted(found, len(artworks), self.views)


@dataclass(frozen=True)
class Characters:
    """The musical characters that an encoder sees in an artwork's views, as inputs of its head, float32 [views, traits].

    Attributes:
        encoder: folder of the image encoder.
        digest: of what the characters depend on, which is all but the head.
        device: of the encoder.
        views: number of views.
    """

    encoder: Path
    digest: str
    device: str
    views: int = 1

    @property
    def columns(self) -> Mapping[str, Any]:
        return {"traits": {"frozen": self.digest, "views": self.views}}

    @torch.no_grad()
    def __call__(self, artworks: Sequence[Artwork]) -> list[dict[str, np.ndarray]]:
        network: EfficientNetEncoder = _eye(self.encoder, self.digest, self.device)
        views = _views(artworks, self.views, self.device)
        found = [{"traits": traits(network.characters(some)).numpy()} for some in views]
        return _parted(found, len(artworks), self.views)


def look(root: Path, part: SeenPart, sources: Sequence[Source]) -> list[Computed]:
    """What is computed from some artworks; from each alone if one of them fails.

    Args:
        root: the dataset.
        part: what is computed.
        sources: files of pictures.
    """

    def together(some: Sequence[Source]) -> list[Computed]:
        found = part([read_artwork(root / source.path) for source in some])
        check_finite(found)
        return [Computed(source.content, values) for source, values in zip(some, found, strict=True)]

    return tried(together, sources, root, lambda source, fault: Computed(source.content, {}, fault), FAILURES)


def _views(artworks: Sequence[Artwork], count: int, device: str) -> Iterator[list[Artwork]]:
    """The views of artworks; one at a time on a CPU, where a batch is no faster and rounds otherwise."""
    for index in range(count):
        views = [view_of(artwork, index) for artwork in artworks]
        yield from [[view] for view in views] if device == "cpu" else [views]


def _parted(found: Sequence[Mapping[str, np.ndarray]], artworks: int, views: int) -> list[dict[str, np.ndarray]]:
    """The columns of each artwork, from those of all views in the order of :func:`_views`."""
    columns = {name: np.concatenate([each[name] for each in found]) for name in found[0]}
    whole = {name: np.reshape(value, (views, artworks, *value.shape[1:])) for name, value in columns.items()}
    return [{name: value[:, row] for name, value in whole.items()} for row in range(artworks)]


def check_patches(encoder: Path) -> None:
    """Check that an image encoder has patches.

    Raises:
        SettingError: it has none.
    """
    if not image_patches(encoder):
        raise SettingError(
            f"an aligner that uses patches, and {encoder.name} has none",
            "ImageBind or a CLIP, or an aligner without patch_dim",
            "Choose another encoder, or remove patch_dim from the field model.",
        )


@lru_cache(maxsize=1)
def _eye(encoder: Path, digest: str, device: str, *, normalised: bool = True) -> Any:  # noqa: ANN401, ARG001  new weights are loaded anew
    network: Any = load_image_encoder(encoder, dtype=torch.float32, normalised=normalised)
    return network.to(device).eval()
