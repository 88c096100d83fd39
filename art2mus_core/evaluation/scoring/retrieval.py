"""Retrieval: finding the right piece for an artwork among all pieces, and the right artwork for a piece."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float64

from ...measure.sets.intervals import bootstrap
from ...measure.sets.retrieval import Retrieval, chance
from ...measure.sets.retrieval import retrieval as rank
from ...measure.sets.rows import cosines
from ..embedders import ArtworkEmbedder
from ..records import SystemGroup
from ..results import Measure
from ..study import Study
from .statistics import Score, in_errors, result_of

__all__ = ["retrieval"]

MEDIAN = "median rank"
NOTES = {
    "R@1": "Share of queries whose match ranks first.",
    "R@5": "Share of queries whose match is among the first five.",
    "R@10": "Share of queries whose match is among the first ten.",
    MEDIAN: "Median rank of a query's match.",
    "MRR": "Mean reciprocal rank.",
    "mAP": "Mean average precision, which includes all takes.",
}


def retrieval(study: Study, group: SystemGroup) -> Iterator[Score]:
    """R@1, R@5, R@10, median rank, MRR and mAP in both directions, for every embedder of artworks.

    Controls are the expectations for a random order.
    """
    if not study.collection.artworks or group.artworks < 2:
        return
    owners = group.owners
    first = np.unique(owners, return_index=True)[1]
    relevant = np.arange(group.artworks)[:, None] == owners
    for name, embedder in study.embedders.items():
        if isinstance(embedder, ArtworkEmbedder):
            images, sounds = study.image_embeddings(name, group)[first], study.audio_embeddings(name, group.paths)
            matches = cosines(images, sounds)
            yield from _scores(study, group, f"music by artwork:{name}", matches, relevant)
            yield from _scores(study, group, f"artwork by music:{name}", matches.T, relevant.T)


def _scores(
    study: Study,
    group: SystemGroup,
    direction: str,
    similarity: Float64[np.ndarray, "queries gallery"],
    relevant: Bool[np.ndarray, "queries gallery"],
) -> Iterator[Score]:
    found, by_chance = rank(similarity, relevant), chance(relevant)
    groups = group.owners if len(similarity) == len(group.pieces) else None
    for kind, note in NOTES.items():

        def value(rows: np.ndarray, kind: str = kind) -> float:
            return Retrieval(found.ranks[rows], found.precisions[rows]).metrics()[kind]

        interval = bootstrap(value, len(similarity), seed=study.seed, resamples=study.resamples, groups=groups)
        measure = Measure(
            f"{kind} {direction}".replace(" ", "-").lower(),
            f"{kind}, {direction.replace(':', ', ', 1)}",
            "retrieval",
            "lower" if kind == MEDIAN else "higher",
            note,
        )
        gap = math.nan if kind == MEDIAN else in_errors(interval.value, by_chance[kind], interval.error)
        yield Score(measure, result_of(interval, group.artworks, by_chance[kind], gap))
