"""Finds the samples in WAV (RIFF, RF64, BW64, Wave64), AIFF, CAF and AU files, and the size that their headers state."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

__all__ = ["Chunks", "read_chunks"]

_W64 = bytes.fromhex("72696666 2e91cf11 a5d628db 04c10000")
_LAST = (b"LIST", b"id3 ", b"ID3 ", b"bext", b"iXML", b"_PMX", b"cue ", b"JUNK", b"FLLR", b"ANNO", b"NAME")
"""Chunks that may follow the samples."""

_ROOM = 2**16
"""Largest distance in bytes of a placeholder from one of `_STREAMED`."""

_STREAMED = (0x7F000000, 2**31, 2**32, 2**63, 2**64)
"""Placeholder sizes that programs leave when they write to a pipe; 0x7F000000 is SoX's in AIFF files."""

_TAIL = 2**16
"""Bytes at the end of a file that are searched for chunks."""


@dataclass(frozen=True)
class _Kind:
    """The layout of chunks.

    Attributes:
        begin: position of the first chunk.
        name: length of a name in bytes.
        size: struct format of a size.
        counted: bytes of the chunk's own header that its size includes.
        align: chunks begin at multiples of this.
    """

    begin: int
    name: int
    size: str
    counted: int
    align: int


_KINDS = {
    b"RIFF": _Kind(12, 4, "<I", 0, 2),
    b"RF64": _Kind(12, 4, "<I", 0, 2),
    b"BW64": _Kind(12, 4, "<I", 0, 2),
    b"RIFX": _Kind(12, 4, ">I", 0, 2),
    b"FORM": _Kind(12, 4, ">I", 0, 2),
    b"riff": _Kind(40, 16, "<Q", 24, 8),
    b"caff": _Kind(8, 4, ">Q", 0, 1),
}


@dataclass(frozen=True)
class Chunks:
    """The structure of an uncompressed audio file.

    Attributes:
        magic: the file's first four bytes.
        heads: content of the chunks before the samples, by name.
        begin: position of the samples.
        stated: size of the samples in bytes by the header; None for a placeholder (see `_STREAMED`).
        there: actual size of the samples in bytes.
        second: bytes per second of sound; 0 if unknown.
    """

    magic: bytes
    heads: Mapping[bytes, bytes]
    begin: int
    stated: int | None
    there: int
    second: float

    def whole(self, source: Path | bytes) -> bytes | None:
        """Return the file's content with correct sizes in its header; None for kinds that cannot be rebuilt."""
        if self.magic in (b"RIFX", b"caff", b".snd"):
            return None
        with _open(source) as file:
            file.seek(self.begin)
            samples = file.read(self.there)
        if self.magic == b"FORM":
            return _aiff(self.heads, samples)
        form = self.heads[b"fmt "]
        body = b"WAVE" + _chunk(b"fmt ", form, "<I") + _chunk(b"data", samples, "<I")
        return b"RIFF" + struct.pack("<I", len(body)) + body if len(body) < 2**32 else None


def _open(source: Path | bytes) -> BinaryIO | io.BytesIO:
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def read_chunks(source: Path | bytes) -> Chunks | None:
    """Return the chunks of an uncompressed audio file; None for other kinds and for files without samples.

    Args:
        source: path of an existing file, or a file's content.
    """
    with _open(source) as file:
        size = file.seek(0, 2)
        file.seek(0)
        magic = file.read(4)
        if magic == b".snd":
            return _au(file, size)
        kind = _KINDS.get(magic)
        file.seek(0)
        if kind is None or (magic == b"riff" and file.read(16) != _W64):
            return None
        heads: dict[bytes, bytes] = {}
        for name, at, stated in _walk(file, kind, size):
            if name in (b"data", b"SSND"):
                return _measured(file, heads, magic, (at, stated, size))
            file.seek(at)
            heads[name] = file.read(min(stated, 4096))
    return None


