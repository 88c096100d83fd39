"""Metrics that must get worse as known damage grows; `benchmarks/damage.py` makes the whole table."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from art2mus_core.character import Character
from art2mus_core.datasets.synthetic.rendering import compose
from art2mus_core.measure.pairs.distances import distances
from art2mus_core.measure.sound.faults import faults
from art2mus_core.measure.sound.music import FACTS, measure_samples

RATE = 16_000
BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "damage.py"

MONOTONE = {
    "noise": ("log_spectral", "mel_cepstral", "mel_cepstral_warped", "multi_resolution", "mel_cosine", "brightness"),
    "low-pass": ("log_spectral", "multi_resolution", "mel_cosine", "brightness"),
    "time shift": (),  # rhythm repeats itself
    "clipping": ("log_spectral", "mel_cepstral", "multi_resolution", "mel_cosine", "clipping"),
    "gain": ("log_spectral", "multi_resolution", "loudness"),
}
BLIND = {
    "gain": ("mel_cepstral", "mel_cosine", "brightness", "onset_rate", "mode"),
    "time shift": ("clipping",),
}


@pytest.fixture(scope="module")
def damage():
    spec = importlib.util.spec_from_file_location("damage", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pieces():
    rng = np.random.default_rng(2)
    characters = [Character(0.7 + 0.2 * index, *rng.random(5), tonic=0) for index in range(2)]
    return [compose(each, seed, 2.7, RATE, 1)[0].astype(np.float64) for seed, each in enumerate(characters)]


def measured(sound, clean, facts):
    heard = measure_samples(sound[None], RATE)
    change = {name: abs(getattr(heard, name) - getattr(facts, name)) for name in FACTS}
    far = vars(distances(sound, clean, RATE))
    return change | vars(faults(sound[None], RATE)) | far | {"mel_cosine": 1 - far["mel_cosine"]}


@pytest.mark.parametrize("kind", MONOTONE)
def test_metrics_get_worse_with_damage(damage, pieces, kind):
    done, strengths, _ = damage.DAMAGES[kind]
    versions = [pieces, *([done(piece, strength) for piece in pieces] for strength in strengths)]
    facts = [measure_samples(piece[None], RATE) for piece in pieces]
    rows = [[measured(*each) for each in zip(version, pieces, facts, strict=True)] for version in versions]
    steps = {name: np.mean([[row[name] for row in version] for version in rows], 1) for name in rows[0][0]}
    for name in MONOTONE[kind]:
        assert (np.diff(steps[name]) > 0).all(), (name, steps[name])
    for name in BLIND.get(kind, ()):
        assert np.ptp(steps[name]) < 0.02, (name, steps[name])


def test_shuffling_keeps_every_sample_and_no_segment_in_place(damage):
    sound = np.arange(160.0)
    shuffled = damage.shuffle(sound, 8)
    assert sorted(shuffled) == list(sound)
    assert (shuffled.reshape(8, 20) != sound.reshape(8, 20)).all()


def test_verdicts(damage):
    assert damage.verdict("log-spectral distance", [0, 1, 2, 3, 4]) == "monotone"
    assert damage.verdict("mel cosine", [0, 1, 2, 3, 4]) == "-1.00"
    assert damage.verdict("mel cosine", [1, 0.9, 0.8, 0.85, 0.7]) == "0.90"
    assert damage.verdict("silence", [0, 0, 0, 0, 0]) == "blind"
