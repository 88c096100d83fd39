"""Choosing pairs from lists of candidates: with a lowest score, and not too many of one artist or genre."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int

from ..errors import SettingError
from .search import Neighbours

__all__ = ["Cap", "Pairs", "choose", "mutual"]

MODES = ("nearest", "one-to-one")
"""Whether a base row may be chosen again, or once only."""

Pairs = Neighbours
"""A row has one base row or, where none was left, -1 and a score of minus infinity; [n, 1]."""


@dataclass(frozen=True)
class Cap:
    """At most `most` pairs of one label.

    Attributes:
        side: whether the labels are those of the queries (such as an artwork's artist) or of the base (such as a genre of music).
        labels: one for each row of that side; an empty one is not counted.
        most: pairs of one label.
    """

    side: Literal["queries", "base"]
    labels: Sequence[str]
    most: int


def choose(
    candidates: Neighbours,
    count: int,
    *,
    mode: str = "nearest",
    floor: float = -np.inf,
    caps: Sequence[Cap] = (),
) -> Pairs:
    """Choose at most one candidate for each query, going from the highest score to the lowest; of equal ones, the first query and base row.

    A candidate is passed over if its query has one already, its score is below the floor, a cap is reached or, one to one, its base
    row is taken. One to one, this greedy choice loses some per cent of the total; :func:`.assignment.one_to_one` does not, and its
    pairs can be passed as lists of one candidate. Pairs that choose each other: pass what :func:`mutual` keeps.

    Args:
        candidates: base rows and scores of each query; base rows of -1 are none.
        count: rows of the base.
        mode: `nearest`, where a base row may be chosen again, or `one-to-one`.
        floor: lowest score.
        caps: limits, which all must hold.

    Raises:
        SettingError: an unknown mode, a cap below 1, or another number of labels than rows.
    """
    if mode not in MODES:
        raise SettingError(f"mode {mode!r}", f"one of {', '.join(MODES)}", "Check the name.")
    n, k = candidates.ids.shape
    for cap in caps:
        rows = n if cap.side == "queries" else count
        if len(cap.labels) != rows or cap.most < 1:
            raise SettingError(
                f"a cap of {cap.most} with {len(cap.labels)} labels for {rows} rows of the {cap.side}",
                "a cap of at least 1 and one label for each row",
                "Pass all labels.",
            )
    rows, columns, scores = np.repeat(np.arange(n), k), candidates.ids.ravel(), candidates.scores.ravel()
    order = np.lexsort((columns, rows, -scores))
    order = order[(scores[order] >= floor) & (columns[order] >= 0)]
    ids, best = np.full((n, 1), -1), np.full((n, 1), -np.inf, np.float32)
    taken: set[int] = set()
    counts: list[Counter[str]] = [Counter() for _ in caps]
    for row, column, score in zip(rows[order].tolist(), columns[order].tolist(), scores[order].tolist(), strict=True):
        if ids[row, 0] >= 0 or (mode == "one-to-one" and column in taken):
            continue
        labels = [cap.labels[row if cap.side == "queries" else column] for cap in caps]
        if any(label and seen[label] >= cap.most for label, seen, cap in zip(labels, counts, caps, strict=True)):
            continue
        for label, seen in zip(labels, counts, strict=True):
            seen[label] += 1
        taken.add(column)
        ids[row, 0], best[row, 0] = column, score
    return Pairs(ids, best)


def mutual(candidates: Neighbours, back: Int[np.ndarray, "m _"]) -> Neighbours:
    """Keep the candidates that have the query among their own candidates; the others become -1 and minus infinity.

    Args:
        candidates: base rows and scores of each query.
        back: queries of each base row, from a search in the other direction.
    """
    n = len(candidates.ids)
    known = np.arange(len(back))[:, None] * n + back
    asked = candidates.ids * n + np.arange(n)[:, None]
    kept = np.isin(asked, known) & (candidates.ids >= 0)
    return Neighbours(np.where(kept, candidates.ids, -1), np.where(kept, candidates.scores, np.float32(-np.inf)))
