"""What is wrong with a dataset, and the command that mends it. Reads tables and embeddings, and opens no picture or sound."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import DatasetError
from .captions import stored_captions
from .faults import Finding, kind_of, remedy_for
from .joining import trouble_of
from .roots import read_roots
from .sides import TABLES
from .tables import PAIRS, ArtworkRow, MusicRow
from .vectors import EMBEDDINGS, read_vectors

__all__ = ["diagnose"]


def diagnose(folder: Path) -> list[Finding]:
    """What is missing, short, duplicated or does not belong together in a dataset; empty if nothing is.

    Raises:
        DatasetError: no table of artworks or music, or a damaged one.
    """
    found, usable, known = list[Finding](), dict[str, dict[str, str | None]](), dict[str, dict[str, Any]]()
    for kind, table in TABLES.items():
        rows = list(table.read(folder / table.file))
        known[kind] = {row.id: row for row in rows}
        usable[kind] = {row.id: row.file_sha256 for row in rows if row.fault is None}
        if not read_roots(folder)[kind].is_dir():
            place = str(read_roots(folder)[kind])
            found.append(
                Finding(f"{kind}: the folder is gone", len(rows), place, "`art2mus dataset scan` with its new place")
            )
        found += [*_faults(kind, rows), *_doubles(kind, rows)]
    spaces = {path.name.split("-", 1)[1] for path in (folder / EMBEDDINGS).glob("*-*")}
    if not spaces:
        count = sum(map(len, usable.values()))
        found.append(Finding("nothing is embedded", count, EMBEDDINGS, "`art2mus dataset embed`"))
    for space in sorted(spaces):
        for kind, contents in usable.items():
            found += _vectors(folder, kind, space, contents)
    for kind, contents in usable.items():
        found += _captions(folder, kind, contents)
    if (folder / PAIRS.file).is_file():
        found += _pairs(folder, known)
    return found


def _faults(kind: str, rows: list[ArtworkRow | MusicRow]) -> Iterator[Finding]:
    groups = defaultdict[str, list[str]](list)
    for row in rows:
        if row.fault is not None:
            groups[kind_of(row.fault)].append(row.path)
    for fault, paths in sorted(groups.items(), key=lambda group: -len(group[1])):
        yield Finding(f"{kind}: {fault}", len(paths), paths[0], remedy_for(fault))
    if wrong := [row for row in rows if any(note.startswith("mislabelled") for note in row.notes)]:
        yield Finding(
            f"{kind}: named as another format", len(wrong), wrong[0].path, "nothing, contents decide; or rename"
        )


def _doubles(kind: str, rows: list[ArtworkRow | MusicRow]) -> Iterator[Finding]:
    groups = defaultdict[str, list[str]](list)
    for row in rows:
        content = row.sha256 if isinstance(row, ArtworkRow) else row.sound
        if row.fault is None and content:
            groups[content].append(row.path)
    if doubles := [paths for paths in groups.values() if len(paths) > 1]:
        count = sum(len(paths) - 1 for paths in doubles)
        yield Finding(
            f"{kind}: twice", count, " = ".join(doubles[0][:2]), "nothing, they are in one split; or remove the copies"
        )


def _vectors(folder: Path, kind: str, space: str, contents: dict[str, str | None]) -> Iterator[Finding]:
    remedy = "`art2mus dataset embed`"
    try:
        vectors = read_vectors(folder, kind, space)
    except DatasetError as error:
        yield Finding(f"{kind} in {space}: {error.came}", len(contents), space, remedy)
        return
    known = dict(zip(vectors.ids, vectors.contents, strict=True))
    if missing := [name for name in contents if name not in known]:
        yield Finding(f"{kind} in {space}: not embedded", len(missing), missing[0], f"{remedy} --retry")
    if other := [name for name, content in known.items() if contents.get(name) != content]:
        yield Finding(f"{kind} in {space}: the embedding of another file", len(other), other[0], remedy)


def _captions(folder: Path, kind: str, contents: dict[str, str | None]) -> Iterator[Finding]:
    for origin, stored in stored_captions(folder, kind).items():
        known = {row.id for row in stored if contents.get(row.id) == row.content and row.fault is None}
        if missing := [name for name in contents if name not in known]:
            remedy = "`art2mus dataset caption`, with --retry if it failed"
            yield Finding(f"{kind}: no caption by {origin}", len(missing), missing[0], remedy)


def _pairs(folder: Path, known: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    troubles = ((pair, trouble_of(pair, known["artworks"], known["music"])) for pair in PAIRS.read(folder / PAIRS.file))
    lost = [f"{pair.artwork} + {pair.music} {trouble}" for pair, trouble in troubles if trouble]
    if lost:
        yield Finding("pairs of files that cannot be used", len(lost), lost[0], "`art2mus dataset pair`")
