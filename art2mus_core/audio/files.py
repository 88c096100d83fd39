"""Reads and writes sound files through FFmpeg's libraries (PyAV), with tags and the artwork as the cover."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch

from ..errors import AudioError
from ..naming import readable
from ..placing import check_place, place
from ..types import Waveform
from .pictures import add_to_flac, picture_block
from .resample import resample
from .wholeness import missing_end

__all__ = ["audio_suffixes", "read_audio", "read_tags", "write_audio"]


@dataclass(frozen=True)
class _Kind:
    """How a suffix is written: container, codec, sample format, bits a second and channel, rates (none: all)."""

    container: str
    codec: str
    layout: str
    bits: int | None = None
    rates: tuple[int, ...] = ()


_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_OPUS_RATES = (8000, 12000, 16000, 24000, 48000)
_KINDS = {
    ".flac": _Kind("flac", "flac", "s16"),
    ".wav": _Kind("wav", "pcm_s16le", "s16"),
    ".mp3": _Kind("mp3", "libmp3lame", "s16p", 96_000, _MP3_RATES),
    ".ogg": _Kind("ogg", "libopus", "s16", 96_000, _OPUS_RATES),
    ".opus": _Kind("opus", "libopus", "s16", 96_000, _OPUS_RATES),
}
_INFO_TAGS = {"title", "artist", "album", "comment", "copyright", "date", "genre", "language"}  # RIFF's own
_READABLE = "aac,aiff,au,caf,flac,matroska,mov,mp3,ogg,w64,wav"  # no playlists: they open other files and addresses


def audio_suffixes() -> tuple[str, ...]:
    """Suffixes that :func:`write_audio` knows, the default first."""
    return tuple(_KINDS)


def read_audio(path: Path | str, sample_rate: int | None = None, *, mono: bool = True) -> Waveform:
    """A sound file as a waveform [1, channels, N].

    Args:
        path: FLAC, WAV, MP3, Ogg (Opus or Vorbis), AIFF, M4A and their like; the content decides, not the suffix.
        sample_rate: wanted rate in hertz; the file's own if not given.
        mono: mix all channels.

    Raises:
        AudioError: no such file, no sound, a damaged or truncated one.
    """
    path = Path(path)
    try:
        with _opened(path) as container:
            stream = container.streams.audio[0]
            rate = stream.rate
            declared = int((stream.duration or 0) * (stream.time_base or 0) * rate)
            samples = np.concatenate([np.zeros((stream.channels, 0), np.float32), *_frames(container, stream)], 1)
    except (av.FFmpegError, ValueError) as error:
        raise AudioError(
            f"{path} is damaged or truncated ({error})", "a whole sound file", "Save or download it again."
        ) from error
    if samples.shape[1] == 0 or missing_end(path, samples.shape[1], declared):
        raise AudioError(
            f"{path} ends after {samples.shape[1] / rate:.2f} s, before its end",
            "a whole sound file",
            "Save or download it again.",
        )
    sound = torch.from_numpy(samples)
    sound = sound.mean(0, keepdim=True) if mono and sound.shape[0] > 1 else sound
    return Waveform(resample(sound, rate, sample_rate or rate)[None], sample_rate or rate)


def read_tags(path: Path | str) -> dict[str, str]:
    """The tags of a sound file, names in lower case.

    Raises:
        AudioError: as :func:`read_audio`.
    """
    with _opened(Path(path)) as container:
        found = {**container.metadata, **container.streams.audio[0].metadata}
    tags = {name.lower(): value for name, value in found.items()}
    try:
        more = json.loads(tags.get("comment", "")) if container.format.name == "wav" else {}
    except ValueError:
        more = {}
    return tags | more if isinstance(more, dict) else tags


def write_audio(path: Path | str, waveform: Waveform, *, tags: dict[str, str], cover: bytes | None) -> None:
    """One piece as a file of the suffix's kind: 16-bit FLAC or WAV, MP3, Opus (`.opus` or `.ogg`).

    WAV has no cover, and tags that RIFF has no name for become one JSON object in its comment. The tag `encoder` is the
    container library's own; one of that name is written as `software`.

    Args:
        path: in a folder that exists; a file there is replaced.
        waveform: [1, 1 or 2 channels, N]; beyond -1..1 it clips.
        tags: name to text.
        cover: a JPEG or PNG.

    Raises:
        OutputError: unknown suffix, or a place that cannot be written.
        AudioError: another batch or channel count, no samples, or samples that are not finite.
    """
    path = Path(path)
    check_place(path, audio_suffixes())
    kind = _KINDS[path.suffix.lower()]
    named = {("software" if name.lower() == "encoder" else name): readable(str(value)) for name, value in tags.items()}
    if kind.container == "wav":
        named = _info(named)
    if kind.codec == "libopus" and cover:
        named["METADATA_BLOCK_PICTURE"] = base64.b64encode(picture_block(cover)).decode("ascii")
    content = _encoded(kind, _checked(waveform, kind), named, cover if kind.container == "mp3" else None)
    place(path, add_to_flac(content, cover) if kind.container == "flac" and cover else content)


def _opened(path: Path) -> av.container.InputContainer:
    """The file's container, which has at least one stream of sound."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise AudioError(f"{path} {what}", "a sound file", "Check the path.")
    if path.stat().st_size == 0:
        raise AudioError(f"{path} is empty", "a sound file", "Save or download it again.")
    try:
        # A relative name with a colon in it, as titles have, would be the address of a protocol.
        container = av.open(str(path.absolute()), options={"format_whitelist": _READABLE})
    except (av.FFmpegError, OSError, ValueError) as error:
        raise AudioError(
            f"{path} is not a sound that can be read",
            "a sound file (FLAC, WAV, MP3, Ogg)",
            "Convert it to FLAC or WAV.",
        ) from error
    if container.streams.audio and container.streams.audio[0].rate:
        return container
    container.close()
    raise AudioError(f"{path} holds no sound", "a sound file", "Choose another file.")


