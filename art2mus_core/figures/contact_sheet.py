"""Many artworks beside their music on one sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from ..types import Artwork
from .paper import AXIS, draw_text, fitted, picture_of, sheet, shortened
from .spectrogram import heat_map

__all__ = ["draw_contact_sheet"]

SIDE, SOUND, TEXT, GAP, MARGIN = 200, 420, 16, 12, 32


def draw_contact_sheet(
    rows: Sequence[tuple[Artwork, Float[Tensor, "frames bins"], str]], columns: int | None = None
) -> Image.Image:
    """Each artwork, its music's log-mel beside it and a caption below, row by row.

    Args:
        rows: artwork, log-mel [T, bins], caption; a caption may have several lines.
        columns: pairs side by side; one up to four pairs, else two.
    """
    across = columns or (1 if len(rows) <= 4 else 2)
    lines = max((caption.count("\n") + 1 for _, _, caption in rows), default=0)
    wide, high = SIDE + GAP + SOUND, SIDE + round(TEXT * (0.7 + 1.35 * lines))
    down = math.ceil(len(rows) / across)
    image, pen = sheet(
        2 * MARGIN + across * wide + (across - 1) * MARGIN, 2 * MARGIN + down * high + max(0, down - 1) * GAP
    )
    for index, (artwork, log_mel, caption) in enumerate(rows):
        left = MARGIN + index % across * (wide + MARGIN)
        top = MARGIN + index // across * (high + GAP)
        picture = fitted(picture_of(artwork), SIDE, SIDE)
        image.paste(picture, (left + (SIDE - picture.width) // 2, top + (SIDE - picture.height) // 2))
        image.paste(heat_map(log_mel, SOUND, SIDE), (left + SIDE + GAP, top))
        pen.rectangle((left + SIDE + GAP - 1, top - 1, left + wide, top + SIDE), outline=AXIS)
        for number, line in enumerate(caption.splitlines()):
            where = (left, top + SIDE + TEXT * (0.5 + 1.35 * number))
            draw_text(pen, where, shortened(line, TEXT, wide), TEXT)
    return image
