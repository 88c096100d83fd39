from __future__ import annotations

import numpy as np
import pytest

from art2mus_core.retrieval.hubness import occurrences, skewness
from art2mus_core.retrieval.made import made_pairs
from art2mus_core.retrieval.search import nearest


@pytest.mark.parametrize(("width", "seed"), [(67, 0), (257, 1)])
def test_unit_vectors_with_hubs(width, seed):
    made = made_pairs(2503, width, seed)
    for rows in made:
        assert rows.shape == (2503, width)
        assert rows.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    found = nearest(made.artworks, made.music, 10)
    assert skewness(occurrences(found.ids, 2503)) > 5
    own = (made.artworks * made.music).sum(1)
    other = (made.artworks * np.roll(made.music, 1, axis=0)).sum(1)
    assert own.mean() > other.mean() + 0.1


def test_a_seed_says_everything():
    first, again, other = made_pairs(31, 65, 5), made_pairs(31, 65, 5), made_pairs(31, 65, 6)
    np.testing.assert_array_equal(first.music, again.music)
    assert not np.allclose(first.music, other.music)
