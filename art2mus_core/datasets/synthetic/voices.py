"""Instruments: additive synthesis with the decay, detuning and inharmonicity of each partial, and noise in the attack.

A decaying partial is a geometric series of complex numbers. Over blocks of samples, the sum of all partials is one product of
two small matrices, so a tone of a second costs less than a millisecond.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .instruments import VOICES, Voice

__all__ = ["VOICES", "Voice", "tone"]

BLOCK = 256
"""Samples in a block."""

NYQUIST_SHARE = 0.45
"""Highest partial relative to the sample rate."""

VIBRATO = 5.3
"""Hertz."""

CLICK = 0.35
"""Level of the broad noise of the first milliseconds of a tone with noise in its attack."""

FloatArray = np.ndarray


@dataclass(frozen=True)
class _Partials:
    """Frequencies in hertz, amplitudes, time constants of decay in seconds (infinite for sustained ones), and phases."""

    hertz: FloatArray
    amplitude: FloatArray
    decay: FloatArray
    phase: FloatArray


def _partials(voice: Voice, pitch: int, velocity: float, brightness: float, rate: int) -> _Partials:
    f0 = 440.0 * 2.0 ** ((pitch - 69) / 12)
    if voice.ratios:
        ratio, amplitude, share = (np.array(column, float) for column in zip(*voice.ratios, strict=True))
    else:
        h = np.arange(1, voice.partials + 1)
        ratio = h * np.sqrt(1 + voice.stretch * h * h)
        amplitude, share = voice.shape(h), 1 / (1 + voice.damping * (h - 1))
    tilt = 0.9 * (1 - velocity) - 1.1 * (brightness - 0.5)
    amplitude = amplitude * ratio**-tilt
    hertz = f0 * ratio
    for centre, width, gain in voice.formants:
        amplitude *= 1 + gain * np.exp(-0.5 * ((hertz - centre) / width) ** 2)
    amplitude *= np.clip((NYQUIST_SHARE * rate - hertz) / (0.05 * rate), 0, 1)
    decay = np.full(len(hertz), np.inf)
    if voice.decay:
        decay = voice.decay * np.sqrt(261.6 / f0) * share
    phase = 2 * np.pi * np.modf(np.arange(1, len(hertz) + 1) ** 2 * 0.6180339887)[0]
    parts = [(hertz, amplitude, decay, phase)]
    if voice.glow and not voice.decay:  # the attack is brighter than what follows
        parts.append((hertz, amplitude * voice.glow * np.minimum(1, ratio / 4), np.full(len(hertz), 0.18), phase))
    if voice.copies > 1:
        spread = np.linspace(-1, 1, voice.copies)
        parts = [
            (
                part[0] * 2 ** (voice.detune * each / 1200),
                part[1],
                part[2],
                part[3] + 2.1 * number * np.arange(1, 1 + len(hertz)),
            )
            for number, each in enumerate(spread)
            for part in parts
        ]
    hertz, amplitude, decay, phase = (np.concatenate(column) for column in zip(*parts, strict=True))
    kept = amplitude > 1e-4 * amplitude.max()
    amplitude = amplitude / np.sqrt(0.5 * np.sum(amplitude**2))
    return _Partials(hertz[kept], amplitude[kept], decay[kept], phase[kept])


def _sum(partials: _Partials, count: int, rate: int) -> FloatArray:
    """The sum of the partials, float32 [count]."""
    step = np.exp((2j * np.pi * partials.hertz - 1 / partials.decay) / rate)
    inner = _powers(step, BLOCK)
    outer = _powers(step**BLOCK, -(-count // BLOCK)) * (partials.amplitude * np.exp(1j * partials.phase))
    left = np.concatenate([outer.real, outer.imag], 1).astype(np.float32)
    right = np.concatenate([inner.imag, inner.real], 1).astype(np.float32)
    return (left @ right.T).ravel()[:count]


def _powers(base: FloatArray, count: int) -> FloatArray:
    """Powers 0 to count - 1 of each number, [count, n], by doubling."""
    powers = np.ones((1, len(base)), complex)
    factor = base
    while len(powers) < count:
        powers = np.concatenate([powers, powers * factor])
        factor = factor * factor
    return powers[:count]


def _vibrate(sound: FloatArray, cents: float, rate: int) -> FloatArray:
    """Move the pitch by `cents` to both sides, from a third of a second on."""
    time = np.arange(len(sound), dtype=np.float32) / np.float32(rate)
    depth = (2 ** (cents / 1200) - 1) / (2 * np.pi * VIBRATO) * rate
    turns = np.sin(np.float32(2 * np.pi * VIBRATO) * time)
    place = np.arange(len(sound)) + depth * np.clip((time - 0.12) / 0.25, 0, 1) * turns
    place = np.clip(place, 0, len(sound) - 1.001)
    low = place.astype(np.int64)
    share = (place - low).astype(np.float32)
    return sound[low] * (1 - share) + sound[low + 1] * share


@lru_cache(maxsize=64)
def _noise(hertz: float, rate: int) -> FloatArray:
    """A second of noise around a frequency, at unit RMS."""
    rng = np.random.default_rng(round(hertz))
    spectrum = np.fft.rfft(rng.standard_normal(rate))
    octaves = np.log2(np.maximum(np.fft.rfftfreq(rate, 1 / rate), 1) / hertz)
    noise = np.fft.irfft(spectrum * np.exp(-0.5 * (octaves / 0.8) ** 2), rate)
    return (noise / np.sqrt(np.mean(noise**2))).astype(np.float32)


def _strike(voice: Voice, sound: FloatArray, velocity: float, brightness: float, rate: int) -> None:
    """Add the noise of hammer, plectrum, bow or breath."""
    length = min(len(sound), round(6 * voice.noise_decay * rate), rate)
    fall = np.exp(-np.arange(length, dtype=np.float32) / np.float32(voice.noise_decay * rate))
    noise = _noise(min(voice.noise_hertz, 0.35 * rate), rate)
    sound[:length] += np.float32(voice.noise * velocity**1.5) * fall * noise[:length]
    size = min(len(sound), round(0.02 * rate))
    click = np.exp(-np.arange(size, dtype=np.float32) / np.float32(0.003 * rate)) * _noise(0.3 * rate, rate)[:size]
    sound[:size] += np.float32(CLICK * (0.4 + brightness) * velocity) * click
    if voice.breath:
        tiled = np.resize(noise, len(sound))
        sound += np.float32(voice.breath) * tiled


def tone(voice: Voice, pitch: int, seconds: float, velocity: float, *, brightness: float, rate: int) -> FloatArray:
    """A tone as float32 samples, of about unit RMS at its loudest; it doesn't stop before `seconds`.

    Args:
        voice: the instrument.
        pitch: MIDI pitch.
        seconds: length, with the release.
        velocity: 0..1; louder is brighter, not louder.
        brightness: 0..1.
        rate: sample rate in hertz.
    """
    count = max(BLOCK, round(seconds * rate))
    sound = _sum(_partials(voice, pitch, velocity, brightness, rate), count, rate)
    if voice.vibrato:
        sound = _vibrate(sound, voice.vibrato, rate)
    attack = min(max(8, int(voice.attack * rate)), count)
    if voice.noise:
        _strike(voice, sound, velocity, brightness, rate)
    sound[:attack] *= (0.5 - 0.5 * np.cos(np.pi * np.arange(attack) / attack)).astype(np.float32)
    return sound
