"""Can the music be found by its artwork, and the artwork by its music?"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float64

from ...measure.sets.intervals import bootstrap
from ...measure.sets.retrieval import Retrieval, chance, retrieval
from ...measure.sets.rows import unit
from ..embedders import ArtworkEmbedder
from ..results import Measure
from ..study import Row, Study
from .found import Found, figure, in_errors

__all__ = ["finding"]

LOWER = "median rank"
NOTES = {
    "R@1": "Share of queries whose own is found first.",
    "R@5": "Share of queries whose own is among the first five.",
    "R@10": "Share of queries whose own is among the first ten.",
    "median rank": "Median place at which a query's own is found.",
    "MRR": "Mean of one over that place.",
    "mAP": "Mean average precision, which counts all takes.",
}


def finding(study: Study, row: Row) -> Iterator[Found]:
    """R@1, R@5, R@10, median rank, MRR and mAP in both directions, by every embedder that sees artworks.

    Controls are what a random order would find.
    """
    if not study.collection.artworks or row.artworks < 2:
        return
    owners = row.owners
    first = np.unique(owners, return_index=True)[1]
    relevant = np.arange(row.artworks)[:, None] == owners
    for name, embedder in study.embedders.items():
        if not isinstance(embedder, ArtworkEmbedder):
            continue
        similarity = unit(study.seen(name, row)[first]) @ unit(study.vectors(name, row.paths)).T
        for way, values, fitting in (
            ("music by artwork", similarity, relevant),
            ("artwork by music", similarity.T, relevant.T),
        ):
            yield from _figures(study, row, (way, name), values, fitting)


def _figures(
    study: Study,
    row: Row,
    asked: tuple[str, str],
    similarity: Float64[np.ndarray, "queries gallery"],
    relevant: Bool[np.ndarray, "queries gallery"],
) -> Iterator[Found]:
    way, name = asked
    found, by_chance = retrieval(similarity, relevant), chance(relevant)
    groups = row.owners if len(similarity) == len(row.pieces) else None
    for kind, note in NOTES.items():

        def value(rows: np.ndarray, kind: str = kind) -> float:
            return Retrieval(found.ranks[rows], found.precisions[rows]).metrics()[kind]

        interval = bootstrap(value, len(similarity), seed=study.seed, resamples=study.resamples, groups=groups)
        measure = Measure(
            f"{kind} {way}:{name}".replace(" ", "-").lower(),
            f"{kind}, {way}, {name}",
            "retrieval",
            "lower" if kind == LOWER else "higher",
            note,
        )
        gap = math.nan if kind == LOWER else in_errors(interval.value, by_chance[kind], interval.error)
        yield Found(measure, figure(interval, row.artworks, by_chance[kind], gap))
