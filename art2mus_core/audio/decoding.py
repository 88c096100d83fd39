"""Decodes audio files through FFmpeg's libraries (PyAV). Like players, it skips packets that cannot be decoded."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

import av
import numpy as np
import torch
from jaxtyping import Float

from ..errors import AudioError
from .chunks import Chunks, read_chunks
from .containers import behind_id3, chained, frame_ends, joined_flacs, ogg_pages
from .mpeg import MpegPart, check_bit_rate, mpeg_parts
from .resample import resample

__all__ = ["FAILURES", "Decoded", "decode", "openable", "opened"]

FAILURES = (av.FFmpegError, ArithmeticError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError)
"""Exceptions that PyAV raises for damaged files."""

_READABLE = "aac,aiff,au,caf,flac,matroska,mov,mp3,ogg,w64,wav"  # not playlists, which open other files and URLs


@dataclass
class Decoded:
    """A decoded file.

    Attributes:
        format: FFmpeg's name of the container.
        rate: sample rate in hertz.
        samples: all samples.
        declared: number of samples by the container; 0 if it states none.
        short: number of declared samples missing at the end.
        gap: number of declared samples missing before the end.
        lost: number of packets that could not be decoded.
        torn: whether the last packet could not be decoded.
        changes: later sample rates and channel counts, if a file changes them.
        chunks: structure of an uncompressed file.
        parts: parts of an MP3 file.
        ends: whether the last page of an Ogg file is marked as the last.
    """

    format: str
    rate: int
    samples: Float[np.ndarray, "channels samples"]
    declared: int = 0
    short: int = 0
    gap: int = 0
    lost: int = 0
    torn: bool = False
    changes: list[tuple[int, int]] = field(default_factory=list)
    chunks: Chunks | None = None
    parts: list[MpegPart] = field(default_factory=list)
    ends: bool = True


def decode(path: Path) -> Decoded:
    """Decode as much of a file as possible.

    Raises:
        AudioError: the file is missing or contains no sound.
    """
    source, name, chunks = openable(path)
    sources: list[Path | bytes] = [source]
    parts, ends = list[MpegPart](), True
    if name in ("mp3", "flac", "ogg"):
        content = path.read_bytes()
        if name == "mp3":
            parts = mpeg_parts(content)
            if not parts:
                check_bit_rate(path, content)
            sources = [part.content(content) for part in parts] or sources
        elif name == "flac":
            sources = list(joined_flacs(content)) or sources
        else:
            pages = ogg_pages(content)
            ends = bool(pages) and pages[-1].last
            streams = chained(content, pages)
            sources = list(streams) if len(streams) > 1 else sources
    found = [_decoded(each, path, name if each != source else None) for each in sources]
    whole = found[0] if len(found) == 1 else _together(found)
    whole.chunks, whole.parts, whole.ends = chunks, parts, ends
    return whole


def openable(path: Path) -> tuple[Path | bytes, str, Chunks | None]:
    """Return a file's path, or its content with a corrected header, FFmpeg's name of its container, and its chunks.

    Raises:
        AudioError: as :func:`decode`.
    """
    if not path.is_file():
        return path, _format(path, path), None
    source = behind_id3(path)
    chunks = read_chunks(source)
    if chunks and chunks.stated is None and (mended := chunks.whole(source)):
        return mended, _format(mended, path), chunks
    try:
        return source, _format(source, path), chunks
    except AudioError:
        if chunks and (mended := chunks.whole(source)):
            return mended, _format(mended, path), chunks
        content = path.read_bytes()
        if mpeg_parts(content):
            return path, "mp3", None
        check_bit_rate(path, content)
        raise


def opened(source: Path | bytes, path: Path, form: str | None = None) -> av.container.InputContainer:
    """Open a container with at least one audio stream.

    Args:
        source: a path, or a file's content.
        path: path of the file, for messages.
        form: FFmpeg's name of the container; detected if not given.

    Raises:
        AudioError: the file is missing or contains no sound.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise AudioError(f"{path} {what}", "an audio file", "Check the path.")
    if path.stat().st_size == 0:
        raise AudioError(f"{path} is empty", "an audio file", "Save or download it again.")
    # FFmpeg would take a relative name with a colon for a URL.
    place = str(source.absolute()) if isinstance(source, Path) else io.BytesIO(source)
    try:
        container = av.open(place, "r", format=form, options={"format_whitelist": _READABLE}, metadata_errors="replace")
    except FAILURES as error:
        raise AudioError(
            f"{path} is not a readable audio file",
            "an audio file (FLAC, WAV, MP3, Ogg)",
            "Convert it to FLAC or WAV.",
        ) from error
    if container.streams.audio and container.streams.audio[0].rate:
        return container
    container.close()
    raise AudioError(f"{path} contains no sound", "an audio file", "Choose another file.")


