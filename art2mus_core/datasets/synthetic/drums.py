"""Strokes of percussion: noise bursts and gliding or beating tones, each with a few variants."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

__all__ = ["CENTRED", "STROKES", "TUNED", "VARIANTS", "stroke"]

VARIANTS = 3
"""Strokes of one name that take turns, so that none is repeated exactly at once."""

CENTRED = frozenset({"kick", "soft kick", "stomp", "timpani", "frame low"})
"""Low strokes, which stay in the middle."""

TUNED = {"timpani": 2, "chime": 4}
"""Pitch classes in the table of strokes that are tuned to the key."""

METAL = (1.34, 1.71, 2.23, 2.77)
"""Ratios of the further partials of metal."""

# Tone: hertz, glide in octaves, decay in seconds, level. Noise: low and high edge in hertz, decay, level. Attack in seconds.
_TABLE: dict[str, tuple[tuple[float, float, float, float], tuple[float, float, float, float], float]] = {
    "kick": ((52, 1.6, 0.11, 1.0), (1500, 6000, 0.004, 0.3), 0.001),
    "soft kick": ((60, 0.8, 0.1, 0.9), (300, 1500, 0.006, 0.15), 0.002),
    "stomp": ((70, 0.7, 0.09, 0.9), (150, 900, 0.03, 0.5), 0.002),
    "timpani": ((73.4, 0.06, 0.45, 1.0), (200, 1200, 0.02, 0.35), 0.002),
    "frame low": ((88, 0.3, 0.16, 1.0), (300, 2500, 0.012, 0.4), 0.001),
    "frame high": ((210, 0.1, 0.05, 0.6), (900, 5000, 0.02, 0.7), 0.001),
    "conga low": ((160, 0.15, 0.12, 1.0), (700, 3500, 0.008, 0.5), 0.001),
    "conga high": ((240, 0.12, 0.09, 1.0), (1000, 4500, 0.008, 0.6), 0.001),
    "snare": ((190, 0.1, 0.04, 0.5), (1200, 9000, 0.06, 0.9), 0.001),
    "clap": ((0, 0, 1, 0.0), (900, 5000, 0.07, 1.0), 0.004),
    "rim": ((820, 0.0, 0.012, 0.8), (2000, 7000, 0.006, 0.6), 0.001),
    "brush": ((0, 0, 1, 0.0), (1200, 6000, 0.06, 0.8), 0.012),
    "hat": ((0, 0, 1, 0.0), (7000, 16000, 0.025, 1.0), 0.001),
    "open hat": ((0, 0, 1, 0.0), (6500, 16000, 0.12, 0.9), 0.001),
    "foot hat": ((0, 0, 1, 0.0), (5000, 12000, 0.02, 0.9), 0.002),
    "ride": ((1930, 0.0, 0.16, 0.1), (3500, 9000, 0.07, 0.5), 0.001),
    "crash": ((0, 0, 1, 0.0), (3000, 15000, 0.5, 0.6), 0.002),
    "shaker": ((0, 0, 1, 0.0), (5000, 13000, 0.03, 0.9), 0.018),
    "tambourine": ((7900, 0.0, 0.06, 0.2), (6000, 15000, 0.07, 0.8), 0.003),
    "triangle": ((4710, 0.0, 0.6, 0.7), (6000, 14000, 0.2, 0.3), 0.001),
    "woodblock": ((980, 0.05, 0.025, 1.0), (1500, 5000, 0.004, 0.5), 0.001),
    "chime": ((1318.5, 0.0, 0.9, 0.6), (5000, 12000, 0.3, 0.2), 0.001),
}

STROKES = tuple(_TABLE)
"""Names of the strokes; a note's pitch in percussion is an index of this."""


@lru_cache(maxsize=512)
def stroke(name: str, variant: int, brightness: float, rate: int, tonic: int = 2) -> np.ndarray:
    """A stroke as float32 samples of peak 1; brighter ones have more of the noise's upper part.

    Args:
        name: one of :data:`STROKES`.
        variant: 0 to `VARIANTS` - 1.
        brightness: 0..1.
        rate: sample rate in hertz.
        tonic: pitch class to which strokes of :data:`TUNED` are tuned.
    """
    (hertz, glide, fall, level), (low, high, noise_fall, noise_level), attack = _TABLE[name]
    rng = np.random.default_rng((STROKES.index(name), variant))
    if name in TUNED:
        hertz *= 2 ** (((tonic - TUNED[name] + 6) % 12 - 6) / 12)
    seconds = min(1.6, max(6 * fall if level else 0.0, 6 * noise_fall))
    count = round(seconds * rate)
    t = np.arange(count) / rate
    wave = np.zeros(count)
    if level:
        start, tau = hertz * 2**glide, 0.028
        turns = hertz * t + (start - hertz) * tau * (1 - np.exp(-t / tau))
        wave += level * np.sin(2 * np.pi * turns) * np.exp(-t / fall)
        for number, ratio in enumerate(METAL if hertz > 1500 else ()):
            wave += 0.6 * level * np.sin(2 * np.pi * ratio * turns + number) * np.exp(-t / (fall / ratio))
    bend = 2.0 ** (2.4 * (brightness - 0.6))
    noise = _band(rng, count, min(low * bend, 0.2 * rate), min(high * bend, 0.45 * rate), rate)
    burst = np.exp(-t / noise_fall)
    if name == "clap":
        burst *= 0.55 + 0.45 * np.cos(2 * np.pi * np.minimum(t, 0.03) / 0.01)
    wave += noise_level * noise * burst
    rise = max(4, round(attack * rate))
    wave[:rise] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)
    tail = max(8, count // 8)
    wave[-tail:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(tail) / tail)
    wave -= wave.mean() * np.hanning(count) * 2
    return (wave / np.abs(wave).max()).astype(np.float32)


def _band(rng: np.random.Generator, count: int, low: float, high: float, rate: int) -> np.ndarray:
    """Noise between two frequencies, of peak about 1."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1 / rate)
    spectrum *= 1 / (1 + (low / np.maximum(hertz, 1)) ** 4) / (1 + (hertz / high) ** 6)
    noise = np.fft.irfft(spectrum, count)
    return noise / (3 * noise.std() + 1e-12)
