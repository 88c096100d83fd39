"""Instruments: wavetable synthesis of additive, FM and plucked-string tones, and a small drum kit.

A tone repeats one period at the note's pitch and fades from a bright wavetable (attack) to a dark one (sustain). This is
additive synthesis with two spectra; FM tones with integer ratios are periodic as well. With two table look-ups per sample, a
piece of ten seconds takes a few hundredths of a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

__all__ = ["DRUMS", "VOICES", "Voice", "drum", "tone"]

TABLE = 8192
NYQUIST_SHARE = 0.45
HARMONICS = 40

FloatArray = np.ndarray


@dataclass(frozen=True)
class Voice:
    """The parameters of an instrument.

    Attributes:
        spectrum: `saw`, `odd`, `soft`, `organ`, `string` (plucked at a quarter of its length) or `fm`.
        attack: seconds to full level.
        decay: seconds until a struck tone falls to 1/e; 0 for a sustained one.
        darkening: time constant in seconds of the fade from the bright to the dark table.
        release: seconds of fade after the note.
        vibrato: depth in cents, reached after a quarter of a second.
        chorus: detuning of a second copy in cents; 0 for none.
    """

    spectrum: str
    attack: float
    decay: float
    darkening: float
    release: float
    vibrato: float = 0.0
    chorus: float = 0.0


VOICES: dict[str, dict[str, Voice]] = {
    "pad": {
        "strings": Voice("saw", 0.12, 0.0, 0.8, 0.25, chorus=3.0),
        "organ": Voice("organ", 0.04, 0.0, 1.0, 0.12),
        "choir": Voice("soft", 0.15, 0.0, 1.0, 0.3, chorus=2.5),
    },
    "bass": {
        "round": Voice("soft", 0.015, 1.2, 0.3, 0.08),
        "picked": Voice("string", 0.006, 0.7, 0.15, 0.06),
    },
    "accompaniment": {
        "harp": Voice("string", 0.004, 0.7, 0.25, 0.12),
        "keys": Voice("fm", 0.004, 0.8, 0.3, 0.1),
        "piano": Voice("saw", 0.004, 0.6, 0.12, 0.1),
    },
    "melody": {
        "flute": Voice("soft", 0.04, 0.0, 0.5, 0.08, vibrato=7.0),
        "clarinet": Voice("odd", 0.03, 0.0, 0.5, 0.07, vibrato=4.0),
        "fiddle": Voice("saw", 0.05, 0.0, 0.6, 0.09, vibrato=8.0),
        "bell": Voice("fm", 0.003, 0.9, 0.35, 0.25),
        "lute": Voice("string", 0.003, 0.8, 0.3, 0.12),
    },
}


def _partials(spectrum: str, brightness: float) -> FloatArray:
    """Amplitudes of the harmonics; they fall more slowly with higher `brightness` in 0..1."""
    h = np.arange(1, HARMONICS + 1)
    fall = 2.6 - 1.7 * brightness
    if spectrum == "soft":
        return h ** -(fall + 0.9)
    if spectrum == "odd":
        return np.where(h % 2 == 1, 1.0, 0.12) * h**-fall
    if spectrum == "organ":
        return np.isin(h, (1, 2, 3, 4, 6, 8, 12, 16)) * h ** -(fall - 0.5)
    if spectrum == "string":
        return np.abs(np.sin(np.pi * h * 0.26)) * h ** -(fall - 0.2)
    return h**-fall


@cache
def _table(spectrum: str, brightness: float, harmonics: int) -> FloatArray:
    """One period with at most `harmonics` partials, at unit RMS."""
    turn = 2 * np.pi * np.arange(TABLE) / TABLE
    if spectrum == "fm":
        index = min(0.4 + 2.6 * brightness, 0.35 * harmonics)
        wave = np.sin(turn + index * np.sin((2 if harmonics > 3 else 1) * turn))
    else:
        amplitudes = _partials(spectrum, brightness)[:harmonics]
        h = np.arange(1, len(amplitudes) + 1)
        phases = 2 * np.pi * np.modf(h * h * 0.6180339887)[0]
        wave = (amplitudes[:, None] * np.sin(h[:, None] * turn + phases[:, None])).sum(0)
    return (wave / np.sqrt(np.mean(wave**2))).astype(np.float32)


def _envelope(voice: Voice, count: int, held: int, rate: int) -> FloatArray:
    envelope = np.ones(count, np.float32)
    if voice.decay:
        envelope *= np.exp(-np.arange(count, dtype=np.float32) / (voice.decay * rate))
    attack = min(max(1, int(voice.attack * rate)), count)
    envelope[:attack] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(attack, dtype=np.float32) / attack)
    fade = count - held
    envelope[held:] *= (0.5 + 0.5 * np.cos(np.pi * np.arange(fade, dtype=np.float32) / max(1, fade))).astype(np.float32)
    return envelope


def tone(voice: Voice, pitch: int, duration: float, brightness: float, rate: int) -> FloatArray:
    """A note of `duration` seconds plus its release as float32 samples, of about unit RMS at its loudest."""
    frequency = 440.0 * 2.0 ** ((pitch - 69) / 12)
    harmonics = max(1, min(HARMONICS, int(NYQUIST_SHARE * rate / frequency)))
    held = max(2, int(duration * rate))
    count = held + int(voice.release * rate)
    time = np.arange(count, dtype=np.float64)
    level = round(brightness * 10) / 10
    bright = _table(voice.spectrum, min(1.0, level + 0.3), harmonics)
    dark = _table(voice.spectrum, level * 0.7, harmonics)
    phase = time * (frequency / rate * TABLE)
    if voice.vibrato:
        depth = voice.vibrato / 1200 * np.log(2) * frequency / (2 * np.pi * 5.2) * TABLE
        phase += depth * np.minimum(1, time / (0.25 * rate)) * np.sin(2 * np.pi * 5.2 / rate * time)
    place = phase.astype(np.int64) & (TABLE - 1)
    share = np.exp(time.astype(np.float32) * np.float32(-1 / (voice.darkening * rate)))
    wave = dark[place] + share * (bright[place] - dark[place])
    if voice.chorus:
        second = (phase * 2.0 ** (voice.chorus / 1200) + TABLE / 3).astype(np.int64) & (TABLE - 1)
        wave = 0.7 * (wave + dark[second] + share * (bright[second] - dark[second]))
    return wave * _envelope(voice, count, held, rate)


DRUMS = ("kick", "snare", "hat", "shaker")


@cache
def drum(index: int, rate: int) -> FloatArray:
    """A stroke of drum `DRUMS[index]`, always the same."""
    rng = np.random.default_rng(index)
    count = int((0.28, 0.2, 0.07, 0.09)[index] * rate)
    t = np.arange(count) / rate
    noise = rng.standard_normal(count)
    if DRUMS[index] == "kick":
        wave = np.sin(2 * np.pi * (48 * t + 3.2 * (1 - np.exp(-t * 32)))) * np.exp(-t * 14)
    elif DRUMS[index] == "snare":
        wave = 0.5 * np.sin(2 * np.pi * 196 * t) * np.exp(-t * 28) + 0.6 * noise * np.exp(-t * 24)
    elif DRUMS[index] == "hat":
        wave = np.diff(noise, prepend=0.0) * np.exp(-t * 70) * 0.5
    else:
        swell = np.minimum(1, t / 0.02)
        wave = np.diff(noise, prepend=0.0) * swell * np.exp(-t * 45) * 0.4
    return wave.astype(np.float32)
