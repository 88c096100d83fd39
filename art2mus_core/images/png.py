"""PNG files of which a chunk beside the picture is damaged: programs that show pictures ignore it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["COLOUR_CHUNKS", "Mended", "without_damaged_chunks"]

MAGIC = b"\x89PNG\r\n\x1a\n"
COLOUR_CHUNKS = frozenset({b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM"})
_LENGTHS = {b"cICP": 4, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32}
_KEPT = {b"tRNS", b"eXIf", *COLOUR_CHUNKS}


class Mended(NamedTuple):
    """A file that can be read, and whether something on its colours had to be left out."""

    content: bytes
    lost_colours: bool


def without_damaged_chunks(path: Path) -> Mended | None:
    """The file without what stands before the picture and is damaged or no part of its looks; nothing if it is no PNG."""
    content = path.read_bytes()
    if not content.startswith(MAGIC):
        return None
    kept, lost, at = [MAGIC], False, len(MAGIC)
    for kind, start, end in _chunks(content):
        at = start
        if kind == b"IDAT":
            break
        if kind[0] < ord("a") or _is_sound(kind, content[start:end]):
            kept.append(content[start:end])
        else:
            lost = lost or kind in COLOUR_CHUNKS
        at = end
    return Mended(b"".join([*kept, content[at:]]), lost)


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, beginning and end of every chunk."""
    at = len(MAGIC)
    while at + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        yield kind, at, at + 12 + length
        at += 12 + length


def _is_sound(kind: bytes, chunk: bytes) -> bool:
    """Whether a chunk that a picture can do without is needed and right."""
    body, checksum = chunk[4:-4], chunk[-4:]
    long_enough = len(body) - 4 == _LENGTHS.get(kind, len(body) - 4) and (kind != b"iCCP" or b"\0" in body[4:84])
    return kind in _KEPT and long_enough and zlib.crc32(body).to_bytes(4, "big") == checksum
