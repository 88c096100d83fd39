from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from art2mus_core.errors import EvaluationError
from art2mus_core.measure.sets import variety as module
from art2mus_core.measure.sets.variety import nearest_distance, variety, vendi_score

seeds = st.integers(0, 10_000)
GROUPS = np.array([4, 1, 4, 7, 1, 4, 2])


def rows_of(seed, n=7, dim=5):
    return np.random.default_rng(seed).normal(0.5, 1.0, (n, dim))


def test_it_is_the_mean_over_pairs():
    rows = rows_of(0)
    distances = cdist(rows, rows, "cosine")
    members = [np.flatnonzero(group == GROUPS) for group in (1, 2, 4, 7)]
    within = [distances[np.ix_(m, m)].sum() / (len(m) * (len(m) - 1)) for m in members if len(m) > 1]
    across = [distances[np.ix_(m, k)].mean() for i, m in enumerate(members) for k in members[:i]]
    found = variety(rows, groups=GROUPS)
    assert (found.within, found.across) == pytest.approx((np.mean(within), np.mean(across)))
    alone = variety(rows)
    assert math.isnan(alone.within)
    assert alone.across == pytest.approx(distances.sum() / 42)
    assert math.isnan(variety(rows, groups=np.ones(7, int)).across)


def test_vendi_is_its_definition():
    rows = rows_of(1)
    similar = 1 - cdist(rows, rows, "cosine")
    shares = np.linalg.eigvalsh(similar / 7)
    shares = shares[shares > 1e-12]
    assert vendi_score(rows) == pytest.approx(np.exp(-np.sum(shares * np.log(shares))))


def test_vendi_counts_the_different():
    assert vendi_score(np.eye(6)) == pytest.approx(6)
    assert vendi_score(np.tile(rows_of(0)[:1], (9, 1))) == pytest.approx(1)
    assert vendi_score(np.repeat(np.eye(3), 4, axis=0)) == pytest.approx(3)
    assert vendi_score(np.ones((1, 3))) == pytest.approx(1)


@settings(max_examples=25)
@given(seeds)
def test_turning_the_space_stretching_rows_and_order_change_nothing(seed):
    rows, rng = rows_of(seed), np.random.default_rng(seed)
    order = rng.permutation(7)
    other = (rows @ np.linalg.qr(rng.normal(size=(5, 5)))[0] * rng.uniform(0.1, 9, (7, 1)))[order]
    plain, turned = variety(rows, groups=GROUPS), variety(other, groups=GROUPS[order])
    assert (turned.within, turned.across) == pytest.approx((plain.within, plain.across))
    assert vendi_score(other) == pytest.approx(vendi_score(rows))
    assert 1 <= vendi_score(rows) <= 5 + 1e-9
    assert nearest_distance(other) == pytest.approx(nearest_distance(rows)[order])


@pytest.mark.parametrize("block", [3, 1024])
def test_the_nearest_is_found(monkeypatch, block):
    monkeypatch.setattr(module, "BLOCK", block)
    rows = rows_of(2)
    own = cdist(rows, rows, "cosine") + 9 * np.eye(7)
    assert nearest_distance(rows) == pytest.approx(own.min(1))


def test_copies_are_found_whatever_their_level():
    rows = rows_of(2)
    distances = nearest_distance(np.concatenate([rows, 0.3 * rows[4:5]]))
    assert distances[[4, 7]] == pytest.approx(0, abs=1e-12)
    assert np.delete(distances, [4, 7]).min() > 0.01
    assert np.all(distances >= 0)


def test_what_has_no_direction_or_no_neighbour_is_refused():
    rows = rows_of(0)
    with pytest.raises(EvaluationError, match="zeros only"):
        variety(0 * rows)
    with pytest.raises(EvaluationError, match="0 embeddings"):
        vendi_score(rows[:0])
    with pytest.raises(EvaluationError, match="1 embeddings; expected at least 2"):
        nearest_distance(rows[:1])
