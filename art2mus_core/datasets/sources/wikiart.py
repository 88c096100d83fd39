"""WikiArt's archive: folders `STYLE/artist_title-year.jpg`, with or without the lists of styles and genres that come with it.

The archive is described at https://github.com/cs-chan/ArtGAN/tree/master/WikiArt%20Dataset; its use is limited to research that is not
commercial. 1,349 names lie in two styles, so an id is `STYLE/name`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import DatasetError
from ...images.listing import find_artworks
from ..items import Item
from .names import match_names, parse_name, without_suffix
from .parsing import Unique
from .wikiart_lists import find_list, read_classes, read_list

__all__ = ["DAMAGED", "read_wikiart"]

DAMAGED = frozenset(
    {
        "Baroque/rembrandt_woman-standing-with-raised-hands",
        "Post_Impressionism/vincent-van-gogh_l-arlesienne-portrait-of-madame-ginoux-1890",
    }
)
"""Files that fail the archive's own checksums, as reported at https://github.com/cs-chan/ArtGAN/issues/14."""

LICENCE = "research only, not commercial"
PARTS = {"train": "train", "val": "validation"}
"""Ends of the lists' names, to the manifest's splits."""


@dataclass
class _Listed:
    """What the lists say of a work."""

    path: str
    split: str
    genres: list[str] = field(default_factory=list)


def read_wikiart(folder: Path, lists: Path | None = None) -> Iterator[Item]:
    """Yield the works in the order of the style lists, then those that no list has.

    Names of lists and files are matched in each style, see :func:`.names.match_names`. A listed work without a match has a problem, which
    names the files that would fit if there are several. If there are no pictures at all, the lists are taken at their word.

    Args:
        folder: has the folders of the styles.
        lists: has `style_train.csv`, `style_val.csv`, `genre_train.csv` and so on, with or without suffixes; `folder` if None. Without
            lists, works have no split and their style as the only genre.

    Raises:
        DatasetError: no folder, neither lists nor pictures in it, a list that cannot be read, a work twice, or a path outside the folder.
    """
    folder = Path(folder)
    listed = _listed(folder if lists is None else Path(lists))
    files = _files(folder)
    if not (listed or files):
        raise DatasetError(f"{folder} without pictures and lists", "folders of styles with pictures", "Check the path.")
    matched = _matched(listed, files) if files else {work: (each.path, None) for work, each in listed.items()}
    for work, each in listed.items():
        path, problem = matched[work]
        yield _item(work, path, each, problem)
    done = {path for path, _ in matched.values()}
    for work, path in files.items():
        if path not in done:
            yield _item(work, path, None, None)


def _item(work: str, path: str, listed: _Listed | None, problem: str | None) -> Item:
    style, name = work.split("/", 1)
    artist, title, year = parse_name(name)
    return Item(
        id=work,
        path=path,
        creator=artist,
        title=title,
        genres=(style.replace("_", " "), *dict.fromkeys(listed.genres if listed else ())),
        licence=LICENCE,
        attribution=f"{title or 'untitled'} by {artist} (WikiArt)",
        split=listed.split if listed else None,
        problem=problem or ("damaged in the published archive" if work in DAMAGED else None),
        year=year,
    )


def _files(folder: Path) -> dict[str, str]:
    """Paths of the pictures in the folders of the styles by `STYLE/name`."""
    if not folder.is_dir():
        raise DatasetError(f"{folder} is no folder", "WikiArt's folder", "Check the path.")
    unique, files = Unique("work", folder), {}
    for style in sorted(place for place in folder.iterdir() if place.is_dir() and not place.name.startswith(".")):
        for file in find_artworks(style).artworks:
            path = file.relative_to(folder).as_posix()
            files[unique.add(without_suffix(path), path)] = path
    return files


def _listed(lists: Path) -> dict[str, _Listed]:
    """What the lists say, by `STYLE/name`; works that only a list of genres has come last."""
    works: dict[str, _Listed] = {}
    for kind in ("style", "genre"):
        found = {part: path for part in PARTS if (path := find_list(lists, f"{kind}_{part}"))}
        genres = read_classes(lists, kind) if kind == "genre" and found else {}
        unique = Unique("work", lists)
        for part, path in found.items():
            for number, picture, label in read_list(path):
                work = without_suffix(picture)
                if kind == "style":
                    unique.add(work, f"row {number} of {path.name}")
                each = works.setdefault(work, _Listed(picture, PARTS[part]))
                if kind == "genre":
                    each.genres.append(_genre(genres, label, f"row {number} of {path}"))
    return works


def _genre(genres: Mapping[int, str], label: int, where: str) -> str:
    if label not in genres:
        raise DatasetError(f"{where} has genre {label}", f"one of {', '.join(map(str, genres))}", "Correct the row.")
    return genres[label]


def _matched(listed: Mapping[str, _Listed], files: Mapping[str, str]) -> dict[str, tuple[str, str | None]]:
    """Path and problem of each listed work."""
    wanted, present = _by_style(listed), _by_style(files)
    matched: dict[str, tuple[str, str | None]] = {}
    for style, names in wanted.items():
        matches = match_names(names, present.get(style, ()))
        for name in names:
            work = f"{style}/{name}"
            if name in matches.found:
                matched[work] = (files[f"{style}/{matches.found[name]}"], None)
            else:
                several = ", ".join(matches.ambiguous.get(name, ()))
                matched[work] = (listed[work].path, f"its name fits {several}" if several else "no file of this name")
    return matched


def _by_style(works: Mapping[str, object]) -> dict[str, list[str]]:
    styles: dict[str, list[str]] = defaultdict(list)
    for work in works:
        style, name = work.split("/", 1)
        styles[style].append(name)
    return styles
