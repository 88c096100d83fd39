"""Writes audio files through FFmpeg's libraries (PyAV), with tags and a cover."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
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

__all__ = ["picture_block", "write_audio"]

_INFO_TAGS = {"title", "artist", "album", "comment", "copyright", "date", "genre", "language"}
"""Tags with a name in RIFF."""


def write_audio(
    path: Path | str,
    waveform: Waveform,
    *,
    tags: dict[str, str],
    cover: bytes | None,
    quality: str = STANDARD,
    no_replace: bool = False,
) -> None:
    """Write one piece in the format of the suffix: FLAC, WAV, MP3, Opus (`.opus` or `.ogg`).

    WAV files have no cover; if a tag has no name in RIFF, all tags are written as a JSON object in the comment. FFmpeg reserves
    the tag `encoder`, so it is written as `software`.

    Args:
        path: file to write; its folder is created, and an existing file replaced.
        waveform: [1, 1 or 2 channels, N]; samples beyond -1..1 clip.
        tags: name to text.
        cover: a JPEG or PNG.
        quality: one of the qualities of the suffix in `KINDS`; bit rates above the codec's limit are lowered.
        no_replace: raise an error instead of replacing a file.

    Raises:
        OutputError: unknown suffix or quality, a path that cannot be written, or an existing file with `no_replace`.
        AudioError: wrong batch size or channel count, no samples, or samples that are not finite.
    """
    path = Path(path)
    check_place(path, tuple(KINDS))
    kind = KINDS[path.suffix.lower()]
    if quality not in kind.qualities:
        raise OutputError(
            f"quality {quality!r} for {path.suffix}", f"one of {', '.join(kind.qualities)}", "Choose one of these."
        )
    coding = kind.qualities[quality]
    named = {("software" if name.lower() == "encoder" else name): readable(str(value)) for name, value in tags.items()}
    if kind.container == "wav":
        named = _info(named)
    if coding.codec == "libopus" and cover:
        named["METADATA_BLOCK_PICTURE"] = base64.b64encode(picture_block(cover)).decode("ascii")
    content = _encoded(kind, coding, _checked(waveform, kind), named, cover if kind.container == "mp3" else None)
    content = _with_flac_cover(content, cover) if kind.container == "flac" and cover else content
    place(path, content, no_replace=no_replace)


def _checked(waveform: Waveform, kind: Kind) -> Waveform:
    """Check the waveform and resample it to a rate that the codec supports."""
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
    """Return the tags with a name in RIFF, and all tags as JSON in the comment if any has none."""
    known = {name: value for name, value in tags.items() if name.lower() in _INFO_TAGS}
    return known if len(known) == len(tags) else known | {"comment": json.dumps(tags, ensure_ascii=False)}


def _encoded(kind: Kind, coding: Coding, waveform: Waveform, tags: dict[str, str], cover: bytes | None) -> bytes:
    """Return the file's content; `cover` becomes a stream, as FFmpeg requires for MP3."""
    pcm = _pcm(waveform.samples[0], deep=coding.layout.startswith("s32"))
    layout = "mono" if len(pcm) == 1 else "stereo"
    planar = coding.layout.endswith("p")
    values = np.ascontiguousarray(pcm if planar else pcm.T.reshape(1, -1))
    sink = io.BytesIO()
    with av.open(sink, "w", format=kind.container, options=_muxing(kind, values)) as container:
        container.metadata.update(tags)
        stream: Any = container.add_stream(
            coding.codec, waveform.sample_rate, coding.options, layout=layout, format=coding.layout
        )
        if bits := coding.whole or (coding.each or 0) * len(pcm):
            stream.bit_rate = min(bits, (kind.most or bits) * len(pcm))
        if cover:
            _mux_cover(container, cover)
        frame = av.AudioFrame.from_ndarray(values, format=coding.layout, layout=layout)
        frame.sample_rate, frame.pts = waveform.sample_rate, 0
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return sink.getvalue()


def _muxing(kind: Kind, values: np.ndarray) -> dict[str, str]:
    """FFmpeg numbers Ogg streams at random; a number of the sound gives equal sounds equal files, and joined ones two numbers."""
    if kind.container != "ogg":
        return {}
    return {"fflags": "+bitexact", "serial_offset": str(zlib.crc32(values.tobytes()) >> 1)}


def _pcm(samples: Tensor, *, deep: bool) -> np.ndarray:
    """Convert to integers [channels, N] of 16 bits, or of 24 bits in the upper bytes of 32."""
    full = 2 ** (23 if deep else 15)
    rounded = np.clip(np.rint(samples.detach().cpu().double().numpy() * full), -full, full - 1)
    return rounded.astype(np.int32) << 8 if deep else rounded.astype(np.int16)


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
    """Return the body of a FLAC PICTURE block (RFC 9639, 8.8) for a JPEG or PNG.

    Raises:
        AudioError: not a JPEG or PNG, or one of 16 MiB or more.
    """
    try:
        with Image.open(io.BytesIO(cover)) as image:
            kind, (width, height) = image.format, image.size
    except OSError:
        kind, width, height = None, 0, 0
    if kind not in {"JPEG", "PNG"} or len(cover) > LONGEST - 64:
        raise AudioError(
            f"a cover of {len(cover)} bytes ({kind or 'not a picture'})", "a JPEG or PNG below 16 MiB", "Convert it."
        )
    mime = f"image/{kind.lower()}".encode("ascii")
    return (
        struct.pack(">II", FRONT_COVER, len(mime))
        + mime
        + struct.pack(">I5I", 0, width, height, 24, 0, len(cover))
        + cover
    )


def _with_flac_cover(file: bytes, cover: bytes) -> bytes:
    """Insert a PICTURE block after STREAMINFO, which is 34 bytes long and, as FFmpeg writes it, never the last block."""
    block = picture_block(cover)
    after = 4 + 4 + 34
    return file[:after] + struct.pack(">I", PICTURE << 24 | len(block)) + block + file[after:]
