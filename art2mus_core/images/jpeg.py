"""JPEG files that lack nothing but their end marker, and those that were cut short, by what is in them."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

__all__ = ["NO_END", "may_be_cut", "missing_part", "without_end"]

END = b"\xff\xd9"
NO_END = "its end marker is missing; all of the picture is there"

_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_SEQUENTIAL, _PROGRESSIVE = (0xC0, 0xC1), 0xC2
_SCAN, _END, _RESTARTS = 0xDA, 0xD9, range(0xD0, 0xD8)
_MARKER = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)
_COEFFICIENTS = frozenset(range(64))


def without_end(path: Path) -> Image.Image | None:
    """The opened picture of a file that could not be decoded to its end; nothing if some of it is missing.

    A decoder fills what is missing with whatever follows. So the file is decoded twice, followed by nothing and by noise: it is
    whole if both are the same picture, and if every coefficient has had its last scan.
    """
    content = path.read_bytes()
    content = content[:-1] if content.endswith(b"\xff") else content
    try:
        if not _has_all_scans(content):
            return None
        plain, followed = (_decoded(content + more) for more in (b"", _noise(content)))
        return Image.open(io.BytesIO(content + END), formats=["JPEG"]) if plain == followed else None
    except (OSError, SyntaxError, ValueError, IndexError, struct.error):
        return None


def may_be_cut(image: Image.Image, rows: UInt8[np.ndarray, "height width 3"]) -> bool:
    """Whether a look at the file is worth its time: decoders fill up what is missing, to the last corner, with one grey.

    Args:
        image: as it was opened.
        rows: as it was seen, perhaps turned.
    """
    is_reduced = sorted(image.size) != sorted(rows.shape[:2])
    # Colours of the block above shine through the first line of the last block, which may be all that is seen of it.
    if image.info.get("progressive") or is_reduced or 1 in {length % 8 for length in image.size}:
        return True
    wide, high = ((length % 8 or 8) // 2 for length in image.size)
    high, wide = (high, wide) if rows.shape[:2] == image.size[::-1] else (wide, high)
    corners = (rows[y, x] for y in (slice(high), slice(-high, None)) for x in (slice(wide), slice(-wide, None)))
    return any(corner.min() > 5 and corner.max() < 250 and not np.ptp(corner, (0, 1)).any() for corner in corners)


def missing_part(path: Path) -> str | None:
    """What a picture lacks that could be decoded, in words; nothing if it is whole.

    A file that was cut and then closed with an end marker is filled up in silence, mostly with grey. As above, what follows its
    data tells; an eighth of the size is enough to see where.
    """
    content = path.read_bytes()
    try:
        markers = list(_markers(content))
        content = content[: next((at for kind, at in markers if kind == _END), len(content))].rstrip(b"\xff")
        frame = next(kind for kind, _ in markers if kind in _FRAMES)
        if frame == _PROGRESSIVE:
            whole = _has_all_scans(content) and _decoded(content) == _decoded(content + _noise(content))
            return None if whole else "its data end early: details are missing everywhere"
        return _missing_rows(content) if frame in _SEQUENTIAL else None
    except (OSError, SyntaxError, ValueError, IndexError, StopIteration, struct.error):
        return None


def _missing_rows(content: bytes) -> str | None:
    plain, followed = (_eighth(content + more) for more in (b"", _noise(content)))
    rows = np.flatnonzero((plain != followed).reshape(len(plain), -1).any(1))
    if not len(rows):
        return None
    share = 100 * (1 - rows[0] / len(plain))
    return f"its data end early: the lowest {max(share, 1):.0f} % of the picture are missing and filled up"


def _eighth(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content + END), formats=["JPEG"]) as image:
        image.draft(None, (max(image.width // 8, 1), max(image.height // 8, 1)))
        return np.asarray(image)


def _decoded(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content + END), formats=["JPEG"]) as image:
        return image.tobytes()


def _noise(content: bytes) -> bytes:
    """Bytes that are no picture's, in as many restart intervals as a decoder could wait for."""
    last = next((kind for kind in reversed(list(_markers(content))) if kind[0] in _RESTARTS), None)
    following = (last[0] - _RESTARTS.start + 1) % 8 if last else 0
    garbage = b"\xaa\x55\x33" * 400  # several blocks of the finest picture
    restarts = [bytes([0xFF, _RESTARTS[(following + number) % 8]]) + garbage for number in range(8)]
    return garbage + b"".join(restarts)


def _markers(content: bytes) -> Iterator[tuple[int, int]]:
    """Markers and where they stand, those between the pixels too."""
    at = 2
    while found := _MARKER.search(content, at):
        kind, at = found[1][0], found.end()
        yield kind, at - 2
        if kind not in _RESTARTS and kind != _END and at + 2 <= len(content):
            at += struct.unpack_from(">H", content, at)[0]


def _has_all_scans(content: bytes) -> bool:
    """Whether every component has had scans to the last bit of all its coefficients."""
    waiting: dict[int, set[int]] = {}
    for kind, at in _markers(content):
        if kind in _FRAMES:
            waiting = {content[at + 10 + 3 * number]: set(_COEFFICIENTS) for number in range(content[at + 9])}
        elif kind == _SCAN:
            count = content[at + 4]
            first, last, bits = content[at + 5 + 2 * count : at + 8 + 2 * count]
            for component in content[at + 5 : at + 5 + 2 * count : 2]:
                if bits & 0x0F == 0 and component in waiting:
                    waiting[component] -= set(range(first, last + 1))
    return bool(waiting) and not any(waiting.values())
