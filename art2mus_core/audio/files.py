"""Writes sound files through FFmpeg's libraries (PyAV), with tags and the artwork as the cover."""

from __future__ import annotations

import base64
import io
import json
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

__all__ = ["audio_suffixes", "write_audio"]


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


def audio_suffixes() -> tuple[str, ...]:
    """Suffixes that :func:`write_audio` knows, the default first."""
    return tuple(_KINDS)


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
