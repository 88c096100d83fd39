from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from art2mus_core.errors import EvaluationError
from art2mus_core.measure.sets.intervals import bootstrap, holm, paired

seeds = st.integers(0, 10_000)


def mean_of(values):
    return lambda rows: float(values[rows].mean())


def test_the_interval_is_that_of_scipy_and_of_theory():
    values = np.random.default_rng(3).gamma(2.0, 1.5, 140)
    ours = bootstrap(mean_of(values), len(values), resamples=4000)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(1))
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert ours.value == values.mean()
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.05 * width)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.05 * width)
    assert ours.error == pytest.approx(values.std() / math.sqrt(140), rel=0.05)


def test_ninety_five_of_a_hundred_intervals_hold_the_truth():
    rng = np.random.default_rng(0)
    samples = rng.normal(1.7, 1.0, (80, 40))
    intervals = [bootstrap(mean_of(sample), 40, resamples=200) for sample in samples]
    assert 0.86 <= np.mean([i.low <= 1.7 <= i.high for i in intervals]) <= 0.99


@settings(max_examples=20)
@given(seeds, st.floats(-5, 5), st.floats(0.1, 5))
def test_it_moves_and_stretches_with_the_values(seed, shift, scale):
    values = np.random.default_rng(seed).normal(size=17)
    plain = bootstrap(mean_of(values), 17, seed=seed, resamples=50)
    moved = bootstrap(mean_of(scale * values + shift), 17, seed=seed, resamples=50)
    assert moved.low == pytest.approx(scale * plain.low + shift, abs=1e-9)
    assert moved.high == pytest.approx(scale * plain.high + shift, abs=1e-9)
    assert moved.error == pytest.approx(scale * plain.error)


def test_a_seed_draws_the_same_again():
    values = np.random.default_rng(3).normal(size=23)
    assert bootstrap(mean_of(values), 23, seed=5) == bootstrap(mean_of(values), 23, seed=5)
    assert bootstrap(mean_of(values), 23, seed=5).low != bootstrap(mean_of(values), 23, seed=6).low


def test_takes_of_an_artwork_are_drawn_together():
    groups = np.array([9, 4, 9, 7, 4, 9])
    seen = []
    bootstrap(lambda rows: seen.append(rows) or 0.0, 6, groups=groups, resamples=200)
    for rows in seen[1:]:
        counts = np.bincount(rows, minlength=6)
        assert counts[0] == counts[2] == counts[5]
        assert counts[1] == counts[4]
        assert counts[0] + counts[1] + counts[3] == 3
    assert any(len(rows) > 6 for rows in seen)


def test_copies_of_a_value_are_no_news():
    values = np.random.default_rng(0).normal(size=30)
    alone = bootstrap(mean_of(values), 30)
    thrice = bootstrap(mean_of(np.repeat(values, 3)), 90, groups=np.repeat(np.arange(30), 3))
    unaware = bootstrap(mean_of(np.repeat(values, 3)), 90)
    assert thrice.error == pytest.approx(alone.error, rel=1e-9)
    assert unaware.error < 0.7 * alone.error


def test_resamples_without_a_value_are_left_out_until_they_are_most():
    def nan_when(share):
        rng = np.random.default_rng(1)
        return lambda rows: math.nan if rng.random() < share else float(rows.mean())

    some, most = (bootstrap(nan_when(share), 9, resamples=400) for share in (0.3, 0.7))
    assert some.low < some.high
    assert math.isnan(most.low)
    assert math.isnan(most.error)


def test_one_artwork_has_no_interval_and_none_is_refused():
    lone = bootstrap(lambda rows: 2.5, 3, groups=np.array([4, 4, 4]))
    assert lone.value == 2.5
    assert math.isnan(lone.low)
    with pytest.raises(EvaluationError, match="no values"):
        bootstrap(lambda rows: 0.0, 0)
    with pytest.raises(EvaluationError, match="2 groups for 3 rows"):
        bootstrap(lambda rows: 0.0, 3, groups=np.array([1, 2]))


def test_holm_is_the_definition():
    p = np.array([0.01, 0.04, math.nan, 0.03, 0.005])
    assert holm(p)[[4, 0, 3, 1]] == pytest.approx([0.02, 0.03, 0.06, 0.06])
    assert math.isnan(holm(p)[2])
    assert holm(np.array([0.6, 0.7])).tolist() == [1.0, 1.0]
    assert holm(np.array([])).size == 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_keeps_the_order_and_lies_between_none_and_bonferroni(p):
    p = np.array(p)
    adjusted = holm(p)
    assert np.all(adjusted >= p)
    assert np.all(adjusted <= np.minimum(1, len(p) * p) + 1e-12)
    assert np.all(np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0)
    assert adjusted.min() == pytest.approx(min(1, len(p) * p.min()))


def test_pairs_are_compared():
    rng = np.random.default_rng(0)
    a, b = rng.normal(1.3, 1.0, 40), rng.normal(0.0, 1.0, 40)
    a[3] = b[7] = math.nan
    kept = ~np.isnan(a - b)
    both, turned = paired(a, b), paired(b, a)
    assert both.n == 38
    assert both.difference.value == pytest.approx((a - b)[kept].mean())
    assert both.p == stats.wilcoxon(a[kept], b[kept]).pvalue
    assert both.p < 0.05
    assert both.difference.low > 0
    assert turned.p == both.p
    assert turned.difference.value == -both.difference.value


@pytest.mark.parametrize("n", [1, 2, 60])
def test_systems_that_are_the_same_do_not_differ(n):
    values = np.random.default_rng(0).normal(size=n)
    same = paired(values, values.copy())
    assert (same.difference.value, same.p, same.n) == (0.0, 1.0, n)


def test_ties_are_compared_and_nothing_is_refused():
    assert 0 < paired(np.array([1.0, 2.0, 3.0, 3.0]), np.array([1.0, 1.0, 2.0, 2.0])).p < 1
    with pytest.raises(EvaluationError, match="no pair"):
        paired(np.array([math.nan]), np.array([1.0]))
