"""Reads the directories of TIFF files: the tags of every page by number (TIFF 6.0, section 2)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from PIL.ExifTags import Base as Tag
from PIL.TiffImagePlugin import ImageFileDirectory_v2

__all__ = ["Directory", "Tag", "all_of", "first_of", "largest_directory"]


_MOST_PAGES = 1000
MASK = 4
"""Photometric interpretation of a page that is the transparency mask of another."""

Directory = Any
"""Pillow's tags by number. Not all versions of Pillow annotate their types."""


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
            found._bigtiff = big  # Pillow detects it in little-endian files only  # noqa: SLF001
            found.load(file)
            yield found
            place = found.next.to_bytes(len(place), order)


def largest_directory(path: Path) -> tuple[int, Directory] | None:
    """Return the number (from 0) and the tags of a TIFF file's largest page; None for other files."""
    pages = [
        (number, page)
        for number, page in enumerate(_directories(path))
        if page.get(Tag.ImageWidth) and page.get(Tag.ImageLength) and page.get(Tag.PhotometricInterpretation) != MASK
    ]
    return max(pages, key=lambda each: each[1][Tag.ImageWidth] * each[1][Tag.ImageLength], default=None)


def first_of(directory: Directory, tag: int, default: int) -> int:
    """Return the first value of a tag."""
    value = directory.get(tag, default)
    return int(value[0] if isinstance(value, tuple) else value)


def all_of(tags: Directory, tag: int) -> tuple[int, ...]:
    """Return all values of a tag, () without it."""
    value = tags.get(tag, ())
    return value if isinstance(value, tuple) else (value,)
