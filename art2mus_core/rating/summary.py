"""Ratings as a report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..evaluation.records import Collection
from ..evaluation.results import Figure, Measure, Report
from ..evaluation.scoring.found import figure
from ..measure.sets.intervals import bootstrap
from .rate import Rating, Ratings
from .rubric import RUBRIC, VERSION

__all__ = ["FEELING", "summarise"]

FEELING = Measure(
    "rating:feeling",
    "Feeling consistency (1-5)",
    "rating",
    "higher",
    "How alike artwork and music feel to a language model, by a fixed rubric. The control puts another artwork to the music.",
)


def summarise(
    ratings: Ratings, collection: Collection, *, seed: int = 0, made: Mapping[str, Any] | None = None
) -> Report:
    """Means over artworks with their intervals, every rating with its reason, and what the reader must know.

    Args:
        ratings: from :func:`.rate.rate`.
        collection: what was rated.
        seed: of the bootstrap.
        made: what else the report should say of how it was made.
    """
    figures: dict[str, dict[str, Figure]] = {}
    pieces: dict[str, dict[str, dict[str, float]]] = {}
    for system in collection.systems:
        own = [rating for rating in ratings.rated if rating.pairing.system == system]
        for group in collection.groups:
            rated = [rating for rating in own if rating.pairing.piece.subject.group == group]
            title = system if len(collection.groups) == 1 else f"{system} · {group}"
            if any(not rating.pairing.is_control for rating in rated):
                figures[title] = {FEELING.key: _figure(rated, seed)}
        pieces[system] = {
            rating.pairing.piece.name: {FEELING.key: float(rating.feeling)}
            for rating in own
            if not rating.pairing.is_control
        }
    document = {
        "model": ratings.model,
        "music": "described by measured features" if ratings.described else "heard",
        "rubric": {"version": VERSION, "text": RUBRIC},
        "usage": vars(ratings.usage),
        "answers": [_row(rating) for rating in ratings.rated],
        "failed": [_row(rating) for rating in ratings.failed],
        **(made or {}),
    }
    notes = (*collection.notes, *_notes(ratings))
    return Report({FEELING.key: FEELING}, figures, pieces, notes=notes, made=document)


def _figure(rated: Sequence[Rating], seed: int) -> Figure:
    """The mean over artworks, and its gap to the control in standard errors of their difference."""
    own, control = _means(rated, control=False), _means(rated, control=True)
    values = np.array(list(own.values()))
    interval = bootstrap(lambda rows: float(values[rows].mean()), len(values), seed=seed)
    apart = np.array([own[key] - control[key] for key in own.keys() & control.keys()])
    if not apart.size:
        return figure(interval, len(values))
    error = float(apart.std(ddof=1)) / math.sqrt(len(apart)) if len(apart) > 1 else 0.0
    gap = float(apart.mean()) / error if error > 0 else math.nan
    return figure(interval, len(values), float(np.mean(list(control.values()))), gap)


def _means(rated: Sequence[Rating], *, control: bool) -> dict[str, float]:
    """Mean over the takes of each artwork, by its id."""
    found: dict[str, list[int]] = {}
    for rating in (rating for rating in rated if rating.pairing.is_control == control):
        found.setdefault(rating.pairing.piece.id, []).append(rating.feeling)
    return {key: float(np.mean(values)) for key, values in found.items()}


def _row(rating: Rating) -> dict[str, Any]:
    pairing, answer = rating.pairing, rating.answer
    row = {"system": pairing.system, "piece": pairing.piece.name, "artwork": pairing.artwork}
    return {**row, **(answer.model_dump() if answer else {"problem": rating.problem})}


def _notes(ratings: Ratings) -> Iterator[str]:
    yield f"Feeling consistency is the opinion of {ratings.model}, which is no listener."
    if not any(rating.pairing.is_control for rating in ratings.rated):
        yield "There is no control: a model may give high ratings to any pair."
    if ratings.failed:
        yield f"{len(ratings.failed)} pairs have no rating, because the model gave no valid answer."
    if ratings.stopped:
        yield f"Not everything was rated: {ratings.stopped}."
