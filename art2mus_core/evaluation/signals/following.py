"""Does the music follow the picture? Facts of the one against statistics of the other, without any embedding.

What is expected comes from the literature on colour, shape and sound, by the mapping that the bundled model's pairs were made
from (:mod:`art2mus_core.datasets.synthetic.correspondence`). A model that was trained on other pairs may follow another
mapping: of it only the size of a correlation says something, not its sign.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from ...errors import EvaluationError
from ...images.statistics import RANKED, ImageStatistics
from ..metrics.correlation import rank_correlation
from ..metrics.intervals import RESAMPLES, Interval
from .music import FACTS, MusicFacts

__all__ = ["EXPECTED", "Expectation", "Following", "follows"]


@dataclass(frozen=True)
class Expectation:
    """What a fact is expected to do.

    Attributes:
        sign: 1 if the fact rises with the statistic, -1 if it falls.
        source: who says so.
    """

    sign: int
    source: str


_AROUSAL = "arousal: Valdez & Mehrabian 1994; Machajdik & Hanbury 2010"
_VALENCE = "valence: Palmer, Schloss, Xu & Prado-Leon 2013"
_WARMTH = "timbre: Whiteford, Schloss, Helwig & Palmer 2018"
_HEIGHT = "pitch: Marks 1974; Evans & Treisman 2010"
_TOUCH = "articulation: Ramachandran & Hubbard 2001"

EXPECTED: dict[tuple[str, str], Expectation] = {
    ("onset_rate", "saturation"): Expectation(1, _AROUSAL),
    ("onset_rate", "contrast"): Expectation(1, _AROUSAL),
    ("onset_rate", "edge_density"): Expectation(1, _AROUSAL),
    ("tempo", "saturation"): Expectation(1, _AROUSAL),
    ("tempo", "contrast"): Expectation(1, _AROUSAL),
    ("tempo", "edge_density"): Expectation(1, _AROUSAL),
    ("loudness", "saturation"): Expectation(1, _AROUSAL),
    ("loudness", "contrast"): Expectation(1, _AROUSAL),
    ("loudness", "edge_density"): Expectation(1, _AROUSAL),
    ("density", "saturation"): Expectation(1, _AROUSAL),
    ("density", "contrast"): Expectation(1, _AROUSAL),
    ("density", "edge_density"): Expectation(1, _AROUSAL),
    ("mode", "lightness"): Expectation(1, _VALENCE),
    ("mode", "saturation"): Expectation(1, _VALENCE),
    ("mode", "warmth"): Expectation(1, _VALENCE),
    ("brightness", "warmth"): Expectation(-1, _WARMTH),
    ("register", "lightness"): Expectation(1, _HEIGHT),
    ("register", "texture_scale"): Expectation(-1, _HEIGHT),
    ("dynamics", "texture_scale"): Expectation(-1, _TOUCH),
}
"""By fact and statistic; of other pairs nothing is expected."""


@dataclass(frozen=True)
class Following:
    """How one fact goes with one statistic.

    Attributes:
        fact: a field of :class:`.music.MusicFacts`.
        statistic: a field of :class:`art2mus_core.images.statistics.ImageStatistics`.
        sign: the expected one; 0 where nothing is expected.
        correlation: Spearman's, with its 95 % bootstrap interval over artworks.
        n: pieces of which the fact is known.
    """

    fact: str
    statistic: str
    sign: int
    correlation: Interval
    n: int


def follows(
    facts: Sequence[MusicFacts],
    statistics: Sequence[ImageStatistics],
    *,
    groups: Int[np.ndarray, " pieces"] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> list[Following]:
    """Every fact against every statistic but the hue, which is an angle; what is expected comes first.

    Args:
        facts: of each piece.
        statistics: of each piece's artwork.
        groups: the artwork of each piece, for several takes.
        seed: of the bootstrap.
        resamples: of the bootstrap.

    Raises:
        EvaluationError: not one statistic a piece.
    """
    if len(facts) != len(statistics):
        raise EvaluationError(
            f"{len(facts)} pieces and the statistics of {len(statistics)} artworks",
            "one artwork a piece",
            "Pair them first.",
        )
    heard = {name: np.array([getattr(fact, name) for fact in facts], np.float64) for name in FACTS}
    seen = {name: np.array([getattr(each, name) for each in statistics], np.float64) for name in RANKED}
    others = [(fact, statistic) for fact in FACTS for statistic in RANKED if (fact, statistic) not in EXPECTED]
    return [
        Following(
            fact,
            statistic,
            EXPECTED[fact, statistic].sign if (fact, statistic) in EXPECTED else 0,
            rank_correlation(seen[statistic], heard[fact], groups=groups, seed=seed, resamples=resamples),
            int(np.count_nonzero(np.isfinite(heard[fact]))),
        )
        for fact, statistic in [*EXPECTED, *others]
    ]
