"""Sound through FFmpeg's decoders (PyAV), as players have it: a packet that cannot be decoded is left out, and the rest goes on."""

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
"""What a damaged file raises in FFmpeg's libraries and on the way out of them."""

_READABLE = "aac,aiff,au,caf,flac,matroska,mov,mp3,ogg,w64,wav"  # no playlists: they open other files and addresses


@dataclass
class Decoded:
    """What came out of a file.

    Attributes:
        format: FFmpeg's name of the container.
        rate: in hertz.
        samples: of all channels.
        declared: samples that the container speaks of; 0 if of none.
        short: of these, those that are missing at the end.
        gap: those that are missing on the way.
        lost: packets that could not be decoded.
        torn: whether the last packet is one of them.
        changes: rates and channels of what follows, where a file changes them on its way.
        chunks: of an uncompressed file.
        parts: of an MP3.
        ends: whether the last page of an Ogg file is marked as such.
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
    """Everything that can be decoded.

    Raises:
        AudioError: no such file, or none in which there is sound.
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
    """The file, or its content with a header that is true, FFmpeg's name of its container, and the chunks it is made of.

    Raises:
        AudioError: as :func:`decode`.
    """
    if not path.is_file():
        return path, _format(path, path), None
    source = behind_id3(path)
    chunks = read_chunks(source)
    if chunks and chunks.promised is None and (mended := chunks.whole(source)):
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
    """A container that has at least one stream of sound.

    Args:
        source: a file, or the content of one.
        path: of the file, for messages.
        form: FFmpeg's name of the container; found out if not given.

    Raises:
        AudioError: no such file, or no sound in it.
    """
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise AudioError(f"{path} {what}", "a sound file", "Check the path.")
    if path.stat().st_size == 0:
        raise AudioError(f"{path} is empty", "a sound file", "Save or download it again.")
    # A relative name with a colon in it, as titles have, would be the address of a protocol.
    place = str(source.absolute()) if isinstance(source, Path) else io.BytesIO(source)
    try:
        container = av.open(place, "r", format=form, options={"format_whitelist": _READABLE}, metadata_errors="replace")
    except FAILURES as error:
        raise AudioError(
            f"{path} is not a sound that can be read",
            "a sound file (FLAC, WAV, MP3, Ogg)",
            "Convert it to FLAC or WAV.",
        ) from error
    if container.streams.audio and container.streams.audio[0].rate:
        return container
    container.close()
    raise AudioError(f"{path} holds no sound", "a sound file", "Choose another file.")


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
        if whole.format == "flac":  # the checksum of a frame tells noise from music, and no frame depends on another
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
    """Every frame that can be decoded; what fails on the way is counted in `whole`."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except FAILURES:
            whole.torn = True
            return
        if packet is None:
            return
        frames = _attempt(packet, stream)
        if frames is None:
            whole.lost, whole.torn = whole.lost + 1, True
            continue
        whole.torn = whole.torn and not frames
        yield from frames


def _attempt(packet: av.Packet, stream: av.AudioStream) -> list[av.AudioFrame] | None:  # type: ignore[type-arg]
    """The frames of a packet; of a FLAC's, up to where its checksum fits, if something stands behind it."""
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
    """All values in one array, at the rate and in the channels of the first."""
    channels = len(whole.samples)
    together: list[np.ndarray] = []
    for (rate, count), group in groupby(runs, key=lambda run: (run[0], len(run[1]))):
        values = np.concatenate([each for _, each in group], 1)
        if not together:
            whole.rate, channels = rate, count
        elif (rate, count) != (whole.rate, channels):
            whole.changes.append((rate, count))
        together.append(_fitted(values, rate, whole.rate, channels))
    if together:
        whole.samples = np.concatenate(together, 1)


def _fitted(values: np.ndarray, rate: int, wanted: int, channels: int) -> np.ndarray:
    if len(values) != channels:
        values = np.repeat(values.mean(0, keepdims=True), channels, 0)
    return values if rate == wanted else resample(torch.from_numpy(values), rate, wanted).numpy()


def _together(found: list[Decoded]) -> Decoded:
    """Files one after the other."""
    first = found[0]
    whole = Decoded(first.format, first.rate, first.samples, torn=found[-1].torn)
    for name in ("declared", "short", "gap", "lost"):
        setattr(whole, name, sum(getattr(each, name) for each in found))
    _gather(whole, [(each.rate, each.samples) for each in found if each.samples.shape[1]])
    whole.changes = [change for each in found for change in each.changes] + whole.changes
    return whole
