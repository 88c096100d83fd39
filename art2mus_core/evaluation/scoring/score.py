"""From a study to its report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...measure.sets.correlation import FEWEST
from ..results import Figure, Measure, Report
from ..study import Row, Study
from .distance import distance
from .finding import finding
from .follows import follows, scatters
from .found import Found
from .heard import faulty, heard
from .match import match, match_notes
from .sound import background, sound, sound_notes
from .variety import diversity

__all__ = ["SCORERS", "score"]

SCORERS: tuple[Callable[[Study, Row], Iterator[Found]], ...] = (
    follows,
    match,
    sound,
    distance,
    finding,
    heard,
    diversity,
    faulty,
)
"""In the order in which a report shows what they find. Each gives nothing where what it needs is not there."""

FEW = 30
"""Artworks; intervals of fewer are wide, and their bootstrap is too narrow."""


def score(study: Study, made: Mapping[str, Any] | None = None) -> Report:
    """Everything that can be measured.

    Args:
        study: what is scored, and with what.
        made: what else the report should say of how it was made.

    Raises:
        EvaluationError: a sound or an artwork that cannot be measured.
    """
    measures: dict[str, Measure] = {}
    figures: dict[str, dict[str, Figure]] = {}
    pieces: dict[str, dict[str, dict[str, float]]] = {}
    for row in study.rows:
        own = figures.setdefault(row.title, {})
        values = pieces.setdefault(row.system, {})
        for scorer in SCORERS:
            for found in scorer(study, row):
                key = found.measure.key
                measures.setdefault(key, found.measure)
                own[key] = found.figure
                if found.values is not None:
                    for piece, value in zip(row.pieces, found.values, strict=True):
                        values.setdefault(piece.name, {})[key] = float(value)
    plots = tuple(plot for row in study.rows for plot in scatters(study, row))
    return Report(measures, figures, pieces, plots, tuple(_notes(study)), {**_made(study), **(made or {})})


def _notes(study: Study) -> Iterator[str]:
    """What the reader must know before any figure."""
    collection = study.collection
    yield from collection.notes
    yield from study.notes
    yield from match_notes(study)
    yield from sound_notes(study)
    for group, count in collection.groups.items():
        if count < FEW:
            said = f"Only {count} artwork{'s' if count > 1 else ''} in the group {group}: intervals are wide, and too narrow even so."
            yield said if count >= FEWEST else f"{said} Whether music follows is not measured below {FEWEST}."
    if not collection.artworks:
        yield "There are no artworks: whether the music matches or follows them is not measured."
    if not collection.reference:
        yield "There is no real music of these artworks: distances to it are not measured."
    paths, words = background(study)
    if len(paths) < 2:
        yield "There are no two sounds of background music: Frechet and kernel distances are not measured."
    elif not collection.background:
        yield f"Frechet and kernel distances are to {words}, which systems may have been made from."
        own = {subject.group for subject in collection.subjects.values() if subject.music}
        for group in collection.groups:
            if group not in own:
                yield f"None of these sounds is real music of the group {group}: its Frechet and kernel distances are to other music."
    if "pocket" in study.embedders:
        yield (
            "The embedder pocket was trained on synthetic pairs only; what it says of other pictures and music is a guess. "
            "It is the bundled model's own."
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
