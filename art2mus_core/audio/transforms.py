"""Lengths of Fourier transforms."""

from __future__ import annotations

import math

__all__ = ["FACTORS", "fast_length"]

FACTORS = 1, 3, 5, 9, 15
"""Odd factors of the lengths."""


def fast_length(least: int) -> int:
    """The smallest product of a power of two and one of `FACTORS` from `least` on; a length with a large factor takes 12 times as long."""
    return min(factor << max(0, math.ceil(math.log2(least / factor))) for factor in FACTORS)
