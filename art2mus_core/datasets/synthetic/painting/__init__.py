"""An endless gallery: `paint(seed)` gives a painting, the same one at any size."""

from __future__ import annotations

from .painter import STYLES, paint, paint_square

__all__ = ["STYLES", "paint", "paint_square"]
