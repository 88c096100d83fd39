"""Chooses pairs of two sets of embeddings, split by split: by similarity, with a floor, corrected for hubs, with caps."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
from jaxtyping import Float32, Float64

from ..errors import SettingError
from ..retrieval.approximate import nearest_approximately
from ..retrieval.assignment import one_to_one
from ..retrieval.blocks import lengths, pair_scores
from ..retrieval.caps import Cap, choose, mutual
from ..retrieval.hubness import csls_offsets, occurrences, skewness, softmax_offsets
from ..retrieval.search import Neighbours, nearest
from ..types import OnStep
from .splitting import Groups, split

__all__ = ["Choice", "Chosen", "Side", "capped", "choose_pairs"]

MODES = "nearest", "mutual", "one-to-one"
HUBS = "keep", "csls", "softmax"
SEARCHES = "exact", "approximate"
SHARPNESS = 30.0
"""Of the inverted softmax; cosines of one query differ by some hundredths."""

HUBS_AMONG = 10
"""Neighbours among which hubs are counted."""


@dataclass(frozen=True)
class Choice:
    """How pairs of queries (artworks, or texts about them) and a base (music, or texts about it) are chosen.

    Attributes:
        mode: `nearest`, the base row that is most similar to each query; `mutual`, only pairs in which both are among each other's
            candidates; `one-to-one`, no base row twice, and the largest total similarity.
        candidates: base rows that are considered for each query.
        floor: least cosine.
        hubs: base rows that are near to very many queries: `keep` them, or correct for them by `csls` or the inverted `softmax`.
        search: `exact`, or `approximate` with a measured recall, for sets of millions; not for the mode `one-to-one` or `softmax`.
    """

    mode: str = "nearest"
    candidates: int = 10
    floor: float = -1.0
    hubs: str = "csls"
    search: str = "exact"

    def check(self) -> None:
        """Check the names and numbers that no other function checks.

        Raises:
            SettingError: one is unknown or out of range.
        """
        words = ("mode", self.mode, MODES), ("hubs", self.hubs, HUBS), ("search", self.search, SEARCHES)
        for name, value, known in words:
            if value not in known:
                raise SettingError(f"{name} {value!r}", f"one of {', '.join(known)}", "Check the word.")
        if self.search != "exact" and (self.mode == "one-to-one" or self.hubs == "softmax"):
            raise SettingError(
                f"an approximate search for {self.mode} with hubs {self.hubs}",
                "mode nearest or mutual, with hubs csls or keep",
                "Search exactly.",
            )
        if self.candidates < 1 or not -1 <= self.floor <= 1:
            raise SettingError(
                f"{self.candidates} candidates and floor {self.floor:g}",
                "at least 1, and a cosine of -1 to 1",
                "Choose others.",
            )


@dataclass(frozen=True)
class Side:
    """Rows that have an embedding, their unit vectors, their splits, and what belongs together."""

    rows: Sequence[Any]
    vectors: Float32[np.ndarray, "rows dim"]
    splits: Sequence[str]
    groups: Groups

    @classmethod
    def of(
        cls,
        rows: Sequence[Any],
        vectors: Float32[np.ndarray, "rows dim"],
        groups: Groups,
        shares: Mapping[str, float],
        seed: int,
    ) -> Side:
        """Rows with vectors of any length, which are scaled in place, split by :func:`.splitting.split`.

        Raises:
            SettingError: other splits or shares.
        """
        splits = split(groups, shares, seed)
        vectors /= np.maximum(lengths(vectors, "vectors"), 1e-12)[:, None]  # in place: a side of ArtSound takes .4 GB
        return cls(rows, vectors, [splits[row.id] for row in rows], groups)

    def part(self, name: str, allows: Callable[[Any], bool] = lambda _: True) -> Side:
        """The rows of a split that are allowed."""
        places = [place for place, split in enumerate(self.splits) if split == name and allows(self.rows[place])]
        return Side([self.rows[place] for place in places], self.vectors[places], [name] * len(places), self.groups)


class Chosen(NamedTuple):
    """A pair: the places of query and base row, their cosine, and the rank of the base row; None if one to one."""

    query: int
    base: int
    cosine: float
    rank: int | None


def capped(*limits: tuple[Literal["queries", "base"], Sequence[str], int | None]) -> list[Cap]:
    """Caps of a side, its labels and the most pairs of one label, without those that have no number."""
    return [Cap(side, labels, most) for side, labels, most in limits if most is not None]


def choose_pairs(
    here: Side,
    there: Side,
    rule: Choice,
    caps: Sequence[Cap],
    facts: dict[str, Any],
    *,
    decimals: int | None = None,
    on_step: OnStep | None = None,
) -> list[Chosen]:
    """Choose at most one base row for each query.

    Args:
        here: the queries.
        there: the base; both have rows.
        rule: how pairs are chosen.
        caps: limits, which all must hold.
        facts: what was found on the way is added to it.
        decimals: round scores to so many before they are compared; None compares them as they are.
        on_step: called within the searches.

    Returns:
        The pairs by query.

    Raises:
        SettingError: a cap below 1.
    """
    found = _candidates(here.vectors, there.vectors, rule, facts, on_step)
    rows, ranks = np.nonzero(found.ids >= 0)
    cosines = np.full(found.ids.shape, -np.inf)
    cosines[rows, ranks] = pair_scores(here.vectors, there.vectors, rows, found.ids[rows, ranks])
    if decimals is not None:
        found, cosines = _rounded(found, cosines, decimals)
    ids = np.where(cosines >= rule.floor, found.ids, -1)
    best = choose(Neighbours(ids, found.scores), len(there.rows), caps=caps).ids[:, 0]
    pairs = list[Chosen]()
    for query in np.flatnonzero(best >= 0):
        rank = int(np.flatnonzero(ids[query] == best[query])[0])
        ranked = None if rule.mode == "one-to-one" else rank + 1
        pairs.append(Chosen(int(query), int(best[query]), float(cosines[query, rank]), ranked))
    return pairs


def _rounded(
    found: Neighbours, cosines: Float64[np.ndarray, "n k"], decimals: int
) -> tuple[Neighbours, Float64[np.ndarray, "n k"]]:
    """Candidates and cosines, rounded; of equal scores, the first base row comes first."""
    scores = found.scores.round(decimals)
    order = np.lexsort((found.ids, -scores))
    ids, scores, cosines = (np.take_along_axis(each, order, 1) for each in (found.ids, scores, cosines))
    return Neighbours(ids, scores), cosines.round(decimals)


def _candidates(
    queries: Float32[np.ndarray, "n dim"],
    base: Float32[np.ndarray, "m dim"],
    rule: Choice,
    facts: dict[str, Any],
    on_step: OnStep | None,
) -> Neighbours:
    """Each query's candidates by falling score; what was found on the way is added to `facts`."""
    if rule.mode == "one-to-one":
        return _assigned(queries, base, facts, on_step)
    many, back = min(max(rule.candidates, HUBS_AMONG), len(base)), min(HUBS_AMONG, len(queries))
    search = partial(nearest if rule.search == "exact" else partial(_roughly, facts), on_step=on_step)
    found = search(queries, base, many)
    facts["hubness"] = _hubness(found, len(base))
    if rule.hubs != "keep":
        if rule.hubs == "csls":
            offsets = csls_offsets(queries, base, neighbours=back, search=search)
        else:
            offsets = softmax_offsets(queries, base, SHARPNESS)
        found = search(queries, base, many, offsets=offsets)
        facts["hubness corrected"] = _hubness(found, len(base))
    found = Neighbours(found.ids[:, : rule.candidates], found.scores[:, : rule.candidates])
    if rule.mode == "mutual":
        found = mutual(found, search(base, queries, min(rule.candidates, len(queries))).ids)
    return found


