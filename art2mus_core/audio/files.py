"""Writes sound files through FFmpeg's libraries (PyAV), with tags and the artwork as the cover."""

from __future__ import annotations

import base64
import io
import json
import struct
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..errors import AudioError, OutputError
from ..naming import readable
from ..placing import check_place, place
from ..types import Waveform
from .coding import KINDS, STANDARD, Coding, Kind
from .resample import resample

__all__ = ["add_to_flac", "audio_suffixes", "picture_block", "write_audio"]


_INFO_TAGS = {"title", "artist", "album", "comment", "copyright", "date", "genre", "language"}  # RIFF's own


def audio_suffixes() -> tuple[str, ...]:
    """Suffixes that :func:`write_audio` knows, the default first."""
    return tuple(KINDS)


def write_audio(
    path: Path | str,
    waveform: Waveform,
    *,
    tags: dict[str, str],
    cover: bytes | None,
    quality: str = STANDARD,
    no_replace: bool = False,
) -> None:
    """One piece as a file of the suffix's kind: FLAC, WAV, MP3, Opus (`.opus` or `.ogg`).

    WAV has no cover, and tags that RIFF has no name for become one JSON object in its comment. The tag `encoder` is the
    container library's own; one of that name is written as `software`.

    Args:
        path: its folder is made if it is not there; a file there is replaced.
        waveform: [1, 1 or 2 channels, N]; beyond -1..1 it clips.
        tags: name to text.
        cover: a JPEG or PNG.
        quality: one of :func:`~.coding.qualities` of the suffix; a codec's own limits lower a bit rate beyond them.
        no_replace: refuse to replace a file instead.

    Raises:
        OutputError: unknown suffix or quality, a place that cannot be written, or a file that must not be replaced.
        AudioError: another batch or channel count, no samples, or samples that are not finite.
    """
    path = Path(path)
    check_place(path, audio_suffixes())
    kind = KINDS[path.suffix.lower()]
    if quality not in kind.qualities:
        raise OutputError(
            f"{path.suffix} of the quality {quality!r}", f"one of {', '.join(kind.qualities)}", "Choose one of these."
        )
    coding = kind.qualities[quality]
    named = {("software" if name.lower() == "encoder" else name): readable(str(value)) for name, value in tags.items()}
    if kind.container == "wav":
        named = _info(named)
    if coding.codec == "libopus" and cover:
        named["METADATA_BLOCK_PICTURE"] = base64.b64encode(picture_block(cover)).decode("ascii")
    content = _encoded(kind, coding, _checked(waveform, kind), named, cover if kind.container == "mp3" else None)
    content = add_to_flac(content, cover) if kind.container == "flac" and cover else content
    place(path, content, no_replace=no_replace)


def _checked(waveform: Waveform, kind: Kind) -> Waveform:
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


def _encoded(kind: Kind, coding: Coding, waveform: Waveform, tags: dict[str, str], cover: bytes | None) -> bytes:
    """The whole file in memory; `cover` becomes a stream, which is how FFmpeg has it in MP3."""
    pcm = _pcm(waveform.samples[0], deep=coding.layout.startswith("s32"))
    layout = "mono" if len(pcm) == 1 else "stereo"
    sink = io.BytesIO()
    with av.open(sink, "w", format=kind.container) as container:
        container.metadata.update(tags)
        stream: Any = container.add_stream(
            coding.codec, waveform.sample_rate, coding.options, layout=layout, format=coding.layout
        )
        if bits := coding.whole or (coding.each or 0) * len(pcm):
            stream.bit_rate = min(bits, (kind.most or bits) * len(pcm))
        if cover:
            _mux_cover(container, cover)
        planar = coding.layout.endswith("p")
        values = pcm if planar else pcm.T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(values, format=coding.layout, layout=layout)
        frame.sample_rate, frame.pts = waveform.sample_rate, 0
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return sink.getvalue()


def _pcm(samples: Tensor, *, deep: bool) -> np.ndarray:
    """Integers [channels, N]: 16 bits, or 24 at the top of 32."""
    values = samples.detach().cpu().double().numpy()
    if deep:
        return np.clip(np.rint(values * 2**23), -(2**23), 2**23 - 1).astype(np.int32) << 8
    return np.clip(np.rint(values * 2**15), -(2**15), 2**15 - 1).astype(np.int16)


def _mux_cover(container: av.container.OutputContainer, cover: bytes) -> None:
    with av.open(io.BytesIO(cover), "r") as picture:
        source = picture.streams.video[0]
        stream = container.add_stream_from_template(source)
        stream.metadata.update({"title": "Cover", "comment": "Cover (front)"})
        for packet in picture.demux(source):
            if packet.size:
                packet.stream = stream
                container.mux(packet)


FRONT_COVER, PICTURE, LONGEST = 3, 6, 2**24 - 1


def picture_block(cover: bytes) -> bytes:
    """The body of a PICTURE block for a JPEG or PNG.

    Raises:
        AudioError: no picture, one of another format, or one of 16 MiB or more.
    """
    try:
        with Image.open(io.BytesIO(cover)) as image:
            kind, (width, height) = image.format, image.size
    except OSError:
        kind, width, height = None, 0, 0
    if kind not in {"JPEG", "PNG"} or len(cover) > LONGEST - 64:
        raise AudioError(
            f"a cover of {len(cover)} bytes ({kind or 'no picture'})", "a small JPEG or PNG", "Convert it."
        )
    mime = f"image/{kind.lower()}".encode("ascii")
    return (
        struct.pack(">II", FRONT_COVER, len(mime))
        + mime
        + struct.pack(">I5I", 0, width, height, 24, 0, len(cover))
        + cover
    )


def add_to_flac(file: bytes, cover: bytes) -> bytes:
    """A FLAC file with the cover as its second metadata block, after STREAMINFO, which is 34 bytes long and never last here."""
    block = picture_block(cover)
    after = 4 + 4 + 34
    last = file[4] & 0x80
    header = struct.pack(">I", PICTURE << 24 | len(block))
    streaminfo = bytes([file[4] & 0x7F]) + file[5:after]
    marked = bytes([header[0] | last]) + header[1:]
    return file[:4] + streaminfo + marked + block + file[after:]