def _format(source: Path | bytes, path: Path) -> str:
    with opened(source, path) as container:
        return container.format.name


def _decoded(source: Path | bytes, path: Path, form: str | None) -> Decoded:
    with opened(source, path, form) as container:
        stream = container.streams.audio[0]
        whole = Decoded(container.format.name, stream.rate, np.zeros((stream.channels, 0), np.float32))
        length = float((stream.duration or 0) * (stream.time_base or 0))
        if not length and len(container.streams) == 1 and "matroska" in whole.format:
            length = (container.duration or 0) / av.time_base
        whole.declared = round(length * whole.rate)
        if whole.format == "flac":  # frames are independent, and a wrong checksum means noise
            stream.codec_context.options = {"err_detect": "crccheck+explode"}
        start, last = stream.start_time or 0, 0.0
        runs = []
        for frame in _frames(container, stream, whole):
            runs.append((frame.sample_rate, _floats(frame)))
            if frame.pts is not None and frame.time_base:
                last = float((frame.pts - start) * frame.time_base) + frame.samples / frame.sample_rate
    _gather(whole, runs)
    count = whole.samples.shape[1]
    end = max(round(last * whole.rate), count)
    whole.short, whole.gap = max(whole.declared - end, 0), min(end, whole.declared) - min(count, whole.declared)
    return whole


def _frames(container: av.container.InputContainer, stream: av.AudioStream, whole: Decoded) -> Iterator[av.AudioFrame]:
    """Yield every decodable frame and count the failures in `whole`."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except FAILURES:
            whole.torn = True
            return
        frames = _attempt(packet, stream)
        whole.lost += frames is None
        whole.torn = frames is None or (whole.torn and not frames)
        yield from frames or ()


def _attempt(packet: av.Packet, stream: av.AudioStream) -> list[av.AudioFrame] | None:  # type: ignore[type-arg]
    """Decode a packet; None on failure. A FLAC packet is retried up to each position where its checksum matches."""
    with suppress(*FAILURES):
        return stream.codec_context.decode(packet)
    for end in frame_ends(bytes(packet)) if stream.codec_context.name == "flac" else ():
        part = av.Packet(bytes(packet)[:end])
        part.pts, part.time_base = packet.pts, packet.time_base
        with suppress(*FAILURES):
            return stream.codec_context.decode(part)
    return None


def _floats(frame: av.AudioFrame) -> Float[np.ndarray, "channels _"]:
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, frame.layout.nb_channels).T
    if values.dtype == np.uint8:
        return values.astype(np.float32) / 128 - 1
    if values.dtype.kind == "i":
        return values.astype(np.float32) / np.float32(2 ** (8 * values.itemsize - 1))
    return values.astype(np.float32)


def _gather(whole: Decoded, runs: list[tuple[int, np.ndarray]]) -> None:
    """Join runs of samples at the rate and channel count of the first, and record the changes."""
    channels = len(whole.samples)
    together: list[np.ndarray] = []
    for (rate, count), group in groupby(runs, key=lambda run: (run[0], len(run[1]))):
        values = np.concatenate([each for _, each in group], 1)
        if not together:
            whole.rate, channels = rate, count
        elif (rate, count) != (whole.rate, channels):
            whole.changes.append((rate, count))
        if count != channels:
            values = np.repeat(values.mean(0, keepdims=True), channels, 0)
        together.append(resample(torch.from_numpy(values), rate, whole.rate).numpy())
    if together:
        whole.samples = np.concatenate(together, 1)


def _together(found: list[Decoded]) -> Decoded:
    """Join decoded files in sequence."""
    first = found[0]
    whole = Decoded(first.format, first.rate, first.samples, torn=found[-1].torn)
    for name in ("declared", "short", "gap", "lost"):
        setattr(whole, name, sum(getattr(each, name) for each in found))
    _gather(whole, [(each.rate, each.samples) for each in found if each.samples.shape[1]])
    whole.changes = [change for each in found for change in each.changes] + whole.changes
    return whole
