"""Cuts a sound into the windows of an evaluation model."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor

__all__ = ["cut"]

LEFT_OVER = 0.1
"""Share of a window that may be dropped at the end, so that a sound a few samples longer than a window has only one."""


def cut(samples: Float[Tensor, " samples"], length: int) -> list[Float[Tensor, " window"]]:
    """The fewest windows of `length` samples that cover the sound, evenly spaced and overlapping where necessary.

    Up to a tenth of a window may be left over at the end. A sound shorter than a window is returned whole.
    """
    room = max(len(samples) - length, 0)
    count = max(math.ceil(room / length - LEFT_OVER), 0)
    starts = [round(index * room / count) for index in range(count + 1)] if count else [0]
    return [samples[start : start + length] for start in starts]
