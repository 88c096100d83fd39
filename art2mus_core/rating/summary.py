"""The report of ratings."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..evaluation.records import Collection
from ..evaluation.results import Measure, Report, Result
from ..evaluation.scoring.statistics import result_of
from ..measure.sets.intervals import bootstrap
from .rate import Rating, Ratings
from .rubric import RUBRIC, VERSION

__all__ = ["FEELING", "summarise"]

FEELING = Measure(
    "rating:feeling",
    "Feeling consistency (1-5)",
    "rating",
    "higher",
    "How similar artwork and music feel to a language model, by a fixed rubric. The control pairs the music with another artwork.",
)


def summarise(
    ratings: Ratings, collection: Collection, *, seed: int = 0, made: Mapping[str, Any] | None = None
) -> Report:
    """Means over artworks with their intervals, every rating with its reason, and notes for the reader.

    Args:
        ratings: from :func:`.rate.rate`.
        collection: the artworks and pieces.
        seed: seed of the bootstrap.
        made: further facts on how the report was made.
    """
    results: dict[str, dict[str, Result]] = {}
    pieces: dict[str, dict[str, dict[str, float]]] = {system: {} for system in collection.systems}
    for group in collection.system_groups:
        rated = [
            each for each in ratings.rated if each.pairing.system == group.system and each.pairing.piece in group.pieces
        ]
        own = [each for each in rated if not each.pairing.is_control]
        if own:
            results[group.title] = {FEELING.key: _result(rated, seed)}
        pieces[group.system] |= {each.pairing.piece.name: {FEELING.key: float(each.feeling)} for each in own}
    document = {
        "model": ratings.model,
        "music": "described by measured features" if ratings.described else "heard",
        "rubric": {"version": VERSION, "text": RUBRIC},
        "usage": vars(ratings.usage),
        "answers": [_document(rating) for rating in ratings.rated],
        "failed": [_document(rating) for rating in ratings.failed],
        **(made or {}),
    }
    notes = (*collection.notes, *_notes(ratings))
    return Report({FEELING.key: FEELING}, results, pieces, notes=notes, made=document)


def _result(rated: Sequence[Rating], seed: int) -> Result:
    """The mean over artworks, and its gap to the control in standard errors of their difference."""
    own, control = _means(rated, control=False), _means(rated, control=True)
    values = np.array(list(own.values()))
    interval = bootstrap(lambda rows: float(values[rows].mean()), len(values), seed=seed)
    apart = np.array([own[key] - control[key] for key in own.keys() & control.keys()])
    if not apart.size:
        return result_of(interval, len(values))
    error = float(apart.std(ddof=1)) / math.sqrt(len(apart)) if len(apart) > 1 else 0.0
    gap = float(apart.mean()) / error if error > 0 else math.nan
    return result_of(interval, len(values), float(np.mean(list(control.values()))), gap)


def _means(rated: Sequence[Rating], *, control: bool) -> dict[str, float]:
    """Mean over the takes of each artwork, by its id."""
    found: dict[str, list[int]] = {}
    for rating in (rating for rating in rated if rating.pairing.is_control == control):
        found.setdefault(rating.pairing.piece.id, []).append(rating.feeling)
    return {key: float(np.mean(values)) for key, values in found.items()}


def _document(rating: Rating) -> dict[str, Any]:
    pairing, answer = rating.pairing, rating.answer
    row = {"system": pairing.system, "piece": pairing.piece.name, "artwork": pairing.artwork}
    return {**row, **(answer.model_dump() if answer else {"problem": rating.problem})}


def _notes(ratings: Ratings) -> Iterator[str]:
    yield f"Feeling consistency is rated by the model {ratings.model}, not by listeners."
    if not any(rating.pairing.is_control for rating in ratings.rated):
        yield "There is no control: a model may give high ratings to any pair."
    if ratings.failed:
        yield f"{len(ratings.failed)} pairs have no rating, because the model gave no valid answer."
    if ratings.stopped:
        yield f"Not everything was rated: {ratings.stopped}."
