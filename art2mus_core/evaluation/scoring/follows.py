"""Whether the music follows the artwork: correlations of musical measurements with picture statistics, without embeddings.

The expected correlations come from the literature on colour, shape and sound, by the mapping that the bundled model's training
pairs were made with (:mod:`art2mus_core.character`). A model that was trained on other pairs may follow
another mapping; then only the size of a correlation is informative, not its sign.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64

from ...measure.pictures import RANKED
from ...measure.sets.correlation import rank_correlation, spearman
from ...measure.sound.music import FACTS
from ..records import SystemGroup
from ..results import Measure, Result, Scatter
from ..study import Study
from .statistics import Score, deranged, in_errors, result_of

__all__ = ["EXPECTED", "follows", "scatters"]

_AROUSAL = "arousal: Valdez & Mehrabian 1994; Machajdik & Hanbury 2010"
_VALENCE = "valence: Palmer, Schloss, Xu & Prado-Leon 2013"
_WARMTH = "timbre: Whiteford, Schloss, Helwig & Palmer 2018"
_HEIGHT = "pitch: Marks 1974; Evans & Treisman 2010"
_TOUCH = "articulation: Ramachandran & Hubbard 2001"

EXPECTED: dict[tuple[str, str], tuple[int, str]] = {
    ("onset_rate", "saturation"): (1, _AROUSAL),
    ("onset_rate", "contrast"): (1, _AROUSAL),
    ("onset_rate", "edge_density"): (1, _AROUSAL),
    ("tempo", "saturation"): (1, _AROUSAL),
    ("tempo", "contrast"): (1, _AROUSAL),
    ("tempo", "edge_density"): (1, _AROUSAL),
    ("loudness", "saturation"): (1, _AROUSAL),
    ("loudness", "contrast"): (1, _AROUSAL),
    ("loudness", "edge_density"): (1, _AROUSAL),
    ("density", "saturation"): (1, _AROUSAL),
    ("density", "contrast"): (1, _AROUSAL),
    ("density", "edge_density"): (1, _AROUSAL),
    ("mode", "lightness"): (1, _VALENCE),
    ("mode", "saturation"): (1, _VALENCE),
    ("mode", "warmth"): (1, _VALENCE),
    ("brightness", "warmth"): (-1, _WARMTH),
    ("register", "lightness"): (1, _HEIGHT),
    ("register", "texture_scale"): (-1, _HEIGHT),
    ("dynamics", "texture_scale"): (-1, _TOUCH),
}
"""By musical measurement and picture statistic: 1 if it rises with the statistic, -1 if it falls, and the source."""

SHUFFLES = 50
"""Number of shuffles for a control."""

SHOWN = ("onset_rate", "loudness", "brightness", "mode", "register", "density")
"""Measurements that are plotted."""

Values = Float64[np.ndarray, " pieces"]


def follows(study: Study, group: SystemGroup) -> Iterator[Score]:
    """Rank correlations of every musical measurement with the statistics it should follow, together and one by one."""
    if not study.collection.artworks:
        return
    music, pictures = _music(study, group), _pictures(study, group)
    for name, fact in FACTS.items():
        expected = _expected(name)
        label = _label(expected, ", ")
        measure = Measure(
            f"follows:{name}",
            f"{fact.title} ~ {label}",
            "follows",
            "higher",
            f"Spearman's rank correlation with the mean percentile of the expected statistics ({label}). {fact.note}",
        )
        yield _correlation(study, group, measure, _combined(pictures, expected), music[name])
        if len(expected) > 1:
            for statistic, sign in expected:
                measure = Measure(
                    f"follows:{name}~{statistic}",
                    f"{fact.title} ~ {statistic.replace('_', ' ')}",
                    "follows",
                    "higher" if sign > 0 else "lower",
                    f"Spearman's rank correlation, expected {'above' if sign > 0 else 'below'} 0.",
                )
                yield _correlation(study, group, measure, pictures[statistic], music[name])


def scatters(study: Study, group: SystemGroup) -> Iterator[Scatter]:
    """Plots of musical measurements over the statistics they should follow."""
    if not study.collection.artworks:
        return
    music, pictures = _music(study, group), _pictures(study, group)
    for name in SHOWN:
        fact, expected = FACTS[name], _expected(name)
        values = zip(group.pieces, _combined(pictures, expected), music[name], strict=True)
        points = tuple((piece.name, float(x), float(y)) for piece, x, y in values)
        up = f"{fact.title} ({fact.unit})" if fact.unit else fact.title
        yield Scatter(group.system, group.group, f"{_label(expected, ' + ')} (percentile)", up, points)


def _expected(name: str) -> list[tuple[str, int]]:
    """The statistics that a measurement should follow, with the sign."""
    return [(statistic, sign) for (fact, statistic), (sign, _) in EXPECTED.items() if fact == name]


def _label(expected: list[tuple[str, int]], separator: str) -> str:
    return separator.join(f"{'' if sign > 0 else 'less '}{statistic.replace('_', ' ')}" for statistic, sign in expected)


def _music(study: Study, group: SystemGroup) -> dict[str, Values]:
    measured = study.music(group)
    return {name: np.array([getattr(each, name) for each in measured], np.float64) for name in FACTS}


def _pictures(study: Study, group: SystemGroup) -> dict[str, Values]:
    """Percentiles among paintings of each statistic of each piece's artwork."""
    ranks = [study.percentiles[piece.id] for piece in group.pieces]
    return {name: np.array([getattr(each, name) for each in ranks], np.float64) for name in RANKED}


def _combined(pictures: dict[str, Values], expected: list[tuple[str, int]]) -> Values:
    return np.mean([pictures[name] if sign > 0 else 1 - pictures[name] for name, sign in expected], axis=0)


def _correlation(study: Study, group: SystemGroup, measure: Measure, x: Values, y: Values) -> Score:
    interval = rank_correlation(x, y, groups=group.owners, seed=study.seed, resamples=study.resamples)
    count = len(np.unique(group.owners[~np.isnan(y)]))
    if math.isnan(interval.value):
        return Score(measure, Result(math.nan, count))
    control = _control(study, group, x, y)
    return Score(measure, result_of(interval, count, control, in_errors(interval.value, control, interval.error)))


def _control(study: Study, group: SystemGroup, x: Values, y: Values) -> float:
    """The mean correlation with the artworks shuffled; shuffles in which all x are equal have none and are left out."""
    owners, known = group.owners, ~np.isnan(y)
    first = np.unique(owners, return_index=True)[1]
    orders = [deranged(owners, study.seed + shuffle) for shuffle in range(SHUFFLES)]
    found = [spearman(x[first][order][owners][known], y[known]) for order in orders if order is not None]
    kept = [each for each in found if not math.isnan(each)]
    return float(np.mean(kept)) if kept else math.nan
