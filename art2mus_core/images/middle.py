"""What of a very long picture can be seen in a square."""

from __future__ import annotations

from jaxtyping import UInt8
from torch import Tensor

from ..errors import ArtworkError
from ..types import Artwork

__all__ = ["middle"]

LONGEST = 16
"""Pictures longer than this many times their shorter side lose their ends before they are resized, not after."""


def middle(artwork: Artwork) -> UInt8[Tensor, "3 height width"]:
    """The pixels, uncopied; of a very long picture only the part around its centre.

    Raises:
        ArtworkError: a picture without pixels.
    """
    height, width = artwork.pixels.shape[1:]
    shorter = min(height, width)
    if shorter == 0:
        raise ArtworkError(
            f"{artwork.name} has {width} x {height} pixels", "at least one pixel", "Choose another picture."
        )
    down, right = (max(0, (side - LONGEST * shorter) // 2) for side in (height, width))
    return artwork.pixels[:, down : height - down, right : width - right]
