"""Scores a study."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...measure.sets.correlation import FEWEST
from ..records import SystemGroup
from ..results import Measure, Report, Result
from ..study import Study
from .averages import faults, music
from .distance import distance
from .follows import follows, scatters
from .match import match, match_notes
from .retrieval import retrieval
from .sound import sound, sound_notes
from .statistics import Score
from .variety import variety

__all__ = ["SCORERS", "score"]

SCORERS: tuple[Callable[[Study, SystemGroup], Iterator[Score]], ...] = (
    follows,
    match,
    sound,
    distance,
    retrieval,
    music,
    variety,
    faults,
)
"""Scorers in the order of the report. A scorer returns nothing for a study that lacks what it needs."""

FEW = 30
"""Artworks; intervals of fewer are wide, and their bootstrap is too narrow."""


def score(study: Study, made: Mapping[str, Any] | None = None) -> Report:
    """The report of all scorers.

    Args:
        study: the embeddings and measurements.
        made: further facts on how the report was made.

    Raises:
        EvaluationError: a sound or an artwork that cannot be measured.
    """
    measures: dict[str, Measure] = {}
    found: dict[str, dict[str, Result]] = {}
    pieces: dict[str, dict[str, dict[str, float]]] = {}
    for group in study.system_groups:
        results = found.setdefault(group.title, {})
        values = pieces.setdefault(group.system, {})
        for each in (each for scorer in SCORERS for each in scorer(study, group)):
            key = each.measure.key
            measures.setdefault(key, each.measure)
            results[key] = each.result
            if each.values is not None:
                for piece, value in zip(group.pieces, each.values, strict=True):
                    values.setdefault(piece.name, {})[key] = float(value)
    plots = tuple(plot for group in study.system_groups for plot in scatters(study, group))
    return Report(measures, found, pieces, plots, tuple(_notes(study)), {**_made(study), **(made or {})})


def _notes(study: Study) -> Iterator[str]:
    """Sentences that the reader needs before the results."""
    collection = study.collection
    yield from collection.notes
    yield from study.notes
    yield from match_notes(study)
    for group, count in collection.groups.items():
        if count < FEW:
            note = f"Only {count} artwork{'s' if count > 1 else ''} in the group {group}: intervals are wide, and still too narrow."
            yield note if count >= FEWEST else f"{note} Whether music follows is not measured below {FEWEST}."
    if not collection.artworks:
        yield "There are no artworks: whether the music matches or follows them is not measured."
    if not collection.reference:
        yield "There is no real music of these artworks: distances to it are not measured."
    yield from sound_notes(study)
    if "pocket" in study.embedders:
        yield (
            "The embedder pocket was trained on synthetic pairs only, so its results for other pictures and music are uncertain. "
            "It belongs to the bundled model."
        )


def _made(study: Study) -> dict[str, Any]:
    collection = study.collection
    return {
        "artworks": len(collection.subjects),
        "groups": collection.groups,
        "pieces": {system: len(found) for system, found in collection.systems.items()},
        "reference": len(collection.reference),
        "background": len(collection.background),
        "embedders": {name: embedder.space for name, embedder in study.embedders.items()},
        "classifier": study.classifier.space if study.classifier else None,
        "seed": study.seed,
        "resamples": study.resamples,
    }
