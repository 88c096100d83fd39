"""Draws many artworks beside their music on one sheet."""

from __future__ import annotations

import math
from collections.abc import Sequence

from jaxtyping import Float
from PIL import Image
from torch import Tensor

from art2mus_core.figures.paper import AXIS, draw_text, fitted, sheet, shortened
from art2mus_core.figures.spectrogram import heat_map
from art2mus_core.images.reading import picture_of
from art2mus_core.types import Artwork

__all__ = ["draw_contact_sheet"]

SIDE, SOUND, TEXT, GAP, MARGIN = 200, 420, 16, 12, 32


def draw_contact_sheet(
    rows: Sequence[tuple[Artwork, Float[Tensor, "frames bins"], str]], columns: int | None = None
) -> Image.Image:
    """Draw each artwork with its music's log-mel beside it and a caption below.

    Args:
        rows: artwork, log-mel [T, bins], and caption of one or several lines.
        columns: pairs in a row; by default one for up to four pairs, else two.
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
