"""Does the music follow the artwork, without any embedding? What is heard against what is seen.

What is expected comes from the literature on colour, shape and sound, by the mapping that the bundled model's pairs were made
from (:mod:`art2mus_core.datasets.synthetic.correspondence`). A model that was trained on other pairs may follow another
mapping: of it only the size of a correlation says something, not its sign.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64

from ...measure.pictures import RANKED
from ...measure.sets.correlation import rank_correlation, spearman
from ...measure.sound.music import FACTS
from ..results import Measure, Scatter
from ..study import Row, Study
from .found import Found, deranged, figure, in_errors

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
"""By fact and statistic: 1 if the fact rises with the statistic, -1 if it falls, and who says so."""

SHUFFLES = 50
"""Shufflings behind a control."""

SHOWN = ("onset_rate", "loudness", "brightness", "mode", "register", "density")
"""Facts that are plotted."""


def follows(study: Study, row: Row) -> Iterator[Found]:
    """Rank correlations of every fact with what it should follow: all of it together, and each statistic by itself."""
    if not study.collection.artworks:
        return
    heard, seen = _heard(study, row), _seen(study, row)
    for fact, about in FACTS.items():
        rising = _expected(fact)
        together = _together(seen, rising)
        words = ", ".join(f"{'' if sign > 0 else 'less '}{statistic.replace('_', ' ')}" for statistic, sign in rising)
        measure = Measure(
            f"follows:{fact}",
            f"{about.title} ~ {words}",
            "follows",
            "higher",
            f"Spearman's rank correlation with the mean percentile of what it is expected to follow ({words}). {about.note}",
        )
        yield _correlated(study, row, measure, together, heard[fact])
        if len(rising) > 1:
            for statistic, sign in rising:
                measure = Measure(
                    f"follows:{fact}~{statistic}",
                    f"{about.title} ~ {statistic.replace('_', ' ')}",
                    "follows",
                    "higher" if sign > 0 else "lower",
                    f"Spearman's rank correlation, expected {'above' if sign > 0 else 'below'} 0.",
                )
                yield _correlated(study, row, measure, seen[statistic], heard[fact])


def scatters(study: Study, row: Row) -> Iterator[Scatter]:
    """Plots of what is heard over what it should follow."""
    if not study.collection.artworks:
        return
    heard, seen = _heard(study, row), _seen(study, row)
    for fact in SHOWN:
        rising = _expected(fact)
        across = " + ".join(f"{'' if sign > 0 else 'less '}{statistic.replace('_', ' ')}" for statistic, sign in rising)
        x, y = _together(seen, rising), heard[fact]
        points = tuple((piece.name, float(a), float(b)) for piece, a, b in zip(row.pieces, x, y, strict=True))
        unit = f" ({FACTS[fact].unit})" if FACTS[fact].unit else ""
        yield Scatter(row.system, row.group, f"{across} (percentile)", f"{FACTS[fact].title}{unit}", points)


def _expected(fact: str) -> list[tuple[str, int]]:
    """Statistics that it follows, and which way."""
    return [(statistic, sign) for (name, statistic), (sign, _) in EXPECTED.items() if name == fact]


def _heard(study: Study, row: Row) -> dict[str, Float64[np.ndarray, " pieces"]]:
    return {name: np.array([getattr(fact, name) for fact in study.facts(row)], np.float64) for name in FACTS}


def _seen(study: Study, row: Row) -> dict[str, Float64[np.ndarray, " pieces"]]:
    """Percentiles among painted pictures of each statistic of each piece's artwork."""
    ranks = [study.percentiles[piece.id] for piece in row.pieces]
    return {name: np.array([getattr(each, name) for each in ranks], np.float64) for name in RANKED}


def _together(seen: dict[str, np.ndarray], rising: list[tuple[str, int]]) -> Float64[np.ndarray, " pieces"]:
    return np.mean([seen[statistic] if sign > 0 else 1 - seen[statistic] for statistic, sign in rising], axis=0)


def _correlated(study: Study, row: Row, measure: Measure, x: np.ndarray, y: np.ndarray) -> Found:
    interval = rank_correlation(x, y, groups=row.owners, seed=study.seed, resamples=study.resamples)
    count = len(np.unique(row.owners[~np.isnan(y)]))
    if math.isnan(interval.value):
        return Found(measure, figure(interval, count))
    control = _control(study, row, x, y)
    return Found(measure, figure(interval, count, control, in_errors(interval.value, control, interval.error)))


def _control(study: Study, row: Row, x: np.ndarray, y: np.ndarray) -> float:
    """The mean correlation where every piece is put to another artwork; a shuffling that leaves all x equal has none."""
    owners, known = row.owners, ~np.isnan(y)
    first = np.unique(owners, return_index=True)[1]
    orders = [deranged(owners, study.seed + shuffle) for shuffle in range(SHUFFLES)]
    found = [spearman(x[first][order][owners][known], y[known]) for order in orders if order is not None]
    kept = [each for each in found if not math.isnan(each)]
    return float(np.mean(kept)) if kept else math.nan
