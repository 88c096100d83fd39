"""Tells a sound file that was cut short from a whole one, where decoding it to the end does not."""

from __future__ import annotations

from pathlib import Path

__all__ = ["missing_end"]

HEAD = TAIL = 2**16


def missing_end(path: Path, decoded: int, declared: int) -> bool:
    """Whether the end of a file is missing.

    FLAC declares its samples, WAV its bytes, the last page of an Ogg file is marked, and an MP3 with a Xing header
    declares its length (others are estimated from their bit rate, which proves nothing).

    Args:
        path: of the file.
        decoded: samples that came out.
        declared: samples that the container speaks of, 0 if of none.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD)
        file.seek(max(0, size - TAIL))
        tail = file.read()
    if head[:4] == b"RIFF":
        riff = int.from_bytes(head[4:8], "little")
        return 0 < riff < 2**32 - 1 and size < riff + 8 - 1
    if head[:4] == b"OggS":
        page = tail.rfind(b"OggS")
        return page < 0 or len(tail) < page + 6 or not tail[page + 5] & 4
    if head[:4] == b"fLaC":
        return decoded < declared
    return any(mark in head for mark in (b"Xing", b"Info")) and decoded < 0.95 * declared
