from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from art2mus_core.errors import SettingError
from art2mus_core.retrieval.caps import Cap, choose, mutual
from art2mus_core.retrieval.made import made_pairs
from art2mus_core.retrieval.search import Neighbours, nearest

CANDIDATES = Neighbours(np.array([[0, 1], [0, 2], [2, 0]]), np.array([[0.9, 0.8], [0.95, 0.5], [0.5, 0.4]], np.float32))


def test_each_query_has_its_best():
    found = choose(CANDIDATES, 3)
    np.testing.assert_array_equal(found.ids, [[0], [0], [2]])
    np.testing.assert_array_equal(found.scores, CANDIDATES.scores[:, :1])


def test_one_to_one_takes_the_highest_first():
    np.testing.assert_array_equal(choose(CANDIDATES, 3, mode="one-to-one").ids, [[1], [0], [2]])


def test_a_floor_leaves_queries_out():
    found = choose(CANDIDATES, 3, floor=0.85)
    np.testing.assert_array_equal(found.ids, [[0], [0], [-1]])
    assert found.scores[2, 0] == -np.inf


def test_caps_hold_on_both_sides():
    genre = Cap("base", ["jazz", "folk", "jazz"], 1)
    np.testing.assert_array_equal(choose(CANDIDATES, 3, caps=[genre]).ids, [[1], [0], [-1]])
    artist = Cap("queries", ["a", "a", "b"], 1)
    np.testing.assert_array_equal(choose(CANDIDATES, 3, caps=[artist]).ids, [[-1], [0], [2]])
    np.testing.assert_array_equal(choose(CANDIDATES, 3, caps=[Cap("queries", ["", "", "b"], 1)]).ids, [[0], [0], [2]])


def test_mutual_candidates():
    back = np.array([[1, 0], [2, 1], [1, 0]])
    kept = mutual(CANDIDATES, back)
    np.testing.assert_array_equal(kept.ids, [[0, -1], [0, 2], [-1, -1]])
    np.testing.assert_array_equal(choose(kept, 3, mode="one-to-one").ids, [[-1], [0], [-1]])


@given(st.integers(0, 10_000), st.integers(1, 4))
def test_no_cap_is_ever_exceeded(seed, most):
    made = made_pairs(53, 65, seed)
    genres = [f"genre {number % 5}" for number in range(53)]
    found = choose(nearest(made.artworks, made.music, 7), 53, mode="one-to-one", caps=[Cap("base", genres, most)])
    chosen = found.ids[found.ids >= 0]
    assert len(set(chosen.tolist())) == len(chosen)
    assert max(np.bincount(chosen % 5)) <= most


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"mode": "best"}, "mode 'best'; expected one of nearest, one-to-one"),
        ({"caps": [Cap("base", ["a"] * 2, 1)]}, "2 labels for 3 rows of the base"),
        ({"caps": [Cap("queries", ["a"] * 3, 0)]}, "a cap of 0"),
    ],
)
def test_bad_limits_are_refused(more, message):
    with pytest.raises(SettingError, match=message):
        choose(CANDIDATES, 3, **more)
