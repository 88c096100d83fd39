"""The frames of an MP3, without what stands in front of them, between them and behind them.

FFmpeg's parser hands what lies between two frames to the decoder as a part of the first, which is then lost; and it takes the
header of the first of several joined files for that of all. So a file that is not frames from end to end is cut into the files
that it is made of, each of nothing but its frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["MpegPart", "mpeg_parts"]

_RATES = (44_100, 48_000, 32_000)
_BITS = {  # kilobits a second by (MPEG 1 or not, layer)
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_CHAIN = 3
"""Frames in a row that prove a beginning: what looks like one header occurs by chance."""


class _Frame(NamedTuple):
    """Bytes and samples of a frame, and what it shares with its neighbours: version, layer and rate."""

    size: int
    samples: int
    kind: tuple[int, int, int]
    mono: bool


@dataclass
class MpegPart:
    """One of the files that an MP3 is made of.

    Attributes:
        frames: where each begins and ends, the Xing header left out.
        rate: in hertz.
        samples: of a frame.
        promised: frames that the Xing header speaks of; 0 if there is none.
        header: the frame with the Xing header; empty if there is none.
        skipped: bytes between the frames.
    """

    frames: list[tuple[int, int]]
    rate: int
    samples: int
    promised: int = 0
    header: bytes = b""
    skipped: int = 0

    def content(self, whole: bytes) -> bytes:
        """The part by itself."""
        return self.header + b"".join(whole[start:end] for start, end in self.frames)

    @property
    def missing(self) -> int:
        """Frames that were promised and are neither there nor lost between others."""
        size = sum(end - start for start, end in self.frames) / max(len(self.frames), 1)
        return self.promised - len(self.frames) - round(self.skipped / max(size, 1.0))


def mpeg_parts(content: bytes) -> list[MpegPart]:
    """The files that an MP3 is made of; none where there is no frame whose size is known."""
    parts: list[MpegPart] = []
    at, kind, end = 0, None, -1
    while at < len(content) - 3:
        frame = _frame(content, at)
        if frame is None or at + frame.size > len(content) or not _is_next(content, at, frame, kind, end):
            at = _next_sync(content, at + 1)
            continue
        promised = _promised(content, at, frame)
        if promised is not None or kind != (*frame.kind, frame.mono):
            parts.append(MpegPart([], frame.kind[2], frame.samples))
        elif at != end:
            parts[-1].skipped += at - end
        kind, end = (*frame.kind, frame.mono), at + frame.size
        if promised is not None:
            parts[-1].promised, parts[-1].header = promised, content[at:end]
        else:
            parts[-1].frames.append((at, end))
        at = end
    return [part for part in parts if part.frames]


def _next_sync(content: bytes, at: int) -> int:
    found = content.find(b"\xff", at)
    return found if found >= 0 else len(content)


def _is_next(content: bytes, at: int, frame: _Frame, kind: tuple[int, ...] | None, end: int) -> bool:
    """Whether a frame begins here: it follows another of its kind, or others follow it up to the end or for a while."""
    if at == end and kind is not None and frame.kind == kind[:3]:
        return True
    for _ in range(_CHAIN - 1):
        at += frame.size
        following = _frame(content, at)
        if following is None or following.kind != frame.kind:
            return at == len(content) and kind is not None and frame.kind == kind[:3]
        frame = following
    return True


def _frame(content: bytes, at: int) -> _Frame | None:
    """The frame whose header (ISO/IEC 11172-3, 2.4.2.3) stands here, unless there is none, or one of a free bit rate."""
    head = content[at : at + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = (head[1] >> 3) & 3, 4 - ((head[1] >> 1) & 3)
    bits, rate = head[2] >> 4, (head[2] >> 2) & 3
    if version == 1 or layer == 4 or bits in (0, 15) or rate == 3:
        return None
    first = version == 3
    hertz = _RATES[rate] >> (0 if first else 1 if version == 2 else 2)
    bit_rate = 1000 * _BITS[first, layer][bits - 1]
    padding = (head[2] >> 1) & 1
    samples = 384 if layer == 1 else 1152 if layer == 2 or first else 576
    size = 4 * (12 * bit_rate // hertz + padding) if layer == 1 else samples // 8 * bit_rate // hertz + padding
    return _Frame(size, samples, (version, layer, hertz), head[3] >> 6 == 3)


def _promised(content: bytes, at: int, frame: _Frame) -> int | None:
    """Frames that the Xing header in this frame speaks of, 0 if it doesn't say; None where there is no such header."""
    first = frame.kind[0] == 3
    mark = at + 4 + ((17 if frame.mono else 32) if first else (9 if frame.mono else 17))
    if content[mark : mark + 4] not in (b"Xing", b"Info"):
        return None
    has_frames = content[mark + 7 : mark + 8] and content[mark + 7] & 1
    return int.from_bytes(content[mark + 8 : mark + 12], "big") if has_frames else 0
