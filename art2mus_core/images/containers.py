"""Colour information that Pillow does not pass on from PNG, HEIF, JPEG 2000 and BMP files.

Also repairs PNG files with damaged chunks before the pixels, which image viewers ignore.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

__all__ = ["bmp_profile", "heif_code_points", "jpeg2000_profile", "png_code_points", "without_damaged_chunks"]

MOST = 1 << 24
"""Largest number of bytes read of one profile or box."""

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_COLOUR_CHUNKS = {b"cICP": 4, b"iCCP": None, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32}
"""Chunks that state a PNG file's colours, with their length in bytes where it is fixed."""


class Box(NamedTuple):
    """A box of ISO/IEC 14496-12: its kind, and the start and end of its content in the file."""

    kind: bytes
    start: int
    end: int


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


def _box(file: BinaryIO, *path: bytes) -> Box | None:
    """Return the first box at a path of nested kinds."""
    start, end = 0, file.seek(0, 2)
    box = None
    for kind in path:
        box = next((box for box in _boxes(file, start, end) if box.kind == kind), None)
        if box is None:
            return None
        start, end = box.start + (4 if kind == b"meta" else 0), box.end
    return box


def _content(file: BinaryIO, box: Box) -> bytes:
    file.seek(box.start)
    return file.read(min(box.end - box.start, MOST))


def jpeg2000_profile(file: BinaryIO) -> bytes | None:
    """Return the ICC profile of a JP2 file (ISO/IEC 15444-1, I.5.3.3), or None."""
    head = _box(file, b"jp2h")
    contents = (
        (_content(file, box) for box in _boxes(file, head.start, head.end) if box.kind == b"colr") if head else ()
    )
    return next((content[3:] for content in contents if content[:1] in {b"\x02", b"\x03"}), None)


def heif_code_points(file: BinaryIO) -> tuple[int, int] | None:
    """Return primaries and transfer of a HEIF or AVIF file's primary item (ISO/IEC 23008-12, 6.5.5 and 9.3), or None."""
    primary, association, container = (
        _box(file, b"meta", *path) for path in ((b"pitm",), (b"iprp", b"ipma"), (b"iprp", b"ipco"))
    )
    if not (primary and association and container):
        return None
    properties = list(_boxes(file, container.start, container.end))
    version, *number = _content(file, primary)
    item = int.from_bytes(bytes(number[3 : 5 if version == 0 else 7]), "big")
    for index in _properties_of(item, _content(file, association)):
        if 0 < index <= len(properties) and properties[index - 1].kind == b"colr":
            content = _content(file, properties[index - 1])
            if content[:4] == b"nclx" and len(content) >= 8:
                return struct.unpack_from(">HH", content, 4)
    return None


def _properties_of(item: int, content: bytes) -> list[int]:
    """Return the property numbers associated with an item by the content of an `ipma` box."""
    version, wide = content[0], content[3] & 1
    (count,) = struct.unpack_from(">I", content, 4)
    at, name = 8, (">H", 2) if version == 0 else (">I", 4)
    for _ in range(count):
        (owner,) = struct.unpack_from(name[0], content, at)
        number, at = content[at + name[1]], at + name[1] + 1
        shape = f">{number}{'H' if wide else 'B'}"
        if owner == item:
            return [each & (0x7FFF if wide else 0x7F) for each in struct.unpack_from(shape, content, at)]
        at += struct.calcsize(shape)
    return []


def bmp_profile(file: BinaryIO) -> bytes | None:
    """Return the profile embedded in a BMP file of version 5, or None."""
    file.seek(14)
    head = file.read(124)
    if len(head) < 124 or struct.unpack_from("<I", head)[0] != 124 or head[56:60] != b"DEBM":
        return None
    offset, size = struct.unpack_from("<II", head, 112)
    file.seek(14 + offset)
    return file.read(min(size, MOST))


def _chunks(file: BinaryIO | io.BytesIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and length of the content of each PNG chunk before the pixels, then the first chunk of pixels."""
    at = len(PNG_MAGIC)
    kind = b""
    while kind not in {b"IDAT", b"IEND"}:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        yield kind, at + 8, length
        at += 12 + length


def png_code_points(file: BinaryIO | io.BytesIO) -> tuple[int, int] | None:
    """Return primaries and transfer of a PNG file's cICP chunk, or None."""
    start = next((start for kind, start, length in _chunks(file) if kind == b"cICP" and length == 4), None)
    if start is None:
        return None
    file.seek(start)
    return struct.unpack("BB", file.read(2))


def without_damaged_chunks(path: Path) -> tuple[bytes, bool] | None:
    """Return the PNG file without damaged or unneeded chunks before its pixels, or None if it is not a PNG file.

    The flag is true if a removed chunk stated the file's colours.
    """
    content = path.read_bytes()
    if not content.startswith(PNG_MAGIC):
        return None
    kept, lost, end = [PNG_MAGIC], False, len(PNG_MAGIC)
    for kind, start, length in _chunks(io.BytesIO(content)):
        if kind == b"IDAT":
            break
        end = start + length + 4
        if kind[0] < ord("a") or _is_sound(kind, content[start:end]):
            kept.append(content[start - 8 : end])
        else:
            lost = lost or kind in _COLOUR_CHUNKS
    return b"".join([*kept, content[end:]]), lost


def _is_sound(kind: bytes, chunk: bytes) -> bool:
    """Whether an optional chunk (content and checksum) affects the picture and is intact."""
    body, checksum = chunk[:-4], chunk[-4:]
    fits = len(body) == (_COLOUR_CHUNKS.get(kind) or len(body)) and (kind != b"iCCP" or b"\0" in body[:80])
    known = kind in _COLOUR_CHUNKS or kind in {b"tRNS", b"eXIf"}
    return known and fits and zlib.crc32(kind + body).to_bytes(4, "big") == checksum
