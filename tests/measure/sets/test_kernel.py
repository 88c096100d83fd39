from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist

from art2mus_core.errors import EvaluationError
from art2mus_core.measure.sets import kernel
from art2mus_core.measure.sets.kernel import KernelTarget, kernel_distance, median_distance, polynomial_distance

seeds = st.integers(0, 10_000)


def sets(seed, n=13, m=17, dim=5):
    rng = np.random.default_rng(seed)
    return rng.normal(0.4, 1.2, (n, dim)), rng.normal(size=(m, dim))


def discrepancy(x, y, similar):
    """The definition, a pair at a time (Gretton et al. 2012, eq. 3)."""
    within = [np.mean([similar(a, b) for i, a in enumerate(s) for j, b in enumerate(s) if i != j]) for s in (x, y)]
    return sum(within) - 2 * np.mean([similar(a, b) for a in x for b in y])


@pytest.mark.parametrize("block", [4, 512])
def test_it_is_the_definition(monkeypatch, block):
    monkeypatch.setattr(kernel, "BLOCK", block)
    x, y = sets(0)
    width = np.median(pdist(y))
    gaussian = discrepancy(x, y, lambda a, b: np.exp(-np.sum((a - b) ** 2) / (2 * width**2)))
    assert median_distance(y) == pytest.approx(width, rel=1e-12)
    assert kernel_distance(x, y) == pytest.approx(100 * gaussian, rel=1e-10)
    wide = discrepancy(x, y, lambda a, b: np.exp(-np.sum((a - b) ** 2) / 18))
    assert kernel_distance(x, KernelTarget.fit(y, bandwidth=3.0)) == pytest.approx(100 * wide, rel=1e-10)
    cubic = discrepancy(x, y, lambda a, b: (a @ b / 5 + 1) ** 3)
    assert polynomial_distance(x, y) == pytest.approx(cubic, rel=1e-10)


@settings(max_examples=25)
@given(seeds, st.sampled_from([1e-3, 1.0, 1e4]))
def test_moving_turning_scaling_and_shuffling_change_nothing(seed, scale):
    x, y = sets(seed)
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(5, 5)))[0]
    plain = kernel_distance(x, y)
    assert kernel_distance(scale * (x @ turn + 2), scale * (y @ turn + 2)) == pytest.approx(plain, abs=1e-8)
    assert kernel_distance(x[::-1], y[::-1]) == pytest.approx(plain, abs=1e-10)
    assert kernel_distance(x, KernelTarget.fit(y, bandwidth=1.5)) == pytest.approx(
        kernel_distance(y, KernelTarget.fit(x, bandwidth=1.5)), abs=1e-10
    )
    assert polynomial_distance(x @ turn, y @ turn) == pytest.approx(polynomial_distance(y, x), rel=1e-8)


def test_digits_survive_far_from_the_origin():
    x, y = sets(1)
    assert kernel_distance(x + 1e6, y + 1e6) == pytest.approx(kernel_distance(x, y), rel=1e-6)


@pytest.mark.parametrize("distance", [kernel_distance, polynomial_distance])
def test_it_is_unbiased_for_one_distribution(distance):
    values = [distance(*np.random.default_rng(seed).normal(size=(2, 12, 3))) for seed in range(150)]
    assert abs(np.mean(values)) < 3 * np.std(values) / 150**0.5
    assert 0.2 < np.mean(np.array(values) < 0) < 0.8


def test_it_grows_as_distributions_part():
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(80, 6))
    moved = rng.normal(size=(70, 6))
    assert np.all(np.diff([kernel_distance(moved + shift, reference) for shift in (0, 0.3, 0.6, 1.2, 2.4)]) > 0)


def test_music_of_another_mood_is_further(embedded):
    calm, wild = embedded
    assert kernel_distance(wild, calm) > 5 * abs(kernel_distance(calm[::2], calm[1::2]))
    assert polynomial_distance(wild, calm) > 5 * abs(polynomial_distance(calm[::2], calm[1::2]))


def test_the_median_of_many_is_that_of_some(monkeypatch):
    rows = np.random.default_rng(0).normal(size=(301, 4))
    whole = median_distance(rows)
    monkeypatch.setattr(kernel, "MEDIAN_ROWS", 151)
    assert median_distance(rows) == median_distance(rows[::2])
    assert median_distance(rows) == pytest.approx(whole, rel=0.05)


def test_what_cannot_be_compared_is_refused():
    x, y = sets(0)
    with pytest.raises(EvaluationError, match="1 embeddings"):
        kernel_distance(x[:1], y)
    with pytest.raises(EvaluationError, match="of 4 and of 5 numbers"):
        polynomial_distance(x[:, :4], y)
    with pytest.raises(EvaluationError, match="a bandwidth of 0"):
        kernel_distance(x, np.ones((9, 5)))
    with pytest.raises(EvaluationError, match="a bandwidth of -1"):
        KernelTarget.fit(y, bandwidth=-1.0)


def test_a_target_that_was_fitted_once_says_the_same():
    x, y = sets(3)
    assert kernel_distance(x, KernelTarget.fit(y)) == kernel_distance(x, y)
    assert KernelTarget.fit(y, bandwidth=2.5).bandwidth == 2.5
    with pytest.raises(EvaluationError, match="one width"):
        kernel_distance(x[:, 1:], KernelTarget.fit(y))