def _roughly(facts: dict[str, Any], queries: Any, base: Any, k: int, **options: Any) -> Neighbours:  # noqa: ANN401
    """An approximate search; the least recall of all is in `facts`."""
    found, recall = nearest_approximately(queries, base, k, **options)
    facts["recall"] = min(recall, facts.get("recall", 1.0))
    return found


def _hubness(found: Neighbours, count: int) -> float | None:
    """Skewness of how often base rows are among the nearest; None if all are equally often."""
    value = skewness(occurrences(found.ids[:, :HUBS_AMONG], count))
    return value if math.isfinite(value) else None


def _assigned(
    queries: Float32[np.ndarray, "n dim"],
    base: Float32[np.ndarray, "m dim"],
    facts: dict[str, Any],
    on_step: OnStep | None,
) -> Neighbours:
    """The one candidate of each query; where there are more queries than base rows, some have none."""
    if swapped := len(queries) > len(base):
        queries, base = base, queries
    found = one_to_one(queries, base, on_step=on_step)
    facts["certificate"] = {**asdict(found.certificate), "gap": found.certificate.gap}
    ids, scores = found.columns[:, None], found.scores.astype(np.float32)[:, None]
    if swapped:
        ids, scores = np.full((len(base), 1), -1), np.full((len(base), 1), -np.inf, np.float32)
        ids[found.columns, 0], scores[found.columns, 0] = np.arange(len(queries)), found.scores
    return Neighbours(ids, scores)
