from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from art2mus_core.errors import SettingError
from art2mus_core.retrieval import assignment, auction
from art2mus_core.retrieval.assignment import one_to_one
from art2mus_core.retrieval.certificate import Certificate, best_gains, least_prices
from art2mus_core.retrieval.completion import completed
from art2mus_core.retrieval.graph import Graph
from art2mus_core.retrieval.made import made_pairs

seeds = st.integers(0, 10_000)


def sets(seed, n, m, *, lean=1.2, width=67):
    made = made_pairs(m, width, seed, lean=lean)
    return made.artworks[:n], made.music


def optimum(queries, base):
    scores = queries.astype(np.float64) @ base.T.astype(np.float64)
    rows, columns = linear_sum_assignment(scores, maximize=True)
    return math.fsum(scores[rows, columns])


def check(found, queries, base):
    """One column for each row, honest scores, and a bound that holds; returns the optimum."""
    assert len(set(found.columns.tolist())) == len(queries)
    own = (queries.astype(np.float64) * base[found.columns]).sum(1)
    np.testing.assert_allclose(found.scores, own, atol=1e-12)
    assert found.certificate.value == pytest.approx(own.sum())
    best = optimum(queries, base)
    assert found.certificate.value <= best + 1e-9
    assert found.certificate.bound >= best
    return best


@settings(max_examples=20)
@given(
    seeds, st.sampled_from([(1, 1), (1, 5), (2, 2), (3, 3), (23, 23), (97, 97), (61, 103), (102, 103)]), st.floats(0, 2)
)
def test_small_sets_have_scipys_optimum(seed, sizes, lean):
    queries, base = sets(seed, *sizes, lean=lean)
    found = one_to_one(queries, base)
    assert found.certificate.value == pytest.approx(check(found, queries, base), abs=1e-9)
    assert found.certificate.gap < 1e-6


@settings(max_examples=6)
@given(seeds, st.sampled_from([(113, 113), (97, 157), (156, 157)]))
def test_large_sets_are_within_the_tolerance(seed, sizes):
    queries, base = sets(seed, *sizes)
    found = one_to_one(queries, base, exact=0, neighbours=7, tolerance=0.01)
    best = check(found, queries, base)
    assert found.certificate.gap <= 0.01
    assert found.certificate.value >= 0.99 * best


def test_hubs_do_not_stop_it():
    queries, base = sets(5, 1501, 1501, lean=1.5)
    found = one_to_one(queries, base, exact=0)
    assert found.certificate.value >= 0.995 * check(found, queries, base)
    greedy = 0.0
    scores = queries @ base.T
    for _ in range(1501):
        row, column = np.unravel_index(scores.argmax(), scores.shape)
        greedy += float(scores[row, column])
        scores[row], scores[:, column] = -np.inf, -np.inf
    assert found.certificate.value > greedy


@pytest.mark.parametrize("exact", [0, 5000])
def test_equal_rows_are_shared_out(exact):
    queries, base = (
        np.repeat(np.eye(3, 7, dtype=np.float32), 7, axis=0),
        np.repeat(np.eye(3, 7, dtype=np.float32), 7, axis=0),
    )
    found = one_to_one(queries, base, exact=exact)
    assert found.certificate.value == pytest.approx(21, rel=0.01)
    check(found, queries, base)


def test_half_precision_and_memory_change_nothing():
    queries, base = (rows.astype(np.float16) for rows in sets(1, 83, 101))
    found = one_to_one(queries, base, exact=0)
    again = one_to_one(queries.astype(np.float32), base.astype(np.float32), exact=0, memory=700_000)
    np.testing.assert_array_equal(found.columns, again.columns)
    assert found.certificate == again.certificate


def test_a_search_at_new_prices_adds_what_the_candidates_lack():
    """With one candidate from each search, the first auction cannot serve everyone."""
    queries, base = sets(2, 401, 401, lean=2.0)
    steps = []
    found = one_to_one(queries, base, exact=0, neighbours=1, on_step=steps.append)
    check(found, queries, base)
    assert sum(step.stage == "assignment" for step in steps) > 1


