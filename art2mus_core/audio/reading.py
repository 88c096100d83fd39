"""Reads audio files and their tags, and detects truncated files by their content, as sizes in headers are often wrong."""

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
"""Peaks relative to full scale. Above +6 dBFS a note warns of clipping; above +40 dBFS the floats must hold integers, and all
measurements would be wrong."""


def read_audio(
    path: Path | str,
    sample_rate: int | None = None,
    *,
    mono: bool = True,
    on_note: Callable[[str], None] | None = None,
) -> Waveform:
    """Read an audio file as a waveform [1, channels, N].

    Does not rely on sizes in headers, skips tags, padding and junk, reads joined files in sequence, and skips packets in the
    middle that cannot be decoded, with a note.

    Args:
        path: FLAC, WAV, MP3, Ogg (Opus or Vorbis), AIFF, M4A and similar; the content decides, not the suffix.
        sample_rate: rate of the waveform in hertz; the file's rate if not given.
        mono: mix all channels to one.
        on_note: called with a sentence on each flaw of a file that is usable nevertheless.

    Raises:
        AudioError: the file is missing, contains no sound, ends early, is less than half decodable, has samples that are not
            finite, or samples so far beyond full scale that they must be integers.
    """
    path = Path(path)
    try:
        found = decode(path)
    except FAILURES as error:
        raise AudioError(
            f"{path} is damaged ({error})", "a complete audio file", "Save or download it again."
        ) from error
    _check_whole(path, found)
    peak = _check_values(path, found.samples)
    if on_note:
        for note in _notes(path, found, peak):
            on_note(note)
    sound = torch.from_numpy(found.samples)
    sound = sound.mean(0, keepdim=True) if mono and sound.shape[0] > 1 else sound
    return Waveform(resample(sound, found.rate, sample_rate or found.rate)[None], sample_rate or found.rate)


def read_tags(path: Path | str) -> dict[str, str]:
    """Return the tags of an audio file, names in lower case.

    Raises:
        AudioError: as :func:`read_audio`.
    """
    path = Path(path)
    try:
        container = opened(behind_id3(path), path) if path.is_file() else opened(path, path)
    except AudioError:  # its header has to be corrected first
        source, form, _ = openable(path)
        container = opened(source, path, form)
    with container:
        found = {**container.metadata, **container.streams.audio[0].metadata}
    tags = {name.lower(): value for name, value in found.items()}
    try:
        more = json.loads(tags.get("comment", "")) if container.format.name == "wav" else {}
    except (ValueError, RecursionError):
        more = {}
    return tags | more if isinstance(more, dict) else tags


def _check_whole(path: Path, found: Decoded) -> None:
    count = found.samples.shape[1]
    missing = missing_end(found)
    if count and not missing and lost_seconds(found) <= count / found.rate:
        return
    if not missing:
        missing = f"is damaged: only {count / found.rate:.2f} s of it can be decoded"
    raise AudioError(f"{path} {missing}", "a complete audio file", "Save or download it again.")


def _check_values(path: Path, samples: np.ndarray) -> float:
    """Return the peak.

    Raises:
        AudioError: samples that are not finite or far beyond full scale.
    """
    peak = max(float(samples.max()), -float(samples.min()))
    if not math.isfinite(peak):
        bad = int(np.count_nonzero(~np.isfinite(samples)))
        raise AudioError(
            f"{path} has {bad} of {samples.size} samples that are NaN or infinite", "finite samples", "Save it again."
        )
    if peak > ABSURD:
        raise AudioError(
            f"{path} peaks at {_decibels(peak)} ({peak:,.0f} times full scale), like integers stored as floats",
            "floats between -1 and 1",
            "Divide its samples by their full scale (32,768 for 16 bits), and save it again.",
        )
    return peak


def _notes(path: Path, found: Decoded, peak: float) -> list[str]:
    notes = []
    skipped = sum(part.skipped for part in found.parts)
    if lost := lost_seconds(found):
        notes.append(f"{path}: {lost:.2f} s in the middle cannot be decoded and were skipped.")
    elif found.lost and not (found.torn and found.lost == 1):
        notes.append(f"{path}: packets that cannot be decoded were skipped ({found.lost}).")
    if short := short_seconds(found):
        notes.append(f"{path} ends {short:.2f} s early according to its Xing header.")
    if skipped:
        notes.append(f"{path}: {skipped:,} bytes between its frames are not sound and were skipped.")
    for rate, channels in dict.fromkeys(found.changes):
        notes.append(
            f"{path} changes to {rate:,} Hz and {channels} channels: converted to {found.rate:,} Hz and {len(found.samples)}."
        )
    if peak > LOUD:
        notes.append(f"{path} peaks at {_decibels(peak)} and will clip when it is played or written.")
    return notes


def _decibels(peak: float) -> str:
    return f"{20 * math.log10(peak):+.1f} dBFS"


SLIP = 128
"""Bytes by which a header may exceed the samples: some writers count their header as samples."""

FRAMES = 5
"""MP3 frames that may be missing: encoders miscount by one or two, and a tenth of a second does no harm."""

SECONDS = 0.1
"""Seconds that may be missing: containers round lengths, and encoders count their padding."""


def missing_end(found: Decoded) -> str:
    """Return a predicate on what is missing at the end of a file ("ends 1 s early: ..."), or "" if it is complete.

    Compares the samples with the count closest to them: the `data` chunk of a WAV file, `SSND` of an AIFF, the samples of a
    FLAC, the last page of an Ogg stream, the frames of a Xing header. An MP3 without a Xing header counts as complete.
    """
    if found.chunks:
        return _short_chunk(found.chunks)
    if found.format == "mp3":
        for part in found.parts:
            if part.missing > FRAMES:
                late, there = part.missing * part.samples / part.rate, len(part.frames)
                return f"ends {late:.2f} s early: its Xing header states {part.stated:,} frames, and the file has {there:,}"
        return ""
    if found.format == "ogg":
        return "" if found.ends else "ends early: its last Ogg page is missing or truncated"
    if found.short > (0 if found.format == "flac" else SECONDS * found.rate):
        late = found.short / found.rate
        return f"ends {late:.2f} s early: its header states {found.declared / found.rate:.2f} s"
    return "ends early: its last frame is truncated" if found.format == "flac" and found.torn else ""


def short_seconds(found: Decoded) -> float:
    """Return the seconds missing at the end of an MP3 file that counts as complete, 0 if none or unknown."""
    last = found.parts[-1] if found.parts else None
    return last.missing * last.samples / last.rate if last and last.is_cut else 0.0


def lost_seconds(found: Decoded) -> float:
    """Return the seconds missing in the middle, 0 if unknown or negligible."""
    short = found.short if found.format == "ogg" else 0  # an Ogg file with its last page has lost samples before it
    lost = (found.gap + short) / found.rate
    if found.chunks or found.format == "mp3" or lost <= (0 if found.format == "flac" else SECONDS):
        return 0.0
    return lost


def _short_chunk(chunks: Chunks) -> str:
    late = (chunks.stated or 0) - chunks.there
    if late <= SLIP:
        return ""
    seconds = f"{late / chunks.second:.2f} s " if chunks.second else ""
    return (
        f"ends {seconds}early: its header states {chunks.stated:,} bytes of samples, and the file has {chunks.there:,}"
    )
