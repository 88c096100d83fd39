"""ArtGraph's raw files: a knowledge graph of art in the layout of the Open Graph Benchmark.

    mapping/artwork_entidx2name.csv            number and file name of each artwork; the same for artist, style, genre, ...
    raw/relations/artwork___R___style/edge.csv numbers of both ends, in either direction; `relations/` may also lie at the top
    raw/node-label/artwork/node-label-style.csv a class for each artwork, where the graph leaves the relation out; names in
                                               mapping/labelidx2stylename.csv
    split/train.csv                            numbers of artworks; also one folder deeper

Every file may end in `.gz`. Some have a header row. See https://arxiv.org/abs/2105.15028.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from ...errors import DatasetError
from ..items import Item, check_path
from .names import parse_name, repair, without_suffix
from .parsing import Unique, check_split, parse_integer
from .tables import find_file, read_rows

__all__ = ["read_artgraph"]

PICTURES = ("images", "artworks", "images-resized", "imagesf2")
"""Folders in which the pictures may be."""

ARTIST, STYLE, GENRE = "artist", "style", "genre"


def read_artgraph(folder: Path, pictures: str | None = None) -> Iterator[Item]:
    """Yield the artworks in the order of their numbers' file.

    An id is the file name without its suffix. Artist, styles and genres are the graph's; without a related artist, the file name's.

    Args:
        folder: the folder that has `mapping`.
        pictures: folder of the pictures inside it, "" for the folder itself; None for the first that exists of `PICTURES`.

    Raises:
        DatasetError: no such folder, a file that is not as described above, a number without a name, an artwork twice or in two splits.
    """
    folder = Path(folder)
    path = find_file(folder / "mapping", "artwork_entidx2name.csv")
    if path is None:
        raise DatasetError(f"no mapping/artwork_entidx2name.csv in {folder}", "ArtGraph's folder", "Check the path.")
    if pictures is None:
        pictures = next((name for name in PICTURES if (folder / name).is_dir()), "")
    names, unique = _names(path), Unique("artwork", path)
    facts = {kind: _facts(folder, kind, names) for kind in (ARTIST, STYLE, GENRE)}
    splits = _splits(folder, names)
    for index, (number, name) in names.items():
        where = f"row {number} of {path}"
        plain = check_path(name, where)
        work = parse_name(plain.rsplit("/", 1)[-1])
        artists = facts[ARTIST].get(index)
        genres = [*facts[STYLE].get(index, ()), *facts[GENRE].get(index, ())]
        creator = ", ".join(artists) if artists else work.artist
        yield Item(
            id=unique.add(without_suffix(plain), f"row {number}"),
            path=f"{pictures}/{plain}" if pictures else plain,
            creator=creator,
            title=work.title,
            genres=tuple(dict.fromkeys(genres)),
            attribution=f"{work.title or 'untitled'} by {creator} (ArtGraph)",
            split=splits.get(index),
            year=work.year,
        )


def _names(path: Path) -> dict[int, tuple[int, str]]:
    """Row and name of each number."""
    names: dict[int, tuple[int, str]] = {}
    for number, row in read_rows(path):
        if number == 1 and not row[0].strip().isdigit():
            continue  # a header
        where = f"row {number} of {path}"
        index, name = parse_integer(row[0], where), ",".join(row[1:]).strip()
        if not name:
            raise DatasetError(f"{where} has no name", "a number and a name", "Correct the row.")
        if index in names:
            raise DatasetError(
                f"number {index} twice in {path}: rows {names[index][0]} and {number}",
                "each once",
                "Remove one of them.",
            )
        names[index] = (number, name)
    return names


def _facts(folder: Path, kind: str, artworks: dict[int, tuple[int, str]]) -> dict[int, list[str]]:
    """Names of the artists, styles or genres of each artwork: from the relations, or else from the labels."""
    facts: dict[int, list[str]] = defaultdict(list)
    for path, reverse in _edges(folder, kind):
        names = _entities(folder, f"{kind}_entidx2name.csv", path)
        for number, row in read_rows(path):
            where = f"row {number} of {path}"
            ends = [parse_integer(cell, where) for cell in row]
            if len(ends) != 2 or ends[reverse] not in artworks or ends[not reverse] not in names:
                raise DatasetError(
                    f"{where} has {','.join(row)}", f"the numbers of an artwork and its {kind}", "Correct it."
                )
            facts[ends[reverse]].append(names[ends[not reverse]])
    labels = find_file(folder / "raw" / "node-label" / "artwork", f"node-label-{kind}.csv")
    if labels and not facts:
        names = _entities(folder, f"labelidx2{kind}name.csv", labels)
        for index, (number, row) in enumerate(read_rows(labels)):
            where = f"row {number} of {labels}"
            label = parse_integer(row[0], where)
            if index not in artworks or label not in names:
                raise DatasetError(f"{where} has {label}", f"the {kind} of one artwork", "Correct it.")
            facts[index].append(names[label])
    return facts


def _edges(folder: Path, kind: str) -> Iterator[tuple[Path, bool]]:
    """Files of the edges between artworks and a kind, and whether the artwork is the second end."""
    for place in (folder / "raw" / "relations", folder / "relations"):
        for relation in sorted(place.glob("*___*___*")):
            ends = tuple(relation.name.split("___")[::2])
            path = find_file(relation, "edge.csv")
            if path and ends in {("artwork", kind), (kind, "artwork")}:
                yield path, ends[0] == kind


def _entities(folder: Path, name: str, because: Path) -> dict[int, str]:
    path = find_file(folder / "mapping", name)
    if path is None:
        raise DatasetError(f"{because} without mapping/{name}", "the names of its numbers", "Add the file.")
    return {index: " ".join(repair(entity).replace("-", " ").split()) for index, (_, entity) in _names(path).items()}


def _splits(folder: Path, artworks: dict[int, tuple[int, str]]) -> dict[int, str]:
    splits: dict[int, str] = {}
    for path in sorted((folder / "split").rglob("*.csv*")):
        split = check_split(path.name.split(".")[0], str(path))
        for number, row in read_rows(path):
            if number == 1 and not row[0].strip().isdigit():
                continue
            where = f"row {number} of {path}"
            index = parse_integer(row[0], where)
            if index not in artworks or splits.setdefault(index, split or "") != split:
                raise DatasetError(f"{where} has {index}", "an artwork's number, in one split only", "Correct the row.")
    return splits
