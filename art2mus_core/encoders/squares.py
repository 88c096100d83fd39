"""The side of the square to which encoders scale artworks."""

from __future__ import annotations

from ..errors import CheckpointError

__all__ = ["check_size"]

LARGEST = 1024
"""At this side, a small network needs about a gigabyte of memory."""


def check_size(size: object, least: int) -> None:
    """Refuse a side of a configuration at which nothing is left for pooling, or that no memory holds.

    Args:
        size: pixels.
        least: the first side that is too small.

    Raises:
        CheckpointError: no whole number, or one outside the range.
    """
    if type(size) is not int or not least < size <= LARGEST:
        raise CheckpointError(
            f"an image encoder with size {size!r}",
            f"a whole number above {least}, so that more than one position is left for pooling, and up to {LARGEST}",
            "Install or download the checkpoint again.",
        )
