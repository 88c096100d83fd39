"""Stereo reverberation and the final level: loudness by ITU-R BS.1770, and a limiter without distortion."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...measure.sound.loudness import SILENCE, STEP, integrated_loudness

__all__ = ["colour", "limit", "reverberate", "set_loudness"]

PIECE = 1 << 16
"""Samples that are convolved at a time."""

TAPS = 255
DARKEST, BRIGHTEST = -5.0, 0.5
"""Decibels an octave of the warmest and the coolest pieces."""

CEILING = 10 ** (-1.2 / 20)
LOOK = 0.004
"""Seconds that the limiter looks ahead and behind."""


@lru_cache(maxsize=8)
def _impulse(seconds: float, rate: int) -> np.ndarray:
    """The impulse response of a room, [2, samples]: early reflections, then a tail whose channels are independent.

    High frequencies decay faster. Below 200 Hz there is little, so that basses stay clear.
    """
    count = round(min(1.1 * seconds, 2.2) * rate)
    t = np.arange(count) / rate
    response = np.zeros((2, count))
    for side in range(2):
        rng = np.random.default_rng((side, round(100 * seconds)))
        spectrum = np.fft.rfft(rng.standard_normal(count))
        hertz = np.fft.rfftfreq(count, 1 / rate)
        for low, high, share in ((200, 1200, 1.0), (1200, 4500, 0.75), (4500, 12000, 0.4)):
            band = np.fft.irfft(spectrum * ((hertz >= low) & (hertz < high)), count)
            response[side] += band * np.exp(-6.9 * t / (seconds * share))
        response[side] *= np.clip((t - 0.012) / 0.02, 0, 1)
        response[side] /= np.sqrt(np.sum(response[side] ** 2))
        for at, gain in zip(rng.uniform(0.009, 0.045, 6), np.linspace(0.35, 0.12, 6), strict=True):
            response[side, round(at * rate)] += gain * (1 if rng.random() < 0.5 else -1)
    return response.astype(np.float32)


@lru_cache(maxsize=8)
def _response(seconds: float, rate: int) -> tuple[np.ndarray, int]:
    impulse = _impulse(seconds, rate)
    size = 1 << (PIECE + impulse.shape[1] - 1).bit_length()
    return np.fft.rfft(impulse, size), size


def reverberate(send: np.ndarray, seconds: float, rate: int) -> np.ndarray:
    """The room's answer to a mono signal, float32 [2, samples], without the signal itself."""
    response, size = _response(seconds, rate)
    out = np.zeros((2, len(send) + size), np.float32)
    for start in range(0, len(send), PIECE):
        spectrum = np.fft.rfft(send[start : start + PIECE], size)
        if np.any(send[start : start + PIECE]):
            out[:, start : start + size] += np.fft.irfft(spectrum * response, size).astype(np.float32)
    return out[:, : len(send)]


@lru_cache(maxsize=16)
def _tilt(brightness: float, rate: int) -> np.ndarray:
    """A symmetric filter of odd length that changes the spectrum above 700 Hz by some decibels an octave."""
    hertz = np.fft.rfftfreq(TAPS, 1 / rate)
    octaves = np.clip(np.log2(np.maximum(hertz, 1) / 700), 0, 5)
    gain = 10 ** ((DARKEST + (BRIGHTEST - DARKEST) * brightness) * octaves / 20)
    return (np.roll(np.fft.irfft(gain, TAPS), TAPS // 2) * np.hanning(TAPS + 2)[1:-1]).astype(np.float32)


def colour(samples: np.ndarray, brightness: float, rate: int) -> np.ndarray:
    """Darken or brighten [channels, n] evenly over the octaves above 700 Hz."""
    taps, size = _tilt(brightness, rate), PIECE + TAPS - 1
    spectrum = np.fft.rfft(taps, 2 * PIECE)
    out = np.zeros((len(samples), samples.shape[1] + 2 * PIECE), np.float32)
    for start in range(0, samples.shape[1], PIECE):
        part = np.fft.irfft(np.fft.rfft(samples[:, start : start + PIECE], 2 * PIECE) * spectrum, 2 * PIECE)
        out[:, start : start + size] += part[:, :size].astype(np.float32)
    return out[:, TAPS // 2 :][:, : samples.shape[1]]


def set_loudness(samples: np.ndarray, lufs: float, rate: int) -> np.ndarray:
    """Samples [channels, n] at an integrated loudness, with peaks below -1 dBFS; nearly silent ones stay."""
    samples = samples - samples.mean(1, keepdims=True)
    for _ in range(2):
        found = _loudness(samples, rate)
        if found <= SILENCE:
            break
        samples = limit(samples * np.float32(10 ** ((lufs - found) / 20)), rate)
        if np.abs(samples).max() < 0.9 * CEILING:
            break
    return samples


def _loudness(samples: np.ndarray, rate: int) -> float:
    """Integrated loudness; silence behind the piece, which the gate leaves out, gives a length whose transform is fast."""
    size = samples.shape[1] + rate
    size = min(factor << max(0, (-(-size // factor) - 1).bit_length()) for factor in (1, 3, 5, 9, 15, 25, 27, 45, 75))
    padded = np.zeros((len(samples), size - round(STEP * rate)), np.float32)
    padded[:, : samples.shape[1]] = samples
    return integrated_loudness(padded, rate)


def limit(samples: np.ndarray, rate: int) -> np.ndarray:
    """Reduce the gain around peaks above -1.2 dBFS, smoothly and equally in all channels."""
    peak = np.abs(samples).max(0)
    if peak.max() <= CEILING:
        return samples
    block = max(1, round(LOOK * rate / 4))
    count = -(-len(peak) // block)
    tops = np.pad(peak, (0, count * block - len(peak))).reshape(count, block).max(1)
    gain = np.minimum(1, CEILING / np.maximum(tops, 1e-9))
    reach = 4
    padded = np.pad(gain, 2 * reach, mode="edge")
    lowest = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1).min(1)
    window = np.hanning(2 * reach + 3)[1:-1]
    smooth = np.convolve(lowest, window / window.sum(), mode="valid")
    places = np.arange(len(peak))
    curve = np.interp(places, (np.arange(count) + 0.5) * block, smooth).astype(np.float32)
    limited = samples * curve
    return limited * np.float32(min(1.0, CEILING / max(1e-9, float(np.abs(limited).max()))))