def _walk(file: BinaryIO | io.BytesIO, kind: _Kind, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, position of the content and size of every chunk."""
    at, head = kind.begin, kind.name + struct.calcsize(kind.size)
    while at + head <= size:
        file.seek(at)
        name = file.read(kind.name)[:4]
        (length,) = struct.unpack(kind.size, file.read(head - kind.name))
        yield name, at + head, max(length - kind.counted, 0)
        at += head + max(length - kind.counted, 0)
        at += -at % kind.align


def _measured(
    file: BinaryIO | io.BytesIO, heads: dict[bytes, bytes], magic: bytes, place: tuple[int, int, int]
) -> Chunks | None:
    """Return the chunks for `place`: position and size of the samples' chunk, and the size of the file."""
    at, stated, size = place
    extra = 8 if magic == b"FORM" else 4 if magic == b"caff" else 0  # offset and block size; count of edits
    if b"ds64" in heads and len(heads[b"ds64"]) >= 16 and stated == 2**32 - 1:
        stated = int.from_bytes(heads[b"ds64"][8:16], "little")
    begin, known = at + extra, not _is_placeholder(stated)
    second = _second(magic, heads)
    if second is None or size <= begin:
        return None
    there = min(stated - extra, size - begin) if known else _before_last(file, begin, size, magic) - begin
    return Chunks(magic, heads, begin, stated - extra if known else None, there, second)


def _is_placeholder(size: int) -> bool:
    """Whether a size is a placeholder of a writer that could not return to its header."""
    return size == 0 or any(abs(size - each) <= _ROOM for each in _STREAMED)


def _before_last(file: BinaryIO | io.BytesIO, begin: int, size: int, magic: bytes) -> int:
    """Return the end of the samples: the end of the file, or the known chunks before it."""
    file.seek(max(begin, size - _TAIL))
    offset, tail = file.tell(), file.read()
    order = ">I" if magic in (b"FORM", b"RIFX") else "<I"
    end = len(tail)
    while True:
        starts = (
            at
            for name in _LAST
            if (at := tail.rfind(name, 0, end)) >= 0 and at + 8 <= end
            if 0 <= end - at - 8 - struct.unpack(order, tail[at + 4 : at + 8])[0] <= 1
        )
        found = min(starts, default=None)
        if found is None:
            return offset + end
        end = found


def _second(magic: bytes, heads: Mapping[bytes, bytes]) -> float | None:
    """Return the bytes per second; None without the chunk that states it."""
    try:
        if magic == b"FORM":
            channels, _, bits, rate = _comm(heads[b"COMM"])
            return channels * -(-bits // 8) * rate
        if magic == b"caff":
            rate, _, _, packet, frames = struct.unpack(">d4sIII", heads[b"desc"][:24])
            return rate * packet / frames if frames else 0.0
        return float(struct.unpack(">I" if magic == b"RIFX" else "<I", heads[b"fmt "][8:12])[0])
    except (KeyError, struct.error):
        return None


def _comm(content: bytes) -> tuple[int, int, int, float]:
    """Return channels, frames, bits and rate of an AIFF file. The rate is stored as an 80-bit float."""
    channels, frames, bits, exponent, mantissa = struct.unpack(">hIhHQ", content[:18])
    return channels, frames, bits, mantissa * 2.0 ** ((exponent & 0x7FFF) - 16383 - 63)


def _aiff(heads: Mapping[bytes, bytes], samples: bytes) -> bytes | None:
    common = heads[b"COMM"]
    channels, _, bits, _ = _comm(common)
    frame = channels * -(-bits // 8)
    if frame <= 0:
        return None
    common = common[:2] + struct.pack(">I", len(samples) // frame) + common[6:]
    compressed = len(common) > 18
    body = b"AIFC" + _chunk(b"FVER", b"\xa2\x80\x51\x40", ">I") if compressed else b"AIFF"
    body += _chunk(b"COMM", common, ">I") + _chunk(b"SSND", bytes(8) + samples, ">I")
    return b"FORM" + struct.pack(">I", len(body)) + body if len(body) < 2**32 else None


def _chunk(name: bytes, content: bytes, size: str) -> bytes:
    return name + struct.pack(size, len(content)) + content + bytes(len(content) % 2)


def _au(file: BinaryIO | io.BytesIO, size: int) -> Chunks | None:
    head = file.read(20)
    if len(head) < 20:
        return None
    begin, stated, coding, rate, channels = struct.unpack(">IIIII", head)
    width = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}.get(coding, 0)
    known = not _is_placeholder(stated)
    there = max(min(stated, size - begin) if known else size - begin, 0)
    return Chunks(b".snd", {}, begin, stated if known else None, there, float(width * rate * channels))
