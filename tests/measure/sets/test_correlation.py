from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from art2mus_core.measure.sets.correlation import paired_correlations, rank_correlation


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.booleans())
def test_it_is_scipys_and_growing_functions_change_nothing(seed, ties):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2, 15)).round(0 if ties else 9)
    ours = rank_correlation(x, y, resamples=20)
    assert ours.value == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    again = rank_correlation(np.exp(x), y**3 + y, resamples=20)
    assert again == pytest.approx(ours, abs=1e-12) if isinstance(again, tuple) else again.value == ours.value
    assert rank_correlation(x, -y, resamples=20).value == pytest.approx(-ours.value, abs=1e-12)
    assert rank_correlation(y, x, resamples=20).value == pytest.approx(ours.value, abs=1e-12)


def test_pairs_with_a_nan_are_left_out():
    x = np.array([1.0, 2.0, math.nan, 4.0, 5.0, 3.0, 7.0])
    y = np.array([2.0, 1.0, 0.0, 5.0, math.nan, 3.0, 4.0])
    kept = ~np.isnan(x + y)
    assert rank_correlation(x, y).value == pytest.approx(stats.spearmanr(x[kept], y[kept]).statistic)


def test_the_interval_holds_the_truth_and_shrinks():
    rng = np.random.default_rng(1)
    widths = []
    for n in (12, 200):
        x = rng.normal(size=n)
        result = rank_correlation(x, x + rng.normal(size=n))
        assert result.low < 0.69 < result.high  # 6 / pi * asin(rho / 2) for rho = sqrt(1 / 2)
        widths.append(result.high - result.low)
    assert widths[1] < 0.5 * widths[0]


def test_takes_of_an_artwork_are_no_news():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 25))
    alone = rank_correlation(x, y)
    thrice = rank_correlation(x.repeat(3), y.repeat(3), groups=np.arange(25).repeat(3))
    assert thrice.value == pytest.approx(alone.value)
    assert thrice.error == pytest.approx(alone.error, rel=1e-6)


def test_too_few_and_constants_have_no_correlation():
    x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 1.0, 4.0, 3.0])
    assert rank_correlation(x, y).value == pytest.approx(0.6)
    assert math.isnan(rank_correlation(x[:3], y[:3]).value)
    assert math.isnan(rank_correlation(x, y, groups=np.array([0, 1, 2, 2])).value)
    assert math.isnan(rank_correlation(x[:0], y[:0]).value)
    flat = rank_correlation(np.ones(4), y)
    assert math.isnan(flat.value)
    assert math.isnan(flat.low)


def test_the_one_that_follows_is_told_from_the_one_that_does_not():
    rng = np.random.default_rng(3)
    x = rng.normal(size=60)
    follows, strays = x + 0.5 * rng.normal(size=60), rng.normal(size=60)
    values, test = paired_correlations(x, follows, strays)
    assert values == (pytest.approx(stats.spearmanr(x, follows)[0]), pytest.approx(stats.spearmanr(x, strays)[0]))
    assert test.difference.value == pytest.approx(values[0] - values[1])
    assert test.difference.low > 0
    assert test.p == pytest.approx(2 / 1001)
    (_, back) = paired_correlations(x, strays, follows)
    assert back.difference.value == -test.difference.value
    assert back.p == test.p


def test_no_difference_has_a_p_of_one_and_chance_is_seldom_called_a_difference():
    rng = np.random.default_rng(4)
    x, a = rng.normal(size=(2, 25))
    assert paired_correlations(x, a, a)[1].p == 1
    found = [paired_correlations(*rng.normal(size=(3, 25)), seed=seed)[1].p for seed in range(8)]
    assert np.mean(np.array(found) < 0.05) < 0.2
