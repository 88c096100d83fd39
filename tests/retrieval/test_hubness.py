from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from scipy.stats import skew

from art2mus_core.errors import SettingError
from art2mus_core.retrieval.hubness import csls, csls_offsets, occurrences, skewness, softmax_offsets
from art2mus_core.retrieval.made import made_pairs
from art2mus_core.retrieval.search import nearest

N, M = 143, 211
SMALL = 500_000


def sets(seed):
    made = made_pairs(M, 67, seed)
    return made.artworks[:N], made.music


def test_occurrences_and_their_skewness_are_counted():
    counts = occurrences(np.array([[0, 2], [2, 1], [2, 0]]), 5)
    np.testing.assert_array_equal(counts, [2, 1, 3, 0, 0])
    assert skewness(counts) == pytest.approx(skew(counts))
    assert math.isnan(skewness(np.full(4, 3)))


@settings(max_examples=10)
@given(st.integers(0, 10_000))
def test_csls_is_that_of_a_full_matrix(seed):
    queries, base = sets(seed)
    cosines = queries.astype(np.float64) @ base.T.astype(np.float64)
    of_queries = -np.sort(-cosines, axis=1)[:, :6].mean(1)
    of_base = -np.sort(-cosines, axis=0)[:6].mean(0)
    scores = 2 * cosines - of_queries[:, None] - of_base
    found = csls(queries, base, 4, neighbours=6, memory=SMALL)
    np.testing.assert_allclose(found.scores, -np.sort(-scores, axis=1)[:, :4], atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(scores, found.ids, 1), found.scores, atol=1e-6)
    np.testing.assert_allclose(csls_offsets(queries, base, neighbours=6), -of_base / 2, atol=1e-6)


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.sampled_from([3.0, 30.0, 3000.0]))
def test_the_inverted_softmax_is_that_of_a_full_matrix(seed, sharpness):
    queries, base = sets(seed)
    cosines = queries.astype(np.float64) @ base.T.astype(np.float64)
    expected = -logsumexp(sharpness * cosines, axis=0) / sharpness
    for memory in (SMALL, 2**28):
        np.testing.assert_allclose(softmax_offsets(queries, base, sharpness, memory=memory), expected, atol=1e-5)


def test_both_corrections_find_more_pairs_where_there_are_hubs():
    made = made_pairs(1201, 67, 3)
    right = np.arange(1201)

    def look(offsets=None):
        found = nearest(made.artworks, made.music, 10, offsets=offsets)
        return np.mean(found.ids[:, 0] == right), skewness(occurrences(found.ids, 1201))

    plain, hubs = look()
    for offsets in (csls_offsets(made.artworks, made.music), softmax_offsets(made.artworks, made.music, 30.0)):
        share, fewer = look(offsets)
        assert share > plain + 0.05
        assert fewer < 0.7 * hubs


@pytest.mark.parametrize("sharpness", [0.0, -1.0, math.nan, math.inf])
def test_a_sharpness_that_is_not_positive_is_refused(sharpness):
    with pytest.raises(SettingError, match="sharpness"):
        softmax_offsets(*sets(0), sharpness)
