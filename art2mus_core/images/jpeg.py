"""Finds out whether a truncated JPEG file lost part of the picture or only its end marker."""

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
NO_END = "its end marker is missing, but the picture is complete"

_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_SEQUENTIAL, _PROGRESSIVE = (0xC0, 0xC1), 0xC2
_SCAN, _END, _RESTARTS = 0xDA, 0xD9, range(0xD0, 0xD8)
_MARKER = re.compile(rb"\xff+([^\x00\xff])", re.DOTALL)
_COEFFICIENTS = frozenset(range(64))


def without_end(path: Path) -> Image.Image | None:
    """Open a file whose decoding failed at its end; None if part of the picture is missing.

    A decoder computes missing blocks from whatever follows the data. So the file is decoded twice, once followed by noise: it
    is complete if the pictures are equal and every coefficient has had its last scan.
    """
    content = path.read_bytes()
    content = content[:-1] if content.endswith(b"\xff") else content
    try:
        return Image.open(io.BytesIO(content + END), formats=["JPEG"]) if _is_complete(content) else None
    except (OSError, SyntaxError, ValueError, IndexError, struct.error):
        return None


def may_be_cut(image: Image.Image, rows: UInt8[np.ndarray, "height width 3"]) -> bool:
    """Whether part of the picture may be missing: decoders fill the rest, to the last corner, with one grey.

    A quick check before the slow one of :func:`missing_part`.

    Args:
        image: the opened file.
        rows: its decoded pixels, perhaps rotated or reduced.
    """
    is_reduced = sorted(image.size) != sorted(rows.shape[:2])
    # If the last block shows one line only, upsampled colours of the block above it hide the grey.
    if image.info.get("progressive") or is_reduced or 1 in {length % 8 for length in image.size}:
        return True
    wide, high = ((length % 8 or 8) // 2 for length in image.size)
    high, wide = (high, wide) if rows.shape[:2] == image.size[::-1] else (wide, high)
    corners = (rows[y, x] for y in (slice(high), slice(-high, None)) for x in (slice(wide), slice(-wide, None)))
    return any(corner.min() > 5 and corner.max() < 250 and not np.ptp(corner, (0, 1)).any() for corner in corners)


def missing_part(path: Path) -> str | None:
    """Return a note on the missing part of a picture that decoded without an error; None if it is complete.

    Decoders silently fill a file that was cut and then closed with an end marker, mostly with grey. It is compared with the
    file followed by noise, as above; an eighth of the size is enough to find the missing rows.
    """
    content = path.read_bytes()
    try:
        markers = list(_markers(content))
        content = content[: next((at for kind, at in markers if kind == _END), len(content))].rstrip(b"\xff")
        frame = next(kind for kind, _ in markers if kind in _FRAMES)
        if frame == _PROGRESSIVE:
            return None if _is_complete(content) else "its data ends early: details are missing everywhere"
        return _missing_rows(content) if frame in _SEQUENTIAL else None
    except (OSError, SyntaxError, ValueError, IndexError, StopIteration, struct.error):
        return None


def _missing_rows(content: bytes) -> str | None:
    plain, followed = (_decoded(content + more, shrink=8) for more in (b"", _noise(content)))
    rows = np.flatnonzero((plain != followed).reshape(len(plain), -1).any(1))
    if not len(rows):
        return None
    share = 100 * (1 - rows[0] / len(plain))
    return f"its data ends early: the lowest {max(share, 1):.0f} % of the picture is missing and was filled in"


def _decoded(content: bytes, shrink: int = 1) -> np.ndarray:
    with Image.open(io.BytesIO(content + END), formats=["JPEG"]) as image:
        image.draft(None, (max(image.width // shrink, 1), max(image.height // shrink, 1)))
        return np.asarray(image)


def _is_complete(content: bytes) -> bool:
    if not _has_all_scans(content):
        return False
    return np.array_equal(_decoded(content), _decoded(content + _noise(content)))


def _noise(content: bytes) -> bytes:
    """Return noise for every restart interval that a decoder could wait for."""
    last = next((kind for kind in reversed(list(_markers(content))) if kind[0] in _RESTARTS), None)
    following = (last[0] - _RESTARTS.start + 1) % 8 if last else 0
    garbage = b"\xaa\x55\x33" * 400  # several blocks at the highest quality
    restarts = [bytes([0xFF, _RESTARTS[(following + number) % 8]]) + garbage for number in range(8)]
    return garbage + b"".join(restarts)


def _markers(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield the kind and position of every marker, those within the scans too."""
    at = 2
    while found := _MARKER.search(content, at):
        kind, at = found[1][0], found.end()
        yield kind, at - 2
        if kind not in _RESTARTS and kind != _END and at + 2 <= len(content):
            at += struct.unpack_from(">H", content, at)[0]


def _has_all_scans(content: bytes) -> bool:
    """Whether scans cover all coefficients of every component to the last bit."""
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
