from __future__ import annotations

import numpy as np
import pytest

from art2mus_core.datasets.choosing import Choice, Chosen, Side, capped, choose_pairs
from art2mus_core.datasets.items import Text
from art2mus_core.datasets.splitting import group_texts


def side(name: str, vectors: list[list[float]]) -> Side:
    texts = [Text(f"{name}{place}", f"{name}{place}", f"{name} {place}") for place in range(len(vectors))]
    return Side.of(texts, np.array(vectors, np.float32), group_texts(texts), {}, 0)


@pytest.mark.parametrize("mode", ["nearest", "mutual"])
def test_rounded_scores_tie_and_the_first_row_is_taken(mode: str):
    above = 0.6 + 3e-7
    here, there = side("q", [[1, 0]]), side("b", [[0, 1], [0.6, 0.8], [above, 0.8]])
    rule = Choice(mode, hubs="keep")
    plain = choose_pairs(here, there, rule, [], {})
    rounded = choose_pairs(here, there, rule, [], {}, decimals=6)
    assert [(pair.base, pair.rank) for pair in plain] == [(2, 1)]
    assert rounded == [Chosen(0, 1, 0.6, 1)]


def test_only_caps_with_a_number_count():
    caps = capped(("queries", ["a", "b"], None), ("base", ["c"], 2))
    assert [(cap.side, cap.labels, cap.most) for cap in caps] == [("base", ["c"], 2)]
