"""Reads sound files, with their tags, and tells one that was cut short from a whole one.

That is told by what is in it: sizes in headers are wrong too often.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ..errors import AudioError
from ..types import Waveform
from .chunks import Chunks
from .containers import behind_id3
from .decoding import FAILURES, Decoded, decode, openable, opened
from .resample import resample

__all__ = ["lost_seconds", "missing_end", "read_audio", "read_tags", "short_seconds"]

LOUD, ABSURD = 2.0, 100.0
"""Peaks, full scale being 1: from +6 dBFS on a sound will clip wherever it is played or written; beyond +40 dBFS its floats
hold integers, and nothing that is measured would be true."""


def read_audio(
    path: Path | str,
    sample_rate: int | None = None,
    *,
    mono: bool = True,
    on_note: Callable[[str], None] | None = None,
) -> Waveform:
    """A sound file as a waveform [1, channels, N], read as players read it and whole.

    Sizes in headers are not believed, tags and padding around the sound and junk within it are passed over, and joined files
    are read one after the other. What cannot be decoded in the middle is left out and told.

    Args:
        path: FLAC, WAV, MP3, Ogg (Opus or Vorbis), AIFF, M4A and their like; the content decides, not the suffix.
        sample_rate: wanted rate in hertz; the file's own if not given.
        mono: mix all channels.
        on_note: told, in a sentence, what is odd about a sound that can be used all the same.

    Raises:
        AudioError: no such file, no sound, one that ends early or of which less than half can be decoded, samples that are not
            finite, or so far beyond full scale that they must be integers.
    """
    path = Path(path)
    try:
        found = decode(path)
    except FAILURES as error:
        raise AudioError(f"{path} is damaged ({error})", "a whole sound file", "Save or download it again.") from error
    _check_whole(path, found)
    peak = _check_values(path, found.samples)
    if on_note:
        for note in _notes(path, found, peak):
            on_note(note)
    sound = torch.from_numpy(found.samples)
    sound = sound.mean(0, keepdim=True) if mono and sound.shape[0] > 1 else sound
    return Waveform(resample(sound, found.rate, sample_rate or found.rate)[None], sample_rate or found.rate)


def read_tags(path: Path | str) -> dict[str, str]:
    """The tags of a sound file, names in lower case.

    Raises:
        AudioError: as :func:`read_audio`.
    """
    path = Path(path)
    try:
        container = opened(behind_id3(path), path) if path.is_file() else opened(path, path)
    except AudioError:  # only its samples can be saved
        source, form, _ = openable(path)
        container = opened(source, path, form)
    with container:
        found = {**container.metadata, **container.streams.audio[0].metadata}
    tags = {name.lower(): value for name, value in found.items()}
    try:
        more = json.loads(tags.get("comment", "")) if container.format.name == "wav" else {}
    except ValueError:
        more = {}
    return tags | more if isinstance(more, dict) else tags


def _check_whole(path: Path, found: Decoded) -> None:
    count = found.samples.shape[1]
    missing = missing_end(found)
    if count and not missing and lost_seconds(found) <= count / found.rate:
        return
    if not missing:
        missing = f"is damaged: {count / found.rate:.2f} s of it can be decoded"
    raise AudioError(f"{path} {missing}", "a whole sound file", "Save or download it again.")


def _check_values(path: Path, samples: np.ndarray) -> float:
    """The peak.

    Raises:
        AudioError: samples that are not finite, or no floats between -1 and 1.
    """
    peak = max(float(samples.max()), -float(samples.min()))
    if not math.isfinite(peak):
        bad = int(np.count_nonzero(~np.isfinite(samples)))
        raise AudioError(
            f"{path} holds {bad} of {samples.size} samples that are NaN or infinite", "finite samples", "Save it again."
        )
    if peak > ABSURD:
        raise AudioError(
            f"{path} peaks at {_decibels(peak)} ({peak:,.0f} times full scale), as integers stored as floats do",
            "floats between -1 and 1",
            "Divide its samples by their full scale (32,768 for 16 bits), and save it again.",
        )
    return peak


def _notes(path: Path, found: Decoded, peak: float) -> list[str]:
    notes = []
    skipped = sum(part.skipped for part in found.parts)
    if lost := lost_seconds(found):
        notes.append(f"{path}: {lost:.2f} s on its way cannot be decoded and are left out.")
    elif found.lost and not (found.torn and found.lost == 1):
        notes.append(f"{path}: what cannot be decoded is left out ({found.lost} of its packets).")
    if short := short_seconds(found):
        notes.append(f"{path} ends {short:.2f} s early, as its Xing header tells.")
    if skipped:
        notes.append(f"{path}: what is no sound between its frames is left out (bytes: {skipped:,}).")
    for rate, channels in dict.fromkeys(found.changes):
        notes.append(
            f"{path} goes on at {rate:,} Hz in {channels} channels: converted to {found.rate:,} Hz in {len(found.samples)}."
        )
    if peak > LOUD:
        notes.append(f"{path} peaks at {_decibels(peak)}: whatever plays or writes it will clip.")
    return notes


def _decibels(peak: float) -> str:
    return f"{20 * math.log10(peak):+.1f} dBFS"


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
