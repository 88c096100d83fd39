"""Timbres of pieces. Which of them are of one kind is decided in `clustering.py`."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch

from art2mus_core.audio.filters import slaney_hertz, slaney_mel, triangles
from art2mus_core.audio.resample import resample
from art2mus_core.measure.sound.spectra import spectra

RATE, SIZE, HOP, BANDS, LOWEST = 16_000, 1024, 512, 40, 50.0
"""Sample rate in hertz, window and hop in samples, and mel bands from `LOWEST` up: the same for music of every rate."""

DEPTH = 60.0
"""Range in decibels below the piece's loudest band."""


def timbre_of(mono: np.ndarray, rate: int) -> list[float]:
    """Means and standard deviations over time of the log-mel levels in decibels below the piece's loudest, [2 * BANDS]."""
    sound = resample(torch.from_numpy(np.asarray(mono, np.float32)), rate, RATE).numpy()
    power = spectra(sound, SIZE, HOP).astype(np.float64) ** 2 @ mel_bands()
    levels = 10 * np.log10(np.maximum(power / max(float(power.max()), 1e-20), 10 ** (-DEPTH / 10)))
    return [*levels.mean(0).round(3).tolist(), *levels.std(0).round(3).tolist()]


@cache
def mel_bands() -> np.ndarray:
    """Triangles of unit area on Slaney's mel scale, [bins, BANDS]."""
    edges = slaney_hertz(np.linspace(slaney_mel(LOWEST), slaney_mel(RATE / 2), BANDS + 2))
    return triangles(edges, np.fft.rfftfreq(SIZE, 1 / RATE)).T * (2 / (edges[2:] - edges[:-2]))
