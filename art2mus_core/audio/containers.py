"""Sound files by their bytes, where FFmpeg does not do it: Ogg, joined FLACs, and ID3 in front of other formats.

The pages of an Ogg file (RFC 3533) and the streams that are chained in it; FLAC files joined, and where a frame ends
(RFC 9639); ID3 tags in front of files that are not to have any: players pass over them, and so do readers of MP3 and FLAC.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["OggPage", "behind_id3", "chained", "frame_ends", "joined_flacs", "ogg_pages"]

_HEAD = 27
"""Bytes of a page before its table of segments."""


class OggPage(NamedTuple):
    """Where a page begins and ends, and whether it is the first or the last of its stream."""

    start: int
    end: int
    first: bool
    last: bool


def ogg_pages(content: bytes) -> list[OggPage]:
    """All pages that are whole; what stands between and behind them is passed over."""
    pages, at = [], content.find(b"OggS")
    while at >= 0:
        page = _page(content, at)
        if page:
            pages.append(page)
        at = content.find(b"OggS", page.end if page else at + 1)
    return pages


def chained(content: bytes, pages: list[OggPage]) -> list[bytes]:
    """The streams of a file by themselves: a first page that follows another kind of page begins anew."""
    streams: list[list[OggPage]] = []
    before = None
    for page in pages:
        if before is None or (page.first and not before.first):
            streams.append([])
        streams[-1].append(page)
        before = page
    return [b"".join(content[page.start : page.end] for page in stream) for stream in streams]


def _page(content: bytes, at: int) -> OggPage | None:
    if at + _HEAD > len(content) or content[at + 4] != 0:
        return None
    table = content[at + _HEAD : at + _HEAD + content[at + 26]]
    end = at + _HEAD + content[at + 26] + sum(table)
    return OggPage(at, end, bool(content[at + 5] & 2), bool(content[at + 5] & 4)) if end <= len(content) else None


FLAC_START = b"fLaC\x00\x00\x00\x22"
"""How a FLAC begins: its mark, and the header of the block that is always first."""

LONGEST_END = 2**16
"""Bytes of a packet in which the end of its frame is looked for."""


def joined_flacs(content: bytes) -> list[bytes]:
    """The files that a FLAC was joined of; none if it is one."""
    starts = []
    at = content.find(FLAC_START)
    while at >= 0:
        starts.append(at)
        at = content.find(FLAC_START, at + 1)
    return [content[at:end] for at, end in zip(starts, [*starts[1:], None], strict=True)] if len(starts) > 1 else []


def frame_ends(packet: bytes) -> Iterator[int]:
    """Where a frame may end that something else stands behind, shortest first: its last two bytes are its CRC-16.

    FFmpeg before version 8.1 hands on the tags behind a file as a part of its last frame.
    """
    table = _table()
    check = 0
    for end, byte in enumerate(packet[:LONGEST_END], start=1):
        check = (check << 8 & 0xFFFF) ^ table[check >> 8 ^ byte]
        if check == 0 and end < len(packet):
            yield end


def _table() -> list[int]:
    """Of the polynomial x^16 + x^15 + x^2 + 1 (RFC 9639, 9.3)."""
    table = []
    for value in range(256):
        check = value << 8
        for _ in range(8):
            check = (check << 1 ^ 0x8005 if check & 0x8000 else check << 1) & 0xFFFF
        table.append(check)
    return table


_ID3_HEAD = 10
_ID3_FOOTER = 0x10
_BEHIND_ID3 = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM", b"caff", b".snd")
"""What FFmpeg does not know behind a tag."""


def behind_id3(path: Path) -> Path | bytes:
    """The content of an uncompressed file that begins with ID3v2 tags, without these; of any other file, its path.

    Args:
        path: of a file that exists.
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
