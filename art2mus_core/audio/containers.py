"""Splits audio files that FFmpeg does not split: chained Ogg streams, joined FLAC files, and files that start with an ID3 tag.

Parses the pages of Ogg files (RFC 3533) and finds the ends of FLAC frames (RFC 9639). Formats other than MP3 and FLAC have
no ID3 tags, but some files do, and players skip them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["OggPage", "behind_id3", "chained", "frame_ends", "joined_flacs", "ogg_pages"]

_HEAD = 27
"""Bytes of a page before its segment table."""


class OggPage(NamedTuple):
    """Start and end of a page, and whether it is the first or the last of its stream."""

    start: int
    end: int
    first: bool
    last: bool


def ogg_pages(content: bytes) -> list[OggPage]:
    """Return all complete pages; bytes between and after them are skipped."""
    pages, at = [], content.find(b"OggS")
    while at >= 0:
        page = _page(content, at)
        if page:
            pages.append(page)
        at = content.find(b"OggS", page.end if page else at + 1)
    return pages


def chained(content: bytes, pages: list[OggPage]) -> list[bytes]:
    """Return each chained stream of a file; a first page after one that is not begins a new stream."""
    streams: list[list[OggPage]] = []
    for page in pages:
        if not streams or (page.first and not streams[-1][-1].first):
            streams.append([])
        streams[-1].append(page)
    return [b"".join(content[page.start : page.end] for page in stream) for stream in streams]


def _page(content: bytes, at: int) -> OggPage | None:
    if at + _HEAD > len(content) or content[at + 4] != 0:
        return None
    table = content[at + _HEAD : at + _HEAD + content[at + 26]]
    end = at + _HEAD + content[at + 26] + sum(table)
    return OggPage(at, end, bool(content[at + 5] & 2), bool(content[at + 5] & 4)) if end <= len(content) else None


FLAC_START = b"fLaC\x00\x00\x00\x22"
"""The first bytes of every FLAC file: its signature and the header of STREAMINFO."""

LONGEST_END = 2**16
"""Bytes of a packet that are searched for the end of its frame."""


def joined_flacs(content: bytes) -> list[bytes]:
    """Return the FLAC files that were concatenated; [] for a single file."""
    starts = []
    at = content.find(FLAC_START)
    while at >= 0:
        starts.append(at)
        at = content.find(FLAC_START, at + 1)
    return [content[at:end] for at, end in zip(starts, [*starts[1:], None], strict=True)] if len(starts) > 1 else []


def frame_ends(packet: bytes) -> Iterator[int]:
    """Yield possible ends of a FLAC frame before the end of its packet, shortest first: where its CRC-16 matches.

    FFmpeg before version 8.1 returns tags at the end of a file as a part of the last frame.
    """
    table = _table()
    check = 0
    for end, byte in enumerate(packet[:LONGEST_END], start=1):
        check = (check << 8 & 0xFFFF) ^ table[check >> 8 ^ byte]
        if check == 0 and end < len(packet):
            yield end


def _table() -> list[int]:
    """Return the CRC table of the polynomial x^16 + x^15 + x^2 + 1 (RFC 9639, 9.3)."""
    table = []
    for value in range(256):
        check = value << 8
        for _ in range(8):
            check = (check << 1 ^ 0x8005 if check & 0x8000 else check << 1) & 0xFFFF
        table.append(check)
    return table


_ID3_HEAD = 10
_ID3_FOOTER = 0x10
_BEHIND_ID3 = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff", b"FORM", b"caff", b".snd")
"""First bytes of the formats that FFmpeg does not always recognise after a tag; `riff` is Wave64."""


def behind_id3(path: Path) -> Path | bytes:
    """Return the content of an uncompressed file without the ID3v2 tags at its start, or the path of any other file.

    Args:
        path: path of an existing file.
    """
    with path.open("rb") as file:
        start = 0
        while len(head := file.read(_ID3_HEAD)) == _ID3_HEAD and head[:3] == b"ID3" and max(head[6:]) < 0x80:
            size = sum(part << shift for part, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
            start += _ID3_HEAD + size + (_ID3_HEAD if head[5] & _ID3_FOOTER else 0)
            file.seek(start)
        if not start or not head.startswith(_BEHIND_ID3):
            return path
        file.seek(start)
        return file.read()
