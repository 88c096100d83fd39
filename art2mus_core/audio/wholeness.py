"""Tells a sound file that was cut short from a whole one, by what is in it: sizes in headers are wrong too often."""

from __future__ import annotations

from .chunks import Chunks
from .decoding import Decoded

__all__ = ["lost_seconds", "missing_end", "short_seconds"]

SLIP = 128
"""Bytes; writers that count their header as samples promise so many too much."""

FRAMES = 5
"""MP3 frames; encoders miscount by one or two, and a tenth of a second less is a piece all the same."""

SECONDS = 0.1
"""Containers round their lengths, and encoders count what they put in front of the sound or behind it."""


def missing_end(found: Decoded) -> str:
    """What is missing at the end of a file, in words that go on from its name; empty if it is whole.

    What is compared is what the samples themselves are promised by: the `data` chunk of a WAV, `SSND` of an AIFF, the samples
    of a FLAC, the last page of an Ogg stream, the frames of a Xing header. An MP3 without one is never called short.

    Args:
        found: all that could be decoded of a file.
    """
    if found.chunks:
        return _short_chunk(found.chunks)
    if found.format == "mp3":
        for part in found.parts:
            if part.missing > FRAMES:
                late, there = part.missing * part.samples / part.rate, len(part.frames)
                return f"ends {late:.2f} s early: its Xing header promises {part.promised:,} frames, and {there:,} are there"
        return ""
    if found.format == "ogg":
        return "" if found.ends else "ends early: its last Ogg page is missing, or cut short"
    if found.short > (0 if found.format == "flac" else SECONDS * found.rate):
        late = found.short / found.rate
        return f"ends {late:.2f} s early: its header promises {found.declared / found.rate:.2f} s"
    return "ends early: its last frame is cut short" if found.format == "flac" and found.torn else ""


def short_seconds(found: Decoded) -> float:
    """How much is missing at the end of a file that is taken for whole; 0 where nothing is, or nothing tells it."""
    last = found.parts[-1] if found.parts else None
    return last.missing * last.samples / last.rate if last and last.is_cut else 0.0


def lost_seconds(found: Decoded) -> float:
    """How much is missing on the way, in seconds; 0 where that is not known, or hardly anything is."""
    short = found.short if found.format == "ogg" else 0  # its last page is there
    lost = (found.gap + short) / found.rate
    if found.chunks or found.format == "mp3" or lost <= (0 if found.format == "flac" else SECONDS):
        return 0.0
    return lost


def _short_chunk(chunks: Chunks) -> str:
    late = (chunks.promised or 0) - chunks.there
    if late <= SLIP:
        return ""
    seconds = f"{late / chunks.second:.2f} s " if chunks.second else ""
    return (
        f"ends {seconds}early: its header promises {chunks.promised:,} bytes of samples, and {chunks.there:,} are there"
    )
