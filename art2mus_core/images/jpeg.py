"""JPEG files that lack nothing but their end marker, told from those that were cut short."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

__all__ = ["NO_END", "without_end"]

END = b"\xff\xd9"
NO_END = "its end marker is missing; all of the picture is there"

_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_SCAN, _RESTARTS = 0xDA, range(0xD0, 0xD8)
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


def _decoded(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content + END), formats=["JPEG"]) as image:
        return image.tobytes()


def _noise(content: bytes) -> bytes:
    """Bytes that are no picture's, in as many restart intervals as a decoder could wait for."""
    last = next((kind for kind in reversed(list(_markers(content))) if kind[0] in _RESTARTS), None)
    following = (last[0] - _RESTARTS.start + 1) % 8 if last else 0
    garbage = b"\xaa\x55\x33" * 40
    restarts = [bytes([0xFF, _RESTARTS[(following + number) % 8]]) + garbage for number in range(8)]
    return garbage + b"".join(restarts)


def _markers(content: bytes) -> Iterator[tuple[int, int]]:
    """Markers and where they stand, those between the pixels too."""
    at = 2
    while (at := content.find(b"\xff", at)) >= 0 and at + 1 < len(content):
        kind = content[at + 1]
        if kind in {0x00, 0xFF}:
            at += 1 + (kind == 0x00)
            continue
        yield kind, at
        at += 2
        if kind not in _RESTARTS and at + 2 <= len(content):
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
