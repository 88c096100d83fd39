"""How different a system's pieces are from each other."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from ...measure.sets.variety import nearest_distance, variety, vendi_score
from ..results import Figure, Measure
from ..study import Row, Study
from .found import Found, figure, mean_over_artworks

__all__ = ["diversity"]


def diversity(study: Study, row: Row) -> Iterator[Found]:
    """Distances within and across artworks, the effective number of pieces, and the nearest other piece, by every embedder."""
    for name in study.embedders:
        rows = study.vectors(name, row.paths)
        found = variety(rows, groups=row.owners)
        several = int((np.bincount(row.owners) > 1).sum())
        for key, title, value, n, note in (
            ("across", "across artworks", found.across, row.artworks, "Mean cosine distance of two artworks' pieces"),
            ("within", "within an artwork", found.within, several, "Mean cosine distance of takes for one artwork"),
        ):
            if not math.isnan(value):
                measure = Measure(
                    f"variety-{key}:{name}", f"Distance {title}, {name}", "variety", "", f"{note}, by {name}."
                )
                yield Found(measure, Figure(value, n))
        if len(rows) < 2:
            continue
        yield Found(
            Measure(
                f"vendi:{name}",
                f"Vendi score, {name}",
                "variety",
                "",
                f"Effective number of different pieces, by {name}: it grows with how many there are.",
            ),
            Figure(vendi_score(rows), row.artworks),
        )
        nearest = nearest_distance(rows)
        interval, n = mean_over_artworks(study, row, nearest)
        measure = Measure(
            f"nearest:{name}",
            f"Distance to the nearest other piece, {name}",
            "variety",
            "",
            f"Near 0 for copies of one another, by {name}.",
        )
        yield Found(measure, figure(interval, n), nearest)
