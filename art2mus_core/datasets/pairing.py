"""Pairs artworks with music by the similarity of their embeddings, split by split."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float32

from ..errors import DatasetError, SettingError
from ..placing import replacing
from ..retrieval.assignment import one_to_one
from ..retrieval.blocks import lengths, pair_scores
from ..retrieval.caps import Cap, choose, mutual
from ..retrieval.hubness import csls_offsets, occurrences, skewness, softmax_offsets
from ..retrieval.search import Neighbours, nearest
from ..types import OnStep
from .embedding import read_vectors
from .manifest import SPLITS
from .splitting import Groups, group_artworks, group_music, split
from .tables import ARTWORKS, MUSIC, PAIRS, ArtworkRow, MusicRow, PairRow, Table

__all__ = ["PAIRING", "Rule", "pair"]

PAIRING = "pairing.json"
MODES = "nearest", "mutual", "one-to-one"
HUBS = "keep", "csls", "softmax"
SHARPNESS = 30.0
"""Of the inverted softmax; cosines of one artwork differ by some hundredths."""

HUBS_AMONG = 10
"""Neighbours among which hubs are counted."""

Row = TypeVar("Row", ArtworkRow, MusicRow)


@dataclass(frozen=True)
class Rule:
    """How pairs are chosen.

    Attributes:
        mode: `nearest`, the music that is most similar to each artwork; `mutual`, only pairs in which both are among each other's
            candidates; `one-to-one`, no piece twice, and the largest total similarity.
        candidates: pieces that are considered for each artwork.
        floor: least cosine.
        hubs: pieces that are near to very many artworks: `keep` them, or correct for them by `csls` or the inverted `softmax`.
        per_artist: most pairs of a painter; None for any number.
        per_musician: most pairs of a musician.
        per_genre: most pairs of a genre of music.
        licences: texts of which one must be in the licence of a piece of music, in any case; none for all pieces.
        validation: share of the artworks, and of the music, that is held out for validation.
        test: share that is held out for testing.
        seed: of the splits.
    """

    mode: str = "nearest"
    candidates: int = 10
    floor: float = -1.0
    hubs: str = "csls"
    per_artist: int | None = None
    per_musician: int | None = None
    per_genre: int | None = None
    licences: tuple[str, ...] = ()
    validation: float = 0.05
    test: float = 0.05
    seed: int = 0

    def allows(self, licence: str | None) -> bool:
        """Whether a piece with this licence may be used."""
        stated = (licence or "").casefold()
        return not self.licences or any(wanted.casefold() in stated for wanted in self.licences)

    def check(self) -> None:
        """Check the names and numbers that no other function checks.

        Raises:
            SettingError: one is unknown or out of range.
        """
        for name, value, known in (("mode", self.mode, MODES), ("hubs", self.hubs, HUBS)):
            if value not in known:
                raise SettingError(f"{name} {value!r}", f"one of {', '.join(known)}", "Check the word.")
        if self.candidates < 1 or not -1 <= self.floor <= 1:
            raise SettingError(
                f"{self.candidates} candidates and floor {self.floor:g}",
                "at least 1, and a cosine of -1 to 1",
                "Choose others.",
            )


@dataclass(frozen=True)
class _Side:
    """Rows that have an embedding, their unit vectors, their splits, and what belongs together."""

    rows: Sequence[Any]
    vectors: Float32[np.ndarray, "rows dim"]
    splits: Sequence[str]
    groups: Groups

    def part(self, name: str, allows: Callable[[Any], bool]) -> _Side:
        """The rows of a split that are allowed."""
        places = [place for place, split in enumerate(self.splits) if split == name and allows(self.rows[place])]
        return _Side([self.rows[place] for place in places], self.vectors[places], [name] * len(places), self.groups)


def pair(
    folder: Path,
    space: str,
    rule: Rule,
    *,
    duplicates: Iterable[Sequence[str]] = (),
    on_step: OnStep | None = None,
) -> dict[str, Any]:
    """Write `pairs.parquet`, and `pairing.json` with what was found.

    Args:
        folder: the dataset, scanned and embedded.
        space: of the embeddings.
        rule: how pairs are chosen.
        duplicates: groups of artworks' ids that a published list calls duplicates.
        on_step: called within the searches.

    Returns:
        The content of `pairing.json`.

    Raises:
        SettingError: an unknown mode or a number out of range.
        DatasetError: tables or embeddings are missing, are of another encoder or of other files, or a split has none on one side.
    """
    rule.check()
    artworks = _side(folder, space, ARTWORKS, lambda rows: group_artworks(rows, duplicates), rule)
    music = _side(folder, space, MUSIC, group_music, rule)
    told: dict[str, Any] = {"space": space, "rule": asdict(rule), "splits": {}}
    pairs = list[PairRow]()
    for name in SPLITS:
        here, there = artworks.part(name, lambda _: True), music.part(name, lambda row: rule.allows(row.licence))
        facts: dict[str, Any] = {"artworks": len(here.rows), "music": len(there.rows), "pairs": 0}
        if here.rows and there.rows:
            found = _candidates(here, there, rule, facts, on_step)
            chosen = _chosen(found, here, there, rule)
            facts |= {"pairs": len(chosen), "pieces used": len({music for _, music, _, _ in chosen})}
            for artwork, piece, score, rank in chosen:
                names = here.rows[artwork].id, there.rows[piece].id
                pairs.append(PairRow(f"{len(pairs):06d}", *names, name, score, rank))
        told["splits"][name] = facts
    if not pairs:
        raise DatasetError(
            f"no pair among {len(artworks.rows)} artworks and {len(music.rows)} pieces of music",
            "at least one",
            "Lower --floor, raise the caps, or add files.",
        )
    told["united"] = {"artworks": artworks.groups.united, "music": music.groups.united}
    PAIRS.write(folder / PAIRS.file, pairs)
    with replacing(folder / PAIRING) as partial:
        partial.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return told


def _side(folder: Path, space: str, table: Table[Row], grouped: Callable[[list[Row]], Groups], rule: Rule) -> _Side:
    kind = table.file.removesuffix(".parquet")
    known = {row.id: row for row in table.read(folder / table.file) if row.fault is None}
    vectors = read_vectors(folder, kind, space)
    changed = [
        name
        for name, content in zip(vectors.ids, vectors.contents, strict=True)
        if name not in known or known[name].file_sha256 != content
    ]
    if changed:
        raise DatasetError(
            f"the embedding of {changed[0]!r} and {len(changed) - 1} others in {folder} are of other files",
            f"embeddings of the files in {table.file}",
            "Embed again with `art2mus dataset embed`.",
        )
    rows = [known[name] for name in vectors.ids]
    groups = grouped(rows)
    splits = split(groups, {"validation": rule.validation, "test": rule.test}, rule.seed)
    units = vectors.values
    units /= np.maximum(lengths(units, kind), 1e-12)[:, None]  # in place: a side of ArtSound takes .4 GB
    return _Side(rows, units, [splits[row.id] for row in rows], groups)


def _candidates(here: _Side, there: _Side, rule: Rule, facts: dict[str, Any], on_step: OnStep | None) -> Neighbours:
    """Each artwork's candidates by falling score; what was found on the way is added to `facts`."""
    queries, base = here.vectors, there.vectors
    if rule.mode == "one-to-one":
        return _assigned(queries, base, facts, on_step)
    many, back = min(max(rule.candidates, HUBS_AMONG), len(base)), min(HUBS_AMONG, len(queries))
    found = nearest(queries, base, many, on_step=on_step)
    facts["hubness"] = _hubness(found, len(base))
    if rule.hubs != "keep":
        if rule.hubs == "csls":
            offsets = csls_offsets(queries, base, neighbours=back, on_step=on_step)
        else:
            offsets = softmax_offsets(queries, base, SHARPNESS)
        found = nearest(queries, base, many, offsets=offsets, on_step=on_step)
        facts["hubness corrected"] = _hubness(found, len(base))
    found = Neighbours(found.ids[:, : rule.candidates], found.scores[:, : rule.candidates])
    if rule.mode == "mutual":
        found = mutual(found, nearest(base, queries, min(rule.candidates, len(queries)), on_step=on_step).ids)
    return found


