from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from art2mus_core.errors import EvaluationError
from art2mus_core.measure.sets.frechet import Gaussian, frechet_distance, frechet_infinity, frechet_per_song

seeds = st.integers(0, 10_000)


def scipys(a, b):
    """The formula as it is written, with a root of a matrix."""
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = linalg.sqrtm(first @ second)
    return np.sum((a.mean(0) - b.mean(0)) ** 2) + np.trace(first + second - 2 * root.real)


def sets(seed, n=23, m=31, dim=7):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, dim)) @ rng.normal(size=(dim, dim)), rng.normal(0.5, 2.0, (m, dim))


def test_music_equals_scipy(embedded):
    calm, wild = embedded
    assert calm.shape == (132, 128)
    assert frechet_distance(calm, wild) == pytest.approx(scipys(calm, wild), rel=1e-6)
    halves = calm[:66, :40], calm[66:, :40]
    assert frechet_distance(*halves) == pytest.approx(scipys(*halves), rel=1e-6)
    assert frechet_distance(calm, wild) > 3 * frechet_distance(calm[::2], calm[1::2])


@settings(max_examples=25)
@given(seeds)
def test_any_sets_equal_scipy_and_turning_the_space_changes_nothing(seed):
    a, b = sets(seed)
    distance = frechet_distance(a, b)
    assert distance == pytest.approx(scipys(a, b), rel=1e-8)
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(7, 7)))[0]
    assert frechet_distance(a @ turn + 3, b @ turn + 3) == pytest.approx(distance, rel=1e-8)
    assert frechet_distance(2 * a, 2 * b) == pytest.approx(4 * distance, rel=1e-9)
    assert frechet_distance(b, a) == pytest.approx(distance, rel=1e-9)
    assert frechet_distance(a[::-1], b) == pytest.approx(distance, rel=1e-9)


def test_distributions_along_the_axes_have_a_closed_form():
    a = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 3.0], [0.0, -3.0]])
    b = 2 * a + np.array([1.0, -2.0])
    deviations = np.sqrt(np.array([2.0, 18.0]) / 3)
    assert frechet_distance(a, b) == pytest.approx(5 + np.sum(deviations**2), rel=1e-12)


@pytest.mark.parametrize("n", [2, 5, 6, 30])
def test_fewer_sounds_than_numbers(n):
    a, b = sets(n, n=n, m=11, dim=13)
    # by roots of eigenvalues of symmetric matrices: scipy's root of a singular matrix is good to 1e-5 only
    values, vectors = np.linalg.eigh(np.cov(b, rowvar=False))
    root = vectors * np.sqrt(np.where(values > 1e-10, values, 0)) @ vectors.T
    squares = np.linalg.eigvalsh(root @ np.cov(a, rowvar=False) @ root)
    common = np.sqrt(squares[squares > 1e-10]).sum()
    apart = np.sum((a.mean(0) - b.mean(0)) ** 2)
    expected = apart + np.var(a, axis=0, ddof=1).sum() + np.var(b, axis=0, ddof=1).sum() - 2 * common
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


@settings(max_examples=30)
@given(seeds, st.integers(2, 40), st.sampled_from([1e-6, 1.0, 1e6]))
def test_a_set_is_at_no_distance_from_itself(seed, n, scale):
    a = scale * np.random.default_rng(seed).normal(size=(n, 17))
    assert 0 <= frechet_distance(a, a) <= 1e-12 * np.sum(a**2)
    assert 0 <= frechet_distance(a, np.concatenate([a, a])[::-1]) <= scale**2 * 17 / n


def test_points_without_spread_are_as_far_as_they_are():
    a, b = np.tile([1.0, 2.0, 3.0], (4, 1)), np.tile([1.0, 2.0, 5.0], (5, 1))
    assert frechet_distance(a, b) == 4.0


def test_gaussians_keep_mean_and_covariance():
    for n in (5, 40):
        rows = sets(1, n=n)[0]
        fitted = Gaussian.fit(rows)
        assert fitted.n == n
        np.testing.assert_allclose(fitted.mean, rows.mean(0))
        np.testing.assert_allclose(fitted.factor.T @ fitted.factor, np.cov(rows, rowvar=False), atol=1e-12)
        assert frechet_distance(fitted, rows + 1) == pytest.approx(7.0)


def test_single_precision_is_computed_in_double():
    a, b = (rows.astype(np.float32) for rows in sets(2))
    assert frechet_distance(a, b) == frechet_distance(a.astype(np.float64), b.astype(np.float64))


def test_what_has_no_covariance_is_refused():
    rows = np.zeros((3, 2))
    with pytest.raises(EvaluationError, match="1 embeddings; expected at least 2"):
        frechet_distance(rows[:1], rows)
    with pytest.raises(EvaluationError, match="of 2 and of 3 numbers"):
        frechet_distance(rows, np.zeros((3, 3)))
    with pytest.raises(EvaluationError, match="1 of 3 embeddings with values that are not finite"):
        frechet_distance(np.array([[0, 1], [np.nan, 0], [1, 1]]), rows)


def test_extrapolation_takes_off_what_small_sets_add():
    rng = np.random.default_rng(0)
    reference = Gaussian.fit(rng.normal(size=(20_000, 12)))
    truth = 12 * 0.3**2
    results = [frechet_infinity(rng.normal(0.3, 1.0, (150, 12)), reference, seed=seed) for seed in range(12)]
    plain = [result.distances[-1] for result in results]
    assert np.mean(plain) > 1.15 * truth
    assert np.mean([result.value for result in results]) == pytest.approx(truth, rel=0.1)
    assert min(result.r2 for result in results) > 0.8


def test_extrapolation_ends_with_the_plain_distance_and_repeats():
    a, b = sets(3, n=41)
    result = frechet_infinity(a, b, seed=4)
    assert result.sizes[-1] == 41
    assert result.distances[-1] == pytest.approx(frechet_distance(a, b))
    assert frechet_infinity(a, b, seed=4).value == result.value
    assert frechet_infinity(a, b, seed=5).value != result.value
    x = np.stack([1 / result.sizes, np.ones(len(result.sizes))], 1)
    solution, residual, _, _ = np.linalg.lstsq(x, result.distances, rcond=None)
    assert result.value == pytest.approx(solution[1])
    assert result.r2 == pytest.approx(1 - residual[0] / np.var(result.distances) / len(result.sizes))
    with pytest.raises(EvaluationError, match="at least 20"):
        frechet_infinity(a[:19], b)


def test_per_song_finds_the_odd_one():
    rng = np.random.default_rng(0)
    reference = rng.normal(size=(60, 5))
    songs = [rng.normal(size=(9, 5)) for _ in range(4)] + [rng.normal(2.0, 1.0, (9, 5))]
    each = frechet_per_song(songs, reference)
    assert each.argmax() == 4
    assert each == pytest.approx([frechet_distance(song, reference) for song in songs])


def test_a_song_of_one_window_is_a_point():
    reference = sets(0)[0]
    point = np.ones((1, 7))
    expected = np.sum((1 - reference.mean(0)) ** 2) + np.trace(np.cov(reference, rowvar=False))
    assert frechet_per_song([point], reference) == pytest.approx([expected])
    with pytest.raises(EvaluationError, match="0 embeddings"):
        frechet_per_song([np.zeros((0, 7))], reference)
    with pytest.raises(EvaluationError, match="of 6 and of 7 numbers"):
        frechet_per_song([np.zeros((2, 6))], reference)
