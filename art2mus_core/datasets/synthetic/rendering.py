"""Render a composition: synthesize and mix its parts, add reverberation, and set the character's loudness."""

from __future__ import annotations

from functools import cache

import numpy as np

from ...character import Character
from .composing import Composition, Note, compose_notes
from .voices import VOICES, Voice, drum, tone

__all__ = ["RATE", "compose", "loudness_of", "render"]

RATE = 16_000
LEVELS = {"pad": 0.22, "bass": 0.62, "accompaniment": 0.55, "melody": 0.58, "percussion": 1.0}
QUIETEST, LOUDEST = -38.0, -14.0
"""RMS level of a piece in dBFS at arousal 0 and 1."""

# Mellow instruments for warm paintings, glassy ones for cool paintings, a mixture in between.
WARM = {
    "pad": ("choir", "strings"),
    "bass": ("round",),
    "accompaniment": ("harp", "piano"),
    "melody": ("flute", "lute"),
}
COOL = {
    "pad": ("organ", "strings"),
    "bass": ("picked",),
    "accompaniment": ("keys", "piano"),
    "melody": ("bell", "fiddle", "clarinet"),
}


def loudness_of(character: Character) -> float:
    """The RMS level in dBFS of a piece of this character."""
    return QUIETEST + (LOUDEST - QUIETEST) * character.arousal


def compose(character: Character, seed: int, seconds: float = 10.0, rate: int = RATE) -> np.ndarray:
    """Music for a character: float32 [seconds * rate] in -1..1. The same seed gives the same piece."""
    return render(compose_notes(character, seed, seconds), character, seed, rate)


def render(composition: Composition, character: Character, seed: int, rate: int = RATE) -> np.ndarray:
    """The sound of a composition, float32 [seconds * rate] in -1..1."""
    rng = np.random.default_rng((seed, 2))
    band = {part: _cast(part, character.warmth, rng) for part in VOICES}
    brightness = float(np.clip(0.95 - 0.85 * character.warmth + rng.normal(0, 0.05), 0, 1))
    count = round(composition.seconds * rate)
    dry = np.zeros(count + rate, np.float32)
    for note in composition.notes:
        _add(dry, note, band.get(note.part), brightness, rate)
    wet = _reverberate(dry, 0.9 - 0.5 * character.arousal, int(rng.integers(4)), rate)[:count]
    return _set_level(wet, loudness_of(character), rate)


def _cast(part: str, warmth: float, rng: np.random.Generator) -> Voice:
    """Choose the instrument of a part; mellow ones are more likely the warmer the painting."""
    mellow = rng.random() < np.clip(0.5 + 1.6 * (warmth - 0.5), 0, 1)
    names = (WARM if mellow else COOL)[part]
    return VOICES[part][names[rng.integers(len(names))]]


def _add(dry: np.ndarray, note: Note, voice: Voice | None, brightness: float, rate: int) -> None:
    sound = drum(note.pitch, rate) if voice is None else tone(voice, note.pitch, note.duration, brightness, rate)
    start = round(note.start * rate)
    end = min(start + len(sound), len(dry))
    dry[start:end] += sound[: end - start] * np.float32(note.velocity * LEVELS[note.part])


@cache
def _room(index: int, rate: int) -> np.ndarray:
    """The reverberation of a room's impulse response: smoothed noise that decays."""
    rng = np.random.default_rng(100 + index)
    count = int((0.5 + 0.25 * index) * rate)
    t = np.arange(count) / rate
    tail = rng.standard_normal(count) * np.exp(-t * 6.9 / (0.5 + 0.25 * index))
    tail = np.convolve(tail, np.ones(6) / 6, mode="same")
    tail[: int(0.008 * rate)] = 0
    return (tail / np.sqrt(np.sum(tail**2))).astype(np.float32)


def _reverberate(dry: np.ndarray, amount: float, index: int, rate: int) -> np.ndarray:
    tail = _room(index, rate)
    size = 1 << (len(dry) + len(tail) - 1).bit_length()
    wet = np.fft.irfft(np.fft.rfft(dry, size) * np.fft.rfft(tail, size), size)[: len(dry)]
    return dry + np.float32(0.36 * amount) * wet.astype(np.float32)


def _set_level(samples: np.ndarray, decibels: float, rate: int) -> np.ndarray:
    """Set the RMS level, limit peaks above -3 dBFS smoothly, and fade both ends."""
    samples = samples - samples.mean()
    samples = samples * (10 ** (decibels / 20) / max(1e-9, float(np.sqrt(np.mean(samples**2)))))
    knee, ceiling = 0.7, 0.89
    over = np.abs(samples) > knee
    excess = (np.abs(samples[over]) - knee) / (ceiling - knee)
    samples[over] = np.sign(samples[over]) * (knee + (ceiling - knee) * np.tanh(excess))
    fade = int(0.01 * rate)
    ramp = np.linspace(0, 1, fade, dtype=np.float32)
    samples[:fade] *= ramp
    samples[-fade:] *= ramp[::-1]
    return samples.astype(np.float32)
