from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from transformers.audio_utils import amplitude_to_db, spectrogram, window_function

from art2mus_core.errors import EvaluationError
from art2mus_core.measure.pairs.divergence import EPSILON, kl_of_classes, spectral_kl_2024

seeds = st.integers(0, 10_000)


def probabilities(seed, n=5, classes=11):
    logits = 1.5 * np.random.default_rng(seed).normal(size=(n, classes))
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


@settings(max_examples=25)
@given(seeds)
def test_classes_equal_scipys_entropy(seed):
    p, q = probabilities(seed), probabilities(seed + 1)
    order = np.random.default_rng(seed).permutation(11)
    ours = kl_of_classes(p, q)
    assert ours == pytest.approx([stats.entropy(a + EPSILON, b + EPSILON) for a, b in zip(p, q, strict=True)])
    assert ours == pytest.approx([stats.entropy(a, b) for a, b in zip(p, q, strict=True)], rel=0.02, abs=1e-3)
    assert kl_of_classes(p[:, order], q[:, order]) == pytest.approx(ours)
    assert np.all(ours > 0)
    assert np.all(kl_of_classes(p, p) == 0)


def test_a_class_that_is_never_heard_costs_a_finite_sum():
    (cost,) = kl_of_classes(np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]]))
    assert cost == pytest.approx(np.log(1 / EPSILON), rel=1e-3)


def test_single_precision_softmaxes_are_probabilities():
    p, q = probabilities(0).astype(np.float32), probabilities(1).astype(np.float32)
    assert kl_of_classes(p, q).dtype == np.float64
    assert kl_of_classes(p, q) == pytest.approx(kl_of_classes(probabilities(0), probabilities(1)), rel=1e-3)


def test_logits_and_unpaired_sounds_are_refused():
    p = probabilities(0)
    with pytest.raises(EvaluationError, match="not probabilities"):
        kl_of_classes(np.log(p), p)
    with pytest.raises(EvaluationError, match="not probabilities"):
        kl_of_classes(p, 2 * p)
    with pytest.raises(EvaluationError, match="not probabilities"):
        kl_of_classes(p, np.full_like(p, np.nan))
    with pytest.raises(EvaluationError, match=r"\(5, 11\) and \(4, 11\)"):
        kl_of_classes(p, p[:4])


def the_authors(reference, generated):
    """The published steps with the functions of transformers and scipy.

    The authors call librosa's, which compute the same; those are compiled when first called, for 19 s.
    """
    sums = []
    for sound in (reference, generated):
        power = spectrogram(sound, window_function(2048, "hann"), 2048, 512, power=2.0, pad_mode="constant")
        sums.append(amplitude_to_db(power, power.max(), min_value=1e-5, db_range=80.0).sum(1))
    return stats.entropy(*(values / values.sum() for values in sums))


def test_the_spectral_one_is_what_its_authors_compute(clips):
    for reference, generated in ((clips[0], clips[3]), (clips[3], clips[0][:30_000])):
        expected = the_authors(reference, generated)
        assert spectral_kl_2024(reference, generated) == pytest.approx(expected, rel=1e-6)
        assert expected > 0


def test_the_spectral_one_of_equal_or_louder_music_is_zero(clips):
    assert spectral_kl_2024(clips[0], clips[0]) == 0
    assert spectral_kl_2024(clips[0], 0.5 * clips[0]) == pytest.approx(0, abs=1e-9)


def test_the_spectral_one_needs_sound(clips):
    with pytest.raises(EvaluationError, match="silent"):
        spectral_kl_2024(clips[0], np.zeros(5000))
    with pytest.raises(EvaluationError, match="1024 samples"):
        spectral_kl_2024(clips[0][:1024], clips[1])
