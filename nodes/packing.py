"""Conversions between the host's types and the core's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

import numpy as np
import torch
from PIL import Image, ImageOps
from torch.nn import functional as F

from ..art2mus_core.errors import ArtworkError, AudioError
from ..art2mus_core.naming import as_unicode

if TYPE_CHECKING:
    from jaxtyping import Float
    from torch import Tensor

    from ..art2mus_core.types import Artwork, Waveform

__all__ = [
    "Audio",
    "Packed",
    "pack_artwork",
    "pack_audio",
    "pack_covers",
    "pack_file",
    "pack_mask",
    "pack_messages",
    "pack_pictures",
    "packed_bytes",
    "unpack_artworks",
    "unpack_audio",
    "without_masked",
]


FLOAT = 4
"""Bytes of a float32."""


class Audio(TypedDict, total=False):
    """The host's AUDIO with provenance in `art2mus`."""

    waveform: Float[Tensor, "batch channels samples"]
    sample_rate: int
    art2mus: dict[str, Any]


def pack_artwork(artwork: Artwork) -> Float[Tensor, "1 height width 3"]:
    """The host's IMAGE."""
    return artwork.pixels.permute(1, 2, 0)[None].float() / 255


class Packed(NamedTuple):
    """A picture file as the host's types.

    Attributes:
        image: IMAGE.
        mask: MASK.
        notes: sentences about problems with the file, each starting with the file's name.
    """

    image: Float[Tensor, "1 height width 3"]
    mask: Float[Tensor, "1 height width"]
    notes: list[str]


def pack_file(path: Path) -> Packed:
    """Read a picture file as IMAGE and MASK.

    Raises:
        ArtworkError: see :func:`~..art2mus_core.images.reading.read_artwork`.
    """
    from ..art2mus_core.images.reading import read_artwork

    picture = read_artwork(path)
    notes = [f"{as_unicode(path.name)}: {note}" for note in picture.notes]
    return Packed(pack_artwork(picture), pack_mask(path, picture), notes)


def packed_bytes(path: Path) -> int:
    """Bytes that :func:`pack_file` needs, by the picture's header; 0 if the header cannot be read, as :func:`pack_file` reports."""
    from ..art2mus_core.images.reading import LONGEST_SIDE, opened

    try:
        with opened(path) as image:
            share = min(1.0, LONGEST_SIDE / max(image.size))
            channels = 3 + image.has_transparency_data
            return round(image.width * image.height * share**2) * channels * FLOAT
    except Exception:  # noqa: BLE001  broken headers raise errors of many classes in Pillow
        return 0


def pack_pictures(pictures: list[Image.Image]) -> Float[Tensor, "batch height width 3"]:
    """Pictures of one size as the host's IMAGE."""
    rows = [torch.from_numpy(np.array(picture.convert("RGB"), np.uint8)) for picture in pictures]
    return torch.stack(rows).float() / 255


def pack_covers(image: Float[Tensor, "batch height width channels"] | None) -> list[bytes]:
    """JPEG covers for audio files, one for each picture."""
    from ..art2mus_core.images.reading import thumbnail_jpeg

    return [] if image is None else [thumbnail_jpeg(artwork) for artwork in unpack_artworks(image)]


def pack_mask(path: Path, artwork: Artwork) -> Float[Tensor, "1 height width"]:
    """The host's MASK of a picture file: 1 where it is transparent or was painted in the mask editor."""
    from ..art2mus_core.images.reading import opened

    height, width = artwork.pixels.shape[1:]
    with opened(path) as image:
        if not image.has_transparency_data:
            return torch.from_numpy(
                np.zeros((1, height, width), np.float32)
            )  # zeros take no memory until they are written to
        alpha = ImageOps.exif_transpose(image).convert("RGBA").getchannel("A").resize((width, height))
    return 1 - torch.from_numpy(np.asarray(alpha, np.float32))[None] / 255


def unpack_artworks(image: Float[Tensor, "batch height width channels"]) -> list[Artwork]:
    """The artworks of an IMAGE, rounded to 8 bits."""
    from ..art2mus_core.types import Artwork

    rows = (image[..., :3] * 255).round().clamp(0, 255).to("cpu", torch.uint8).permute(0, 3, 1, 2)
    return [Artwork(picture.contiguous()) for picture in rows]


def without_masked(
    image: Float[Tensor, "batch height width channels"],
    mask: Float[Tensor, "masks rows columns"] | None,
    *,
    invert: bool = False,
) -> Float[Tensor, "batch height width channels"]:
    """Fill the masked areas of pictures with the mean colour of the rest.

    Args:
        image: the pictures.
        mask: 1 in areas to leave out; if there are fewer masks than pictures, they repeat, as in the host's nodes.
        invert: leave out areas that are 0 in the mask.

    Raises:
        ArtworkError: a mask leaves nothing of a picture.
    """
    if mask is None:
        return image
    masks = mask.reshape(-1, 1, *mask.shape[-2:])
    masks = (1 - masks if invert else masks)[torch.arange(len(image)) % len(masks)]
    if not masks.any():
        return image
    keep = 1 - F.interpolate(masks, image.shape[1:3], mode="bilinear").movedim(1, -1).to(image)
    for number, rest in enumerate(keep.amax((1, 2, 3)).tolist(), 1):
        if rest < 1 / 255:
            raise _nothing_left(number, len(image), invert=invert)
    mean = (image * keep).sum((1, 2), keepdim=True) / keep.sum((1, 2), keepdim=True)
    return image * keep + mean * (1 - keep)


def _nothing_left(number: int, count: int, *, invert: bool) -> ArtworkError:
    which = f" of picture {number}" if count > 1 else ""
    if invert:
        return ArtworkError(
            f"a mask that marks nothing{which}, with invert on",
            "one that marks the area to use",
            "Paint a mask, or switch invert off.",
        )
    return ArtworkError(
        f"a mask that covers everything{which}",
        "one that leaves part of the picture",
        "Paint a smaller mask, or switch invert on to use only the masked area.",
    )


def pack_audio(waveform: Waveform, provenance: dict[str, Any]) -> Audio:
    """The host's AUDIO."""
    return Audio(waveform=waveform.samples.float().cpu(), sample_rate=waveform.sample_rate, art2mus=provenance)


def unpack_audio(audio: Audio | None) -> tuple[list[Waveform], dict[str, Any]]:
    """One waveform for each piece, and their provenance. More than two channels are averaged to mono.

    Raises:
        AudioError: there is no audio, as from a video without a sound track, or it is empty.
    """
    from ..art2mus_core.types import Waveform

    if audio is None:
        raise AudioError("no sound", "AUDIO", "The video that it comes from has no sound track.")
    batch = audio["waveform"].float().cpu()
    if batch.numel() == 0:
        raise AudioError("an empty sound", "at least one sample", "Check the node that it comes from.")
    batch = batch.mean(1, keepdim=True) if batch.shape[1] > 2 else batch
    return [Waveform(samples[None], audio["sample_rate"]) for samples in batch], audio.get("art2mus", {})


def pack_messages(messages: Iterable[str]) -> dict[str, list[str]] | None:
    """The host's `ui` dict that shows messages on the node (web/js/notes.js) and keeps them in history; None for none."""
    lines = list(messages)
    return {"text": lines} if lines else None
