"""Directories of TIFF files: tags by number, page after page (TIFF 6.0, section 2)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal

from PIL.TiffImagePlugin import ImageFileDirectory_v2

__all__ = ["Directory", "Tag", "all_of", "first_of", "largest_directory"]


class Tag(IntEnum):
    """The tags that are used here."""

    WIDTH = 256
    HEIGHT = 257
    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    FILL_ORDER = 266
    STRIPS = 273
    ORIENTATION = 274
    SAMPLES = 277
    ROWS = 278
    STRIP_BYTES = 279
    MAX_SAMPLE = 281
    PLANAR = 284
    PREDICTOR = 317
    PALETTE = 320
    TILE_WIDTH = 322
    TILE_HEIGHT = 323
    TILES = 324
    TILE_BYTES = 325
    EXTRA = 338
    FORMAT = 339
    S_MAX_SAMPLE = 341
    PROFILE = 34675


_MOST_PAGES = 1000
MASK = 4
"""The photometric interpretation of a page that only says what of another is seen."""

Directory = Any
"""Pillow's tags by number, of which only some versions know their types."""


def _directories(path: Path) -> Iterator[Directory]:
    with path.open("rb") as file:
        head = file.read(8)
        big = head[:4] in {b"II+\0", b"MM\0+"}
        if not big and head[:4] not in {b"II*\0", b"MM\0*"}:
            return
        place = file.read(8) if big else head[4:]
        order: Literal["little", "big"] = "little" if head[:2] == b"II" else "big"
        seen: set[int] = set()
        while (start := int.from_bytes(place, order)) and start not in seen and len(seen) < _MOST_PAGES:
            seen.add(start)
            file.seek(start)
            found = ImageFileDirectory_v2((b"II*\0" if order == "little" else b"MM\0*") + bytes(4))
            found._bigtiff = big  # which Pillow sees in little-endian files only  # noqa: SLF001
            found.load(file)
            yield found
            place = found.next.to_bytes(len(place), order)


def largest_directory(path: Path) -> tuple[int, Directory] | None:
    """The first of the largest pages of a TIFF file with its number from 0; nothing if it is none."""
    pages = [
        (number, page)
        for number, page in enumerate(_directories(path))
        if page.get(Tag.WIDTH) and page.get(Tag.HEIGHT) and page.get(Tag.PHOTOMETRIC) != MASK
    ]
    return max(pages, key=lambda each: each[1][Tag.WIDTH] * each[1][Tag.HEIGHT], default=None)


def first_of(directory: Directory, tag: int, default: int) -> int:
    """The first value of a tag."""
    value = directory.get(tag, default)
    return int(value[0] if isinstance(value, tuple) else value)


def all_of(tags: Directory, tag: int) -> tuple[int, ...]:
    """The values of a tag."""
    value = tags.get(tag, ())
    return value if isinstance(value, tuple) else (value,)
