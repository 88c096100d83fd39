"""Pairs artworks with music by the similarity of their embeddings, split by split."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..errors import DatasetError
from ..placing import place
from ..retrieval.caps import Cap
from ..types import OnStep
from .choosing import Choice, Side, capped, choose_pairs
from .manifest import SPLITS
from .splitting import Groups, creator_key, group_artworks, group_music
from .tables import ARTWORKS, MUSIC, PAIRS, ArtworkRow, MusicRow, PairRow, Table
from .vectors import read_vectors

__all__ = ["PAIRING", "Rule", "pair"]

PAIRING = "pairing.json"
Row = TypeVar("Row", ArtworkRow, MusicRow)


@dataclass(frozen=True)
class Rule(Choice):
    """How artworks and music are paired.

    Attributes:
        per_artist: most pairs of a painter; None for any number.
        per_musician: most pairs of a musician.
        per_genre: most pairs of a genre of music.
        licences: texts of which one must be in the licence of a piece of music, in any case; none for all pieces.
        validation: share of the artworks, and of the music, that is held out for validation.
        test: share that is held out for testing.
        seed: of the splits.
    """

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
        here, there = artworks.part(name), music.part(name, lambda row: rule.allows(row.licence))
        facts: dict[str, Any] = {"artworks": len(here.rows), "music": len(there.rows), "pairs": 0}
        if here.rows and there.rows:
            chosen = choose_pairs(here, there, rule, _caps(here, there, rule), facts, on_step=on_step)
            facts |= {"pairs": len(chosen), "pieces used": len({music for _, music, _, _ in chosen})}
            for artwork, piece, score, rank in chosen:
                one, other = here.rows[artwork], there.rows[piece]
                contents = one.file_sha256, other.file_sha256
                pairs.append(PairRow(f"{len(pairs):06d}", one.id, other.id, name, score, rank, *contents))
        told["splits"][name] = facts
    if not pairs:
        raise DatasetError(
            f"no pair among {len(artworks.rows)} artworks and {len(music.rows)} pieces of music",
            "at least one",
            "Lower --floor, raise the caps, or add files.",
        )
    told["united"] = {"artworks": artworks.groups.united, "music": music.groups.united}
    PAIRS.write(folder / PAIRS.file, pairs)
    place(folder / PAIRING, (json.dumps(told, indent=1) + "\n").encode())
    return told


def _side(folder: Path, space: str, table: Table[Row], grouped: Callable[[list[Row]], Groups], rule: Rule) -> Side:
    known = {row.id: row for row in table.read(folder / table.file) if row.fault is None}
    vectors = read_vectors(folder, table.file.removesuffix(".parquet"), space)
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
    return Side.of(rows, vectors.values, grouped(rows), {"validation": rule.validation, "test": rule.test}, rule.seed)


def _caps(here: Side, there: Side, rule: Rule) -> list[Cap]:
    artists, musicians = ([creator_key(row.creator) or "" for row in side.rows] for side in (here, there))
    genres = [next(iter(row.genres), "") for row in there.rows]
    return capped(
        ("queries", artists, rule.per_artist), ("base", musicians, rule.per_musician), ("base", genres, rule.per_genre)
    )
