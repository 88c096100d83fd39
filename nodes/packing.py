"""Between the host's types and the core's."""

from __future__ import annotations

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
    "pack_pictures",
    "packed_bytes",
    "unpack_artworks",
    "unpack_audio",
    "without_masked",
]


FLOAT = 4
"""Bytes of one of the host's numbers."""


class Audio(TypedDict, total=False):
    """The host's AUDIO, with our provenance beside it."""

    waveform: Float[Tensor, "batch channels samples"]
    sample_rate: int
    art2mus: dict[str, Any]


def pack_artwork(artwork: Artwork) -> Float[Tensor, "1 height width 3"]:
    """The host's IMAGE."""
    return artwork.pixels.permute(1, 2, 0)[None].float() / 255


class Packed(NamedTuple):
    """A picture file as the host has it.

    Attributes:
        image: IMAGE.
        mask: MASK.
        remarks: what a person should know of how the file was read, a sentence each that begins with its name.
    """

    image: Float[Tensor, "1 height width 3"]
    mask: Float[Tensor, "1 height width"]
    remarks: list[str]


def pack_file(path: Path) -> Packed:
    """A picture file for the host.

    Raises:
        ArtworkError: see :func:`~..art2mus_core.images.reading.read_artwork`.
    """
    from ..art2mus_core.images.reading import read_artwork

    picture = read_artwork(path)
    remarks = [f"{as_unicode(path.name)}: {note}" for note in picture.notes]
    return Packed(pack_artwork(picture), pack_mask(path, picture), remarks)


def packed_bytes(path: Path) -> int:
    """Bytes that :func:`pack_file` takes, by the picture's header; 0 where that cannot be read, which reading tells of."""
    from ..art2mus_core.images.reading import LONGEST_SIDE, opened

    try:
        with opened(path) as image:
            share = min(1.0, LONGEST_SIDE / max(image.size))
            channels = 3 + image.has_transparency_data
            return round(image.width * image.height * share**2) * channels * FLOAT
    except Exception:  # noqa: BLE001  Pillow's readers raise whatever a broken header leads them to
        return 0


def pack_pictures(pictures: list[Image.Image]) -> Float[Tensor, "batch height width 3"]:
    """Drawn pictures of one size as the host's IMAGE."""
    rows = [torch.from_numpy(np.array(picture.convert("RGB"), np.uint8)) for picture in pictures]
    return torch.stack(rows).float() / 255


def pack_covers(image: Float[Tensor, "batch height width channels"] | None) -> list[bytes]:
    """JPEGs for sound files, one a picture."""
    from ..art2mus_core.images.reading import thumbnail_jpeg

    return [] if image is None else [thumbnail_jpeg(artwork) for artwork in unpack_artworks(image)]


def pack_mask(path: Path, artwork: Artwork) -> Float[Tensor, "1 height width"]:
    """The host's MASK of a picture file: 1 where it is transparent or painted over in the mask editor."""
    from ..art2mus_core.images.reading import opened

    height, width = artwork.pixels.shape[1:]
    with opened(path) as image:
        if not image.has_transparency_data:
            return torch.from_numpy(np.zeros((1, height, width), np.float32))  # takes no memory until it is written to
        alpha = ImageOps.exif_transpose(image).convert("RGBA").getchannel("A").resize((width, height))
    return 1 - torch.from_numpy(np.asarray(alpha, np.float32))[None] / 255


def unpack_artworks(image: Float[Tensor, "batch height width channels"]) -> list[Artwork]:
    """Artworks of an IMAGE, in which values round to the 8 bits they came from."""
    from ..art2mus_core.types import Artwork

    rows = (image[..., :3] * 255).round().clamp(0, 255).to("cpu", torch.uint8).permute(0, 3, 1, 2)
    return [Artwork(picture.contiguous()) for picture in rows]


def without_masked(
    image: Float[Tensor, "batch height width channels"],
    mask: Float[Tensor, "masks rows columns"] | None,
    *,
    invert: bool = False,
) -> Float[Tensor, "batch height width channels"]:
    """The pictures with their masked parts in the mean colour of the rest, so that they say nothing.

    Args:
        image: the pictures.
        mask: 1 where a picture is left out; masks begin with the first again where pictures are more, as the host has it.
        invert: leave out what is 0 in the mask.

    Raises:
        ArtworkError: nothing of a picture remains.
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
            "one that marks what is to be used",
            "Paint a mask, or switch invert off.",
        )
    return ArtworkError(
        f"a mask that covers everything{which}",
        "one that leaves something to look at",
        "Paint a smaller mask, or switch invert on to use only what is masked.",
    )


def pack_audio(waveform: Waveform, provenance: dict[str, Any]) -> Audio:
    """The host's AUDIO."""
    return Audio(waveform=waveform.samples.float().cpu(), sample_rate=waveform.sample_rate, art2mus=provenance)


def unpack_audio(audio: Audio | None) -> tuple[list[Waveform], dict[str, Any]]:
    """One waveform a piece, and what is known of where they come from; more than two channels are mixed.

    Raises:
        AudioError: a video without a sound track came in, or a sound without samples.
    """
    from ..art2mus_core.types import Waveform

    if audio is None:
        raise AudioError("no sound", "AUDIO", "The picture or video it comes from has no sound track.")
    heard = audio["waveform"].float().cpu()
    if heard.numel() == 0:
        raise AudioError("an empty sound", "one that lasts", "Check what it was cut from.")
    heard = heard.mean(1, keepdim=True) if heard.shape[1] > 2 else heard
    return [Waveform(samples[None], audio["sample_rate"]) for samples in heard], audio.get("art2mus", {})
