"""What PNG, HEIF, JPEG 2000 and BMP files say of their colours, where Pillow does not pass it on.

And PNG files of which a chunk beside the picture is damaged: programs that show pictures ignore it.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

__all__ = [
    "COLOUR_CHUNKS",
    "Mended",
    "Nclx",
    "bmp_profile",
    "heif_nclx",
    "jpeg2000_profile",
    "png_chunks",
    "without_damaged_chunks",
]

MOST = 1 << 24
"""Bytes of one description of colours that are read."""


class Nclx(NamedTuple):
    """Code points of ITU-T H.273, as PNG's cICP and HEIF's `nclx` have them."""

    primaries: int
    transfer: int


class Box(NamedTuple):
    """A box of ISO/IEC 14496-12: its kind, and where its content lies in the file."""

    kind: bytes
    start: int
    end: int


def png_chunks(file: BinaryIO | io.BytesIO) -> dict[bytes, bytes]:
    """The chunks of a PNG file that stand before its pixels and say what colours it has, by name."""
    file.seek(8)
    found: dict[bytes, bytes] = {}
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind in {b"IDAT", b"IEND"}:
            break
        if kind in COLOUR_CHUNKS:
            found.setdefault(kind, file.read(min(length, MOST)))
            file.seek(length - len(found[kind]) + 4, 1)
        else:
            file.seek(length + 4, 1)
    return found


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[Box]:
    while start + 8 <= end:
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        content = start + 8
        if size == 1:
            (size,) = struct.unpack(">Q", file.read(8))
            content += 8
        stop = start + size if size else end
        if not content <= stop <= end:
            return
        yield Box(kind, content, stop)
        start = stop


def _box(file: BinaryIO, start: int, end: int, *kinds: bytes) -> Box | None:
    """The first box of a path of kinds, one within the other."""
    for box in _boxes(file, start, end):
        if box.kind == kinds[0]:
            inner = box.start + (4 if box.kind == b"meta" else 0)
            return box if len(kinds) == 1 else _box(file, inner, box.end, *kinds[1:])
    return None


def _content(file: BinaryIO, box: Box) -> bytes:
    file.seek(box.start)
    return file.read(min(box.end - box.start, MOST))


def jpeg2000_profile(file: BinaryIO) -> bytes | None:
    """The ICC profile of a JP2 file (ISO/IEC 15444-1, I.5.3.3)."""
    head = _box(file, 0, _size(file), b"jp2h")
    for box in _boxes(file, head.start, head.end) if head else ():
        if box.kind == b"colr":
            content = _content(file, box)
            if content[:1] in {b"\x02", b"\x03"}:
                return content[3:]
    return None


def heif_nclx(file: BinaryIO) -> Nclx | None:
    """The code points of a HEIF or AVIF file's main picture (ISO/IEC 23008-12, 6.5.5 and 9.3)."""
    size = _size(file)
    main = _box(file, 0, size, b"meta", b"pitm")
    owned = _box(file, 0, size, b"meta", b"iprp", b"ipma")
    kept = _box(file, 0, size, b"meta", b"iprp", b"ipco")
    if not (main and owned and kept):
        return None
    properties = list(_boxes(file, kept.start, kept.end))
    version, *number = _content(file, main)
    item = int.from_bytes(bytes(number[3 : 5 if version == 0 else 7]), "big")
    for index in _properties_of(item, _content(file, owned)):
        if 0 < index <= len(properties) and properties[index - 1].kind == b"colr":
            content = _content(file, properties[index - 1])
            if content[:4] == b"nclx" and len(content) >= 8:
                return Nclx(*struct.unpack_from(">HH", content, 4))
    return None


def _properties_of(item: int, content: bytes) -> list[int]:
    """Numbers of the properties that belong to an item, from the content of an `ipma` box."""
    version, wide = content[0], content[3] & 1
    (count,) = struct.unpack_from(">I", content, 4)
    at, name = 8, (">H", 2) if version == 0 else (">I", 4)
    for _ in range(count):
        (own,) = struct.unpack_from(name[0], content, at)
        number, at = content[at + name[1]], at + name[1] + 1
        shape = f">{number}{'H' if wide else 'B'}"
        if own == item:
            return [each & (0x7FFF if wide else 0x7F) for each in struct.unpack_from(shape, content, at)]
        at += struct.calcsize(shape)
    return []


def bmp_profile(file: BinaryIO) -> bytes | None:
    """The profile within a BMP file of version 5."""
    file.seek(14)
    head = file.read(124)
    if len(head) < 124 or struct.unpack_from("<I", head)[0] != 124 or head[56:60] != b"DEBM":
        return None
    offset, size = struct.unpack_from("<II", head, 112)
    file.seek(14 + offset)
    return file.read(min(size, MOST))


def _size(file: BinaryIO) -> int:
    return file.seek(0, 2)


PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
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
    if not content.startswith(PNG_MAGIC):
        return None
    kept, lost, at = [PNG_MAGIC], False, len(PNG_MAGIC)
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
    at = len(PNG_MAGIC)
    while at + 12 <= len(content):
        length, kind = struct.unpack_from(">I4s", content, at)
        yield kind, at, at + 12 + length
        at += 12 + length


def _is_sound(kind: bytes, chunk: bytes) -> bool:
    """Whether a chunk that a picture can do without is needed and right."""
    body, checksum = chunk[4:-4], chunk[-4:]
    long_enough = len(body) - 4 == _LENGTHS.get(kind, len(body) - 4) and (kind != b"iCCP" or b"\0" in body[4:84])
    return kind in _KEPT and long_enough and zlib.crc32(body).to_bytes(4, "big") == checksum
