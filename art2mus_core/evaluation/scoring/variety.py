"""How much a system's pieces differ from each other."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ...measure.sets.variety import nearest_distance, vendi_score
from ...measure.sets.variety import variety as distances
from ..records import SystemGroup
from ..results import Measure, Result
from ..study import Study
from .statistics import Score, averaged

__all__ = ["variety"]


def variety(study: Study, group: SystemGroup) -> Iterator[Score]:
    """Distances within and across artworks, the effective number of pieces, and the nearest other piece, for every embedder."""
    for name in study.embedders:
        embeddings = study.audio_embeddings(name, group.paths)
        found = distances(embeddings, groups=group.owners)
        several = int((np.bincount(group.owners) > 1).sum())
        for key, title, value, n, note in (
            ("across", "across artworks", found.across, group.artworks, "Mean cosine distance of two artworks' pieces"),
            ("within", "within an artwork", found.within, several, "Mean cosine distance of takes for one artwork"),
        ):
            if not math.isnan(value):
                measure = _measure(f"variety-{key}", f"Distance {title}", name, f"{note}, by {name}.")
                yield Score(measure, Result(value, n))
        if len(embeddings) > 1:
            note = f"Effective number of different pieces, by {name}; it grows with the number of pieces."
            measure = _measure("vendi", "Vendi score", name, note)
            yield Score(measure, Result(vendi_score(embeddings), group.artworks))
            note = f"Near 0 for copies of one another, by {name}."
            measure = _measure("nearest", "Distance to the nearest other piece", name, note)
            yield averaged(study, group, measure, nearest_distance(embeddings))


def _measure(key: str, title: str, name: str, note: str) -> Measure:
    return Measure(f"{key}:{name}", f"{title}, {name}", "variety", "", note)
