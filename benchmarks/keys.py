"""The key of a piece by a vote of five estimators: three kinds of chroma, two pairs of key profiles. Needs librosa (`pip install librosa`).

ours            spectral peaks, Krumhansl & Kessler (1982), and the bass: `art2mus_core.measure.sound.tonality`
cqt, stft       librosa's chroma of a constant-Q transform and of a Fourier transform, each with Krumhansl's and Temperley's (1999) profiles

A key is a number: the pitch class of the tonic, C first, and 12 more in minor.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import numpy as np
import torch

from art2mus_core.audio.resample import resample
from art2mus_core.measure.sound.music import Music
from art2mus_core.measure.sound.tonality import PROFILES

RATE = 16_000
"""Sample rate in hertz of every chroma, so that all pieces are heard alike."""

TEMPERLEY = (
    (5, 2, 3.5, 2, 4.5, 4, 2, 4.5, 2, 3.5, 1.5, 4),
    (5, 2, 3.5, 4.5, 2, 4, 2, 4.5, 3.5, 2, 1.5, 4),
)
"""Profiles of a major and a minor key (Temperley 1999)."""

CERTAIN = 0.04
"""Distance of valence from .5 beyond which the composer's choice of a major or a minor mode does not depend on the seed."""


def librosa() -> Any:
    try:
        import librosa  # noqa: PLC0415
    except ImportError:
        sys.exit("keys are estimated with librosa: pip install librosa")
    return librosa


def fits(chroma: np.ndarray, profiles: Any) -> np.ndarray:
    """Correlation of a chroma with the profile of each key, [24]; 0 for a flat chroma."""
    keys = np.array([np.roll(profile, tonic) for profile in profiles for tonic in range(12)], np.float64)
    keys, own = keys - keys.mean(1, keepdims=True), chroma - chroma.mean()
    return keys @ own / (np.linalg.norm(keys, axis=1) * np.linalg.norm(own) + 1e-12)


def votes_of(mono: np.ndarray, rate: int, music: Music) -> dict[str, Any]:
    """`keys`: the key by each estimator, ours first; `major`: its fit of major less minor, averaged over the estimators of librosa."""
    features = librosa().feature
    sound = resample(torch.from_numpy(np.asarray(mono, np.float32)), rate, RATE).numpy()
    chromas = (
        features.chroma_cqt(y=sound, sr=RATE, tuning=0).mean(1),
        features.chroma_stft(y=sound, sr=RATE, n_fft=4096, tuning=0).mean(1),
    )
    found = [fits(chroma, profiles) for chroma in chromas for profiles in (PROFILES, TEMPERLEY)]
    own = music.key + 12 * (music.mode < 0)
    graded = [each[:12].max() - each[12:].max() for each in found]
    return {"keys": [int(own), *(int(each.argmax()) for each in found)], "major": float(np.mean(graded))}


def elected(keys: list[int]) -> int:
    """The key with the most votes; of several, the one that an estimator named earlier has."""
    return Counter(keys).most_common(1)[0][0]


def is_minor(keys: list[int]) -> bool:
    """Whether most estimators hear a minor key."""
    return 2 * sum(key >= 12 for key in keys) > len(keys)


def tonic_of(keys: list[int]) -> int:
    """The pitch class of the tonic that most estimators hear, whatever the mode."""
    return elected([key % 12 for key in keys])


def intended_key(character: dict[str, float]) -> int | None:
    """The key that music for a character is composed in; None if its valence leaves the mode to the seed."""
    if abs(character["valence"] - 0.5) <= CERTAIN:
        return None
    return int(character["tonic"]) + 12 * (character["valence"] < 0.5)
