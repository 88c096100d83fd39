"""Parts of chat messages that show a picture or play a sound, without names or metadata."""

from __future__ import annotations

import base64
import io
import wave
from typing import Any

import numpy as np

from ..audio.mono import mono
from ..types import Waveform

__all__ = ["LONGEST_SIDE", "RATE", "picture_part", "sound_part", "wav_of"]

LONGEST_SIDE = 768
"""Longest side of a picture in pixels."""

RATE = 16_000
"""Sample rate of a sound in hertz."""


def picture_part(jpeg: bytes) -> dict[str, Any]:
    """The part of a message that shows a picture, given as a JPEG."""
    url = f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"
    return {"type": "image_url", "image_url": {"url": url}}


def sound_part(wav: bytes) -> dict[str, Any]:
    """The part of a message that plays a sound, given as a WAV."""
    return {"type": "input_audio", "input_audio": {"data": base64.b64encode(wav).decode("ascii"), "format": "wav"}}


def wav_of(sound: Waveform) -> bytes:
    """A sound as WAV: one channel, 16 bits, `RATE` hertz.

    Raises:
        AudioError: samples that are not finite.
    """
    samples = np.clip(np.rint(mono(sound, RATE).numpy() * 32767), -32768, 32767).astype("<i2")
    sink = io.BytesIO()
    with wave.open(sink, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return sink.getvalue()
