from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from art2mus_core.errors import EvaluationError
from art2mus_core.measure.sets.matching import agreement, forced_choice

seeds = st.integers(0, 10_000)


def pairs(seed, n=11, dim=6, follow=0.7):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, dim))
    return a, follow * a + rng.normal(size=(n, dim))


def cosine(x, y):
    return x @ y / math.sqrt((x @ x) * (y @ y))


def slow(a, b, groups):
    """Artwork by artwork, take by take, wrong pair by wrong pair."""
    values, wrong, shares = [], [], []
    artworks = sorted(set(groups))
    for artwork in artworks:
        takes = [j for j in range(len(b)) if groups[j] == artwork]
        own = [cosine(a[j], b[j]) for j in takes]
        others = [[cosine(a[groups.index(other)], b[j]) for other in artworks if other != artwork] for j in takes]
        values.append(np.mean(own))
        wrong.append(np.mean(others))
        shares.append(np.mean([np.mean([o < c for o in row]) for c, row in zip(own, others, strict=True)]))
    d = np.array(values) - np.array(wrong)
    return np.mean(values), np.mean(wrong), d.mean() / (d.std(ddof=1) / math.sqrt(len(d))), np.mean(shares)


@pytest.mark.parametrize("groups", [list(range(11)), [3, 1, 3, 3, 8, 2, 2, 1, 9, 9, 9]])
def test_it_is_the_definition(groups):
    a, b = pairs(0)
    a = a[[groups.index(group) for group in groups]]
    result, choice = agreement(a, b, groups=np.array(groups)), forced_choice(a, b, groups=np.array(groups))
    value, control, gap, share = slow(a, b, groups)
    assert result.per_pair == pytest.approx([cosine(x, y) for x, y in zip(a, b, strict=True)])
    assert (result.value, result.control, result.gap) == pytest.approx((value, control, gap))
    assert choice.value == pytest.approx(share)
    assert result.low < result.value < result.high
    assert choice.low <= choice.value <= choice.high


def test_the_control_is_what_shuffling_gives_on_average():
    a, b = pairs(1)
    rng = np.random.default_rng(0)
    shuffled = []
    while len(shuffled) < 3000:
        order = rng.permutation(11)
        if np.all(order != np.arange(11)):
            shuffled.append(np.mean([cosine(a[i], y) for i, y in zip(order, b, strict=True)]))
    assert agreement(a, b).control == pytest.approx(np.mean(shuffled), abs=4 * np.std(shuffled) / math.sqrt(3000))


def test_chance_has_no_gap_and_following_has_one():
    gaps = [agreement(*pairs(seed, n=30, follow=0.0), resamples=2).gap for seed in range(150)]
    assert abs(np.mean(gaps)) < 0.3
    assert np.std(gaps) == pytest.approx(1, abs=0.25)
    assert agreement(*pairs(0, n=30)).gap > 5
    choices = [forced_choice(*pairs(seed, n=30, follow=0.0), resamples=2).value for seed in range(50)]
    assert np.mean(choices) == pytest.approx(0.5, abs=0.03)
    assert forced_choice(*pairs(0, n=30)).value > 0.75


@settings(max_examples=6)
@given(seeds)
def test_turning_the_space_stretching_rows_and_order_change_nothing(seed):
    a, b = pairs(seed)
    rng = np.random.default_rng(seed)
    turn, order = np.linalg.qr(rng.normal(size=(6, 6)))[0], rng.permutation(11)
    plain = agreement(a, b, resamples=2)
    other = agreement((a @ turn * rng.uniform(0.1, 9, (11, 1)))[order], (b @ turn * 1e5)[order], resamples=2)
    assert other.per_pair == pytest.approx(plain.per_pair[order])
    assert (other.value, other.control, other.gap) == pytest.approx((plain.value, plain.control, plain.gap))
    assert forced_choice(a @ turn, b @ turn, resamples=2).value == pytest.approx(forced_choice(a, b, resamples=2).value)


def test_pieces_near_to_everything_do_not_blur_the_gap():
    a, b = pairs(2, n=40)
    level = np.random.default_rng(0).normal(0, 3, (40, 1))
    shared = np.concatenate([a, np.full((40, 1), 3.0)], 1), np.concatenate([b, level], 1)
    result = agreement(*shared)
    blurred = (result.value - result.control) / (result.per_pair.std(ddof=1) / math.sqrt(40))
    assert result.gap > 1.2 * blurred


def test_pieces_that_are_all_the_same_are_told_from_chance_by_nobody():
    a, _ = pairs(3)
    same = np.tile(a[:1], (11, 1))
    constant = agreement(a, same)
    assert constant.value == pytest.approx(constant.control)
    assert abs(constant.gap) < 1e-6
    assert forced_choice(same, same).value == 0.5
    assert math.isnan(agreement(same, same).gap)


def test_one_artwork_has_a_value_only():
    a, b = pairs(0, n=3)
    lone = agreement(a[:1].repeat(3, 0), b, groups=np.array([5, 5, 5]))
    assert lone.value == pytest.approx(lone.per_pair.mean())
    assert all(math.isnan(x) for x in (lone.low, lone.high, lone.control, lone.gap))
    with pytest.raises(EvaluationError, match="one artwork"):
        forced_choice(a[:1], b[:1])


def test_what_cannot_be_paired_is_refused():
    a, b = pairs(0)
    with pytest.raises(EvaluationError, match="11 and 10 embeddings"):
        agreement(a, b[:10])
    with pytest.raises(EvaluationError, match="of 5 and of 6 numbers"):
        agreement(a, b[:, :5])
    with pytest.raises(EvaluationError, match="1 embeddings of zeros"):
        agreement(a, np.where(np.arange(11)[:, None] == 4, 0, b))
    with pytest.raises(EvaluationError, match="0 embeddings"):
        agreement(a[:0], b[:0])
