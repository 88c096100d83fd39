from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from art2mus_core.errors import EvaluationError
from art2mus_core.measure.sets.retrieval import Retrieval, chance, retrieval

seeds = st.integers(0, 10_000)


def gallery(seed, queries=7, entries=13):
    rng = np.random.default_rng(seed)
    relevant = rng.random((queries, entries)) < 0.3
    relevant[np.arange(queries), rng.integers(entries, size=queries)] = True
    return rng.normal(size=(queries, entries)), relevant


def slow(similarity, relevant):
    ranks, precisions = [], []
    for row, wanted in zip(similarity, relevant, strict=True):
        order = sorted(range(len(row)), key=lambda j: (-row[j], wanted[j]))
        hits = [place for place, j in enumerate(order, 1) if wanted[j]]
        ranks.append(hits[0])
        precisions.append(np.mean([(k + 1) / place for k, place in enumerate(hits)]))
    return ranks, precisions


@settings(max_examples=40)
@given(seeds, st.booleans())
def test_it_is_the_definition_with_ties_and_without(seed, ties):
    similarity, relevant = gallery(seed)
    if ties:
        similarity = np.round(similarity)
    found = retrieval(similarity, relevant)
    ranks, precisions = slow(similarity, relevant)
    assert found.ranks.tolist() == ranks
    assert found.precisions == pytest.approx(precisions)
    if not ties:
        theirs = [average_precision_score(r, s) for r, s in zip(relevant, similarity, strict=True)]
        assert found.precisions == pytest.approx(theirs)


def test_figures_are_means_over_queries():
    found = Retrieval(np.array([1, 3, 6, 11, 2]), np.array([1.0, 0.5, 0.25, 0.1, 0.4]))
    assert found.metrics() == pytest.approx(
        {
            "R@1": 0.2,
            "R@5": 0.6,
            "R@10": 0.8,
            "median rank": 3.0,
            "MRR": (1 + 1 / 3 + 1 / 6 + 1 / 11 + 1 / 2) / 5,
            "mAP": 0.45,
        }
    )


@settings(max_examples=25)
@given(seeds)
def test_order_of_files_and_growing_functions_change_nothing(seed):
    similarity, relevant = gallery(seed)
    similarity = np.round(similarity, 1)
    order = np.random.default_rng(seed).permutation(13)
    plain = retrieval(similarity, relevant)
    other = retrieval(np.exp(similarity)[:, order], relevant[:, order])
    np.testing.assert_array_equal(other.ranks, plain.ranks)
    np.testing.assert_array_equal(other.precisions, plain.precisions)


def test_finding_everything_and_saying_the_same_of_everything():
    right = np.eye(12, dtype=bool)
    best, worst = retrieval(right.astype(float), right).metrics(), retrieval(np.ones((12, 12)), right).metrics()
    assert best == {"R@1": 1, "R@5": 1, "R@10": 1, "median rank": 1, "MRR": 1, "mAP": 1}
    assert (worst["R@10"], worst["median rank"]) == (0, 12)


@pytest.mark.parametrize("counts", [(1,), (2,), (5,), (1, 3), (1, 1, 4)])
def test_chance_is_the_mean_over_all_orders(counts):
    relevant = np.arange(5) < np.array(counts)[:, None]
    every = [
        retrieval(-np.tile(np.array(order, float), (len(counts), 1)), relevant) for order in permutations(range(5))
    ]
    mean = {key: np.mean([found.metrics()[key] for found in every]) for key in every[0].metrics()}
    ranks = np.sort(np.concatenate([found.ranks for found in every]))
    expected = chance(relevant)
    assert expected.pop("median rank") == ranks[(len(ranks) - 1) // 2]
    mean.pop("median rank")
    assert expected == pytest.approx(mean)


def test_chance_of_one_in_two_hundred():
    expected = chance(np.eye(200, dtype=bool))
    assert expected["R@1"] == pytest.approx(0.005)
    assert expected["R@10"] == pytest.approx(0.05)
    assert expected["median rank"] == 100
    assert expected["mAP"] == pytest.approx(expected["MRR"]) == pytest.approx(np.sum(1 / np.arange(1, 201)) / 200)


def test_what_cannot_be_ranked_is_refused():
    similarity, relevant = gallery(0)
    with pytest.raises(EvaluationError, match="1 queries without"):
        retrieval(similarity, relevant & (np.arange(7) != 2)[:, None])
    with pytest.raises(EvaluationError, match="no queries"):
        chance(np.zeros((0, 4), bool))
    similarity[1, 2] = np.nan
    with pytest.raises(EvaluationError, match="1 similarities that are not finite"):
        retrieval(similarity, relevant)


@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e9])
def test_the_last_digits_decide_nothing(scale):
    similarity = scale * (0.3 + np.array([[2e-16, 0, 0, -2e-16], [0, 0, 2e-16, 0]]))
    found = retrieval(similarity, np.eye(4, dtype=bool)[[0, 2]])
    assert found.ranks.tolist() == [4, 4]
    assert retrieval(similarity + scale * np.eye(4)[[0, 2]] * 1e-9, np.eye(4, dtype=bool)[[0, 2]]).ranks.tolist() == [
        1,
        1,
    ]
