"""Centre crops: the normalised square that CLIP and ImageBind take as input, and the middle of very long pictures."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from ..errors import ArtworkError
from ..types import Artwork

__all__ = ["CLIP_MEAN", "CLIP_STD", "centre_square", "middle"]

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""Mean and standard deviation of red, green and blue (0..1) in CLIP's training set (Radford et al. 2021)."""


def centre_square(artwork: Artwork, size: int) -> Float[Tensor, "3 {size} {size}"]:
    """Return the picture's central square, normalised by CLIP's mean and standard deviation.

    The shorter side is resized to `size` pixels (bicubic, antialiased, in 8 bits) and the longer side in proportion, rounded
    down; then both are cropped to `size`. A half-pixel crop offset is rounded to even, as in the preprocessing that CLIP and
    ImageBind were trained with (some later versions round down).

    Raises:
        ArtworkError: the picture has no pixels.
    """
    rows = middle(artwork).permute(1, 2, 0).contiguous().cpu().numpy()
    image = Image.fromarray(rows)
    shorter = min(image.size)
    width, height = (size * side // shorter for side in image.size)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    left, top = round((width - size) / 2), round((height - size) / 2)
    square = np.asarray(image.crop((left, top, left + size, top + size)), np.float32)
    pixels = torch.from_numpy(square / np.float32(255)).permute(2, 0, 1)
    mean, std = (torch.tensor(values)[:, None, None] for values in (CLIP_MEAN, CLIP_STD))
    return ((pixels - mean) / std).contiguous()


LONGEST = 16
"""Longest aspect ratio that is resized whole; longer pictures are cropped first."""


def middle(artwork: Artwork) -> UInt8[Tensor, "3 height width"]:
    """Return a view of the pixels, cropped around the centre to an aspect ratio of at most `LONGEST`.

    Raises:
        ArtworkError: the picture has no pixels.
    """
    height, width = artwork.pixels.shape[1:]
    shorter = min(height, width)
    if shorter == 0:
        raise ArtworkError(
            f"{artwork.name} has {width} x {height} pixels", "at least one pixel", "Choose another picture."
        )
    down, right = (max(0, (side - LONGEST * shorter) // 2) for side in (height, width))
    return artwork.pixels[:, down : height - down, right : width - right]
