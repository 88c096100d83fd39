"""FLAC files by their bytes: joined ones, and where a frame ends (RFC 9639)."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["frame_ends", "joined_flacs"]

START = b"fLaC\x00\x00\x00\x22"
"""How a FLAC begins: its mark, and the header of the block that is always first."""

MOST = 2**16
"""Bytes of a packet in which the end of its frame is looked for."""


def joined_flacs(content: bytes) -> list[bytes]:
    """The files that a FLAC was joined of; none if it is one."""
    starts = []
    at = content.find(START)
    while at >= 0:
        starts.append(at)
        at = content.find(START, at + 1)
    return [content[at:end] for at, end in zip(starts, [*starts[1:], None], strict=True)] if len(starts) > 1 else []


def frame_ends(packet: bytes) -> Iterator[int]:
    """Where a frame may end that something else stands behind, shortest first: its last two bytes are its CRC-16.

    FFmpeg before version 8.1 hands on the tags behind a file as a part of its last frame.
    """
    table = _table()
    check = 0
    for end, byte in enumerate(packet[:MOST], start=1):
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