def _frames(container: av.container.InputContainer, stream: av.AudioStream) -> Iterator[np.ndarray]:
    """float32 [channels, n] of every frame."""
    for frame in container.decode(stream):
        values = frame.to_ndarray()
        if not frame.format.is_planar:
            values = values.reshape(-1, frame.layout.nb_channels).T
        if values.dtype == np.uint8:
            yield values.astype(np.float32) / 128 - 1
        elif values.dtype.kind == "i":
            yield values.astype(np.float32) / np.float32(2 ** (8 * values.itemsize - 1))
        else:
            yield values.astype(np.float32)


def _checked(waveform: Waveform, kind: _Kind) -> Waveform:
    """The waveform at a rate that the codec takes."""
    batch, channels, length = waveform.samples.shape
    if batch != 1 or channels not in (1, 2) or length == 0:
        raise AudioError(
            f"{batch} pieces of {channels} channels and {length} samples",
            "one piece of one or two channels",
            "Write the pieces one by one.",
        )
    if not torch.isfinite(waveform.samples).all():
        raise AudioError("samples that are NaN or infinite", "finite samples", "Compose the music again.")
    rate = waveform.sample_rate
    if kind.rates and rate not in kind.rates:
        rate = next((known for known in kind.rates if known >= rate), kind.rates[-1])
    return Waveform(resample(waveform.samples, waveform.sample_rate, rate), rate)


def _info(tags: dict[str, str]) -> dict[str, str]:
    """What a RIFF header has names for, and everything as JSON in the comment if there is more."""
    known = {name: value for name, value in tags.items() if name.lower() in _INFO_TAGS}
    return known if len(known) == len(tags) else known | {"comment": json.dumps(tags, ensure_ascii=False)}


def _encoded(kind: _Kind, waveform: Waveform, tags: dict[str, str], cover: bytes | None) -> bytes:
    """The whole file in memory; `cover` becomes a stream, which is how FFmpeg has it in MP3."""
    samples = waveform.samples[0].detach().cpu().float().numpy()
    pcm = np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)
    layout = "mono" if len(pcm) == 1 else "stereo"
    sink = io.BytesIO()
    with av.open(sink, "w", format=kind.container) as container:
        container.metadata.update(tags)
        stream: Any = container.add_stream(kind.codec, rate=waveform.sample_rate, layout=layout, format=kind.layout)
        if kind.bits:
            stream.bit_rate = kind.bits * len(pcm)
        if cover:
            _mux_cover(container, cover)
        planar = kind.layout.endswith("p")
        frame = av.AudioFrame.from_ndarray(pcm if planar else pcm.T.reshape(1, -1), format=kind.layout, layout=layout)
        frame.sample_rate, frame.pts = waveform.sample_rate, 0
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return sink.getvalue()


def _mux_cover(container: av.container.OutputContainer, cover: bytes) -> None:
    with av.open(io.BytesIO(cover), "r") as picture:
        source = picture.streams.video[0]
        stream = container.add_stream_from_template(source)
        stream.metadata.update({"title": "Cover", "comment": "Cover (front)"})
        for packet in picture.demux(source):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