@settings(max_examples=20)
@given(seeds, st.sampled_from([(31, 31), (23, 31)]), st.floats(0.0, 1.0))
def test_the_bound_holds_at_any_prices(seed, sizes, height):
    queries, base = sets(seed, *sizes)
    prices = height * np.random.default_rng(seed).normal(size=sizes[1])
    if sizes[0] < sizes[1]:
        prices = np.abs(prices)
    _, gains = best_gains(queries, base, prices)
    first = gains.sum() + prices.sum()
    _, lower = least_prices(queries, base, gains)
    second = gains.sum() + lower.sum()
    assert optimum(queries, base) <= second <= first + 1e-5


def test_prices_of_free_columns_are_zero():
    queries, base = sets(4, 151, 211)
    found = one_to_one(queries, base, exact=0)
    free = np.setdiff1d(np.arange(211), found.columns)
    assert np.all(found.prices >= 0)
    assert np.all(found.prices[free] == 0)


def test_an_auction_on_all_pairs_is_within_its_increments():
    scores = np.random.default_rng(0).normal(size=(37, 37))
    rows, columns = np.divmod(np.arange(37 * 37), 37)
    state = auction.start(37, np.zeros(37))
    auction.sell(Graph.of((37, 37), [(rows, columns, scores.ravel())]), state, 1.0, 0.01)
    best = scores[linear_sum_assignment(scores, maximize=True)].sum()
    assert sorted(state.column_of) == list(range(37))
    np.testing.assert_array_equal(state.row_of[state.column_of], np.arange(37))
    assert scores[np.arange(37), state.column_of].sum() >= best - 37 * 0.01


def test_rows_without_a_possible_column_wait_and_get_another():
    """Three rows know only two columns."""
    edges = (np.array([0, 0, 1, 1, 2, 2]), np.array([0, 1, 0, 1, 0, 1]), np.array([0.3, 0.2, 0.5, 0.1, 0.4, 0.4]))
    state = auction.start(3, np.zeros(3))
    auction.sell(Graph.of((3, 3), [edges]), state, 0.1, 0.01)
    assert np.count_nonzero(state.column_of < 0) == 1
    queries, base = sets(0, 3, 3)
    assert sorted(completed(queries, base, state.column_of)) == [0, 1, 2]


def test_many_rows_without_a_column_are_completed_in_parts(monkeypatch):
    monkeypatch.setattr("art2mus_core.retrieval.completion.CHUNK", 5)
    queries, base = sets(0, 57, 71)
    columns = completed(queries, base, np.where(np.arange(57) % 3, -1, np.arange(57)))
    assert len(set(columns.tolist())) == 57
    np.testing.assert_array_equal(columns[::3], np.arange(57)[::3])


def test_a_certificate_reads_well():
    certificate = Certificate(99.0, 100.0)
    assert certificate.gap == pytest.approx(0.01)
    assert str(certificate) == "total 99, at most 100 is possible (gap 1.000%)"
    assert Certificate(0.0, 0.0).gap == 0
    assert Certificate(-1.0, 0.0).gap == math.inf
    assert Certificate(-110.0, -100.0).gap == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("sizes", "more", "message"),
    [
        ((5, 4), {}, "5 queries for 4 base rows"),
        ((4, 5), {"tolerance": 0.0}, "tolerance 0.0"),
        ((4, 5), {"neighbours": 0}, "0 neighbours"),
    ],
)
def test_what_cannot_be_assigned_is_refused(sizes, more, message):
    rows = made_pairs(5, 64, 0).music
    with pytest.raises(SettingError, match=message):
        one_to_one(rows[: sizes[0]], rows[: sizes[1]], **more)


def test_it_gives_up_after_some_passes_with_what_it_has(monkeypatch):
    monkeypatch.setattr(assignment, "PASSES", 1)
    queries, base = sets(2, 211, 211, lean=2.0)
    found = one_to_one(queries, base, exact=0, neighbours=1, tolerance=1e-6)
    check(found, queries, base)
    assert found.certificate.gap > 1e-6
