from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from art2mus_core.datasets.synthetic.pairs import make_pair
from art2mus_core.errors import EvaluationError
from art2mus_core.evaluation.signals.following import EXPECTED, follows
from art2mus_core.evaluation.signals.music import FACTS, listen
from art2mus_core.images.statistics import RANKED, measure


@pytest.fixture(scope="module")
def pairs():
    """Paintings and the music that was made from them: what it follows is known."""
    made = [make_pair(seed, 64, 3.0) for seed in range(24)]
    facts = [listen(waveform.samples[0, 0].numpy(), waveform.sample_rate) for _, _, waveform in made]
    return facts, [measure(artwork) for artwork, _, _ in made]


def test_every_pair_is_told_and_the_expected_ones_first(pairs):
    rows = follows(*pairs, resamples=5)
    told = [(row.fact, row.statistic) for row in rows]
    assert told[: len(EXPECTED)] == list(EXPECTED)
    assert sorted(told) == sorted((fact, statistic) for fact in FACTS for statistic in RANKED)
    assert [row.sign for row in rows] == [each.sign for each in EXPECTED.values()] + [0] * (len(rows) - len(EXPECTED))


def test_correlations_are_spearmans(pairs):
    facts, statistics = pairs
    for row in follows(*pairs, resamples=5):
        x, y = [getattr(s, row.statistic) for s in statistics], [getattr(f, row.fact) for f in facts]
        assert row.correlation.value == pytest.approx(spearmanr(x, y, nan_policy="omit").statistic)


def test_music_made_from_paintings_follows_them(pairs):
    found = {(row.fact, row.statistic): row for row in follows(*pairs, resamples=50)}
    for key in (("onset_rate", "edge_density"), ("loudness", "edge_density"), ("onset_rate", "contrast")):
        assert found[key].correlation.low > 0.3, key
    assert found["mode", "lightness"].correlation.low > 0
    assert found["brightness", "warmth"].correlation.high < 0


def test_music_of_other_paintings_does_not(pairs):
    facts, statistics = pairs
    turned = [follows(facts, statistics[by:] + statistics[:by], resamples=2) for by in range(3, 24, 4)]
    busy = list(EXPECTED).index(("onset_rate", "edge_density"))
    assert np.mean([rows[busy].correlation.value for rows in turned]) == pytest.approx(0, abs=0.2)


def test_pieces_without_a_fact_are_left_out_of_it_alone(pairs):
    facts, statistics = pairs
    facts = [replace(facts[0], tempo=float("nan")), *facts[1:]]
    counts = {row.fact: row.n for row in follows(facts, statistics, resamples=5)}
    assert counts["tempo"] == counts["mode"] - 1 == 23


def test_takes_are_drawn_with_their_artwork(pairs):
    """Twice the same pieces are no more evidence."""
    facts, statistics = pairs
    groups = np.tile(np.arange(len(facts)), 2)
    once = follows(facts, statistics, resamples=50)[0].correlation
    twice = follows(facts * 2, statistics * 2, groups=groups, resamples=50)[0].correlation
    assert twice.error == pytest.approx(once.error, rel=0.4)


def test_pieces_without_artworks_are_refused(pairs):
    with pytest.raises(EvaluationError, match="24 pieces and the statistics of 23"):
        follows(pairs[0], pairs[1][1:])
