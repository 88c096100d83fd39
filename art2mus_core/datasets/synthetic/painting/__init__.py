"""Synthetic paintings: `paint(seed)` paints the same composition at any size."""

from __future__ import annotations

from .painter import STYLES, paint, paint_square

__all__ = ["STYLES", "paint", "paint_square"]
