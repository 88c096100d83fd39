from __future__ import annotations

import numpy as np
import pytest

from art2mus_core.datasets.choosing import Choice
from art2mus_core.errors import SettingError
from art2mus_core.retrieval.approximate import RECALL, nearest_approximately
from art2mus_core.retrieval.made import made_pairs
from art2mus_core.retrieval.search import nearest


def test_narrow_vectors_are_refused():
    rows = np.ones((3, 63), np.float32)
    with pytest.raises(SettingError, match="vectors of 63 numbers"):
        nearest_approximately(rows, rows, 1)


@pytest.mark.parametrize(("mode", "hubs"), [("one-to-one", "csls"), ("nearest", "softmax")])
def test_what_needs_all_scores_is_searched_exactly(mode, hubs):
    with pytest.raises(SettingError, match="approximate search"):
        Choice(mode, hubs=hubs, search="approximate").check()


class TestWithFaiss:
    @pytest.fixture(autouse=True)
    def faiss(self):
        pytest.importorskip("faiss", reason="the extra ann is not installed")

    def test_most_neighbours_are_those_of_the_exact_search(self):
        made = made_pairs(6000, 70, 0)
        steps = []
        found, recall = nearest_approximately(made.artworks, made.music, 3, on_step=steps.append)
        exact = nearest(made.artworks, made.music, 3)
        assert RECALL <= recall < 1
        assert abs(np.mean(found.ids[:, 0] == exact.ids[:, 0]) - recall) < 0.02
        same = found.ids == exact.ids
        assert np.array_equal(found.scores[same], exact.scores[same])
        assert (np.diff(found.scores, axis=1) <= 0).all()
        assert steps[-1].done == steps[-1].total == 6000

    def test_offsets_count(self):
        made = made_pairs(3000, 70, 1)
        offsets = np.zeros(3000)
        offsets[np.bincount(nearest(made.artworks, made.music, 1).ids[:, 0]).argmax()] = -9
        found, _ = nearest_approximately(made.artworks, made.music, 1, offsets=offsets)
        assert not (offsets[found.ids] < 0).any()

    def test_where_the_codes_are_not_enough_the_search_is_exact(self):
        drawn = np.random.default_rng(0).normal(size=(2, 900, 300)).astype(np.float32)
        found, recall = nearest_approximately(*drawn, 2)
        assert recall == 1
        assert np.array_equal(found.ids, nearest(*drawn, 2).ids)
