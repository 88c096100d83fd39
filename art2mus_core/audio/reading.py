"""Reads sound files through FFmpeg's libraries (PyAV), with their tags."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import torch

from ..errors import AudioError
from ..types import Waveform
from .resample import resample
from .wholeness import missing_end

__all__ = ["read_audio", "read_tags"]

_READABLE = "aac,aiff,au,caf,flac,matroska,mov,mp3,ogg,w64,wav"  # no playlists: they open other files and addresses


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
