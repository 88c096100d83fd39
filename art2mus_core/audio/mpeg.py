"""Finds the frames of an MP3 file and drops other bytes.

FFmpeg's parser passes bytes between two frames to the decoder as a part of the first frame, which is then lost, and applies
the header of the first of several joined files to all. So a file is split into the files it was joined from, each reduced to
its frames.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..errors import AudioError

__all__ = ["MpegPart", "check_bit_rate", "is_free_format", "mpeg_parts"]

_RATES = (44_100, 48_000, 32_000)
_BITS = {  # bit rates in kbit/s by (whether MPEG 1, layer)
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_FREE = re.compile(rb"(?=\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff][\x00-\x0b].)", re.DOTALL)
"""Starts of headers with a version, a layer and a sample rate but without a bit rate."""

_SMALLEST, _LARGEST = 24, 6000
"""Sizes in bytes of a free-format frame, from 8 to 640 kbit/s."""

_CHAIN = 3
"""Consecutive frames that confirm a start: a single header may occur by chance."""


class _Frame(NamedTuple):
    """Bytes, samples and channels of a frame; `kind` is its version, layer and rate, the same in the whole file."""

    size: int
    samples: int
    kind: tuple[int, int, int]
    mono: bool


@dataclass
class MpegPart:
    """One of the files that an MP3 file was joined from.

    Attributes:
        frames: start and end of each frame without the Xing header's.
        rate: sample rate in hertz.
        samples: samples in a frame.
        stated: number of frames by the Xing header; 0 without a header.
        stated_bytes: bytes by the Xing header, its own frame included; 0 without the count.
        header: the frame with the Xing header; empty without one.
        skipped: bytes between the frames.
    """

    frames: list[tuple[int, int]]
    rate: int
    samples: int
    stated: int = 0
    stated_bytes: int = 0
    header: bytes = b""
    skipped: int = 0

    def content(self, whole: bytes) -> bytes:
        """Return the part's frames without other bytes."""
        return self.header + b"".join(whole[start:end] for start, end in self.frames)

    @property
    def missing(self) -> int:
        """Number of stated frames that are neither present nor lost between others."""
        size = sum(end - start for start, end in self.frames) / max(len(self.frames), 1)
        return self.stated - len(self.frames) - round(self.skipped / max(size, 1.0))

    @property
    def is_cut(self) -> bool:
        """Whether both counts of the Xing header exceed the file: encoders miscount frames by one or two, but not bytes."""
        there = len(self.header) + sum(end - start for start, end in self.frames) + self.skipped
        return self.missing > 0 and self.stated_bytes > there


def mpeg_parts(content: bytes) -> list[MpegPart]:
    """Return the files that an MP3 file was joined from; [] without any frame of known size."""
    parts: list[MpegPart] = []
    at, kind, end = 0, None, -1
    while at < len(content) - 3:
        frame = _frame(content, at)
        if frame is None or at + frame.size > len(content) or not _is_next(content, at, frame, kind, end):
            at = _next_sync(content, at + 1)
            continue
        stated = _stated(content, at, frame)
        if stated is not None or kind != (*frame.kind, frame.mono):
            parts.append(MpegPart([], frame.kind[2], frame.samples))
        elif at != end:
            parts[-1].skipped += at - end
        kind, end = (*frame.kind, frame.mono), at + frame.size
        if stated is not None:
            parts[-1].stated, parts[-1].stated_bytes = stated
            parts[-1].header = content[at:end]
        else:
            parts[-1].frames.append((at, end))
        at = end
    return [part for part in parts if part.frames]


def check_bit_rate(path: Path, content: bytes) -> None:
    """Refuse free-format MP3 files, which FFmpeg cannot decode.

    Raises:
        AudioError: the frames state no bit rate.
    """
    if is_free_format(content):
        raise AudioError(
            f"{path} is a free-format MP3, without a bit rate",
            "an MP3 of 32 to 320 kbit/s",
            "Decode it with mpg123 or LAME, and save it as FLAC.",
        )


def is_free_format(content: bytes) -> bool:
    """Whether the content has free-format frames: headers without a bit rate at equal distances, apart from padding."""
    return any(_repeats(content, found.start()) for found in _FREE.finditer(content))


def _repeats(content: bytes, at: int) -> bool:
    """Whether the header recurs three times at equal distances; padding (a bit of the third byte) adds one unit to a frame."""
    kind, rate, unit = content[at : at + 2], content[at + 2] & 0x0C, 4 if content[at + 1] & 6 == 6 else 1
    same = re.compile(b"%b[%b]." % (re.escape(kind), re.escape(bytes(range(rate, rate + 4)))), re.DOTALL)
    sizes = set()
    for _ in range(_CHAIN):
        following = same.search(content, at + _SMALLEST, at + _LARGEST + 2)
        if following is None:
            return False
        sizes.add(following.start() - at - unit * (content[at + 2] >> 1 & 1))
        at = following.start()
    return len(sizes) == 1


def _next_sync(content: bytes, at: int) -> int:
    found = content.find(b"\xff", at)
    return found if found >= 0 else len(content)


def _is_next(content: bytes, at: int, frame: _Frame, kind: tuple[int, ...] | None, end: int) -> bool:
    """Whether a frame starts here: it follows a frame of its kind, or enough frames or the end of the file follow it."""
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
    """Parse a frame header (ISO/IEC 11172-3, 2.4.2.3); None for other bytes and for a free bit rate."""
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


def _stated(content: bytes, at: int, frame: _Frame) -> tuple[int, int] | None:
    """Return the counts of frames and bytes in a frame's Xing header, 0 if not stated; None without the header."""
    first = frame.kind[0] == 3
    mark = at + 4 + ((17 if frame.mono else 32) if first else (9 if frame.mono else 17))
    if content[mark : mark + 4] not in (b"Xing", b"Info"):
        return None
    numbers, flags, at = [0, 0], content[mark + 7] if mark + 7 < len(content) else 0, mark + 8
    for bit in (0, 1):
        if flags >> bit & 1:
            numbers[bit], at = int.from_bytes(content[at : at + 4], "big"), at + 4
    return numbers[0], numbers[1]