def _hubness(found: Neighbours, count: int) -> float | None:
    """Skewness of how often pieces are among the nearest; None if all are equally often."""
    value = skewness(occurrences(found.ids[:, :HUBS_AMONG], count))
    return value if math.isfinite(value) else None


def _assigned(
    queries: Float32[np.ndarray, "n dim"],
    base: Float32[np.ndarray, "m dim"],
    facts: dict[str, Any],
    on_step: OnStep | None,
) -> Neighbours:
    """The one candidate of each artwork; where there are more artworks than music, some have none."""
    if swapped := len(queries) > len(base):
        queries, base = base, queries
    found = one_to_one(queries, base, on_step=on_step)
    facts["certificate"] = {**asdict(found.certificate), "gap": found.certificate.gap}
    ids, scores = found.columns[:, None], found.scores.astype(np.float32)[:, None]
    if swapped:
        ids, scores = np.full((len(base), 1), -1), np.full((len(base), 1), -np.inf, np.float32)
        ids[found.columns, 0], scores[found.columns, 0] = np.arange(len(queries)), found.scores
    return Neighbours(ids, scores)


def _chosen(found: Neighbours, here: _Side, there: _Side, rule: Rule) -> list[tuple[int, int, float, int | None]]:
    """Artwork, piece, cosine and rank of each pair, by artwork."""
    rows, ranks = np.nonzero(found.ids >= 0)
    columns = found.ids[rows, ranks]
    cosines = np.full(found.ids.shape, -np.inf)
    cosines[rows, ranks] = pair_scores(here.vectors, there.vectors, rows, columns)
    ids = np.where(cosines >= rule.floor, found.ids, -1)
    caps = [
        *(
            []
            if rule.per_artist is None
            else [Cap("queries", [row.creator or "" for row in here.rows], rule.per_artist)]
        ),
        *(
            []
            if rule.per_musician is None
            else [Cap("base", [row.creator or "" for row in there.rows], rule.per_musician)]
        ),
        *(
            []
            if rule.per_genre is None
            else [Cap("base", [next(iter(row.genres), "") for row in there.rows], rule.per_genre)]
        ),
    ]
    best = choose(Neighbours(ids, found.scores), len(there.rows), caps=caps).ids[:, 0]
    pairs = list[tuple[int, int, float, int | None]]()
    for artwork in np.flatnonzero(best >= 0):
        rank = int(np.flatnonzero(ids[artwork] == best[artwork])[0])
        ranked = None if rule.mode == "one-to-one" else rank + 1
        pairs.append((int(artwork), int(best[artwork]), float(cosines[artwork, rank]), ranked))
    return pairs
