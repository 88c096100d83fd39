"""The small lists of FMA: its tree of genres, and the tracks whose sound is missing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import DatasetError
from .parsing import Unique, parse_integer, read_json
from .tables import read_rows, read_table

__all__ = ["Genre", "lineage", "read_genres", "read_missing"]


class Genre(NamedTuple):
    """A genre's title, and the number of the genre above it, None at the top."""

    title: str
    parent: int | None


def read_genres(path: Path) -> dict[int, Genre]:
    """Return the genres of `genres.csv`, or of `raw_genres.csv`, by number.

    In the raw file, genre 763 is its own parent; :func:`lineage` ends nevertheless.

    Raises:
        DatasetError: another table, a number twice, or a parent that is no number.
    """
    _, header = next(read_rows(path), (0, []))
    raw = "genre_handle" in header
    names = ("genre_parent_id", "genre_title") if raw else ("parent", "title")
    unique, genres = Unique("genre", path), {}
    for number, row in read_table(path, "FMA's raw genres" if raw else "FMA's genres"):
        where = f"row {number} of {path}"
        genre = parse_integer(unique.add(row["genre_id"].strip(), f"row {number}"), where)
        parent = row[names[0]].strip().removesuffix(".0")  # empty in the raw file, 0 in the other
        genres[genre] = Genre(row[names[1]].strip(), (parse_integer(parent, where) if parent else 0) or None)
    return genres


def lineage(genres: Mapping[int, Genre], genre: int) -> tuple[str, ...]:
    """Return the titles from the broadest genre down to this one; a genre that is above itself comes once, unknown ones not at all."""
    titles: list[str] = []
    visited: set[int] = set()
    at: int | None = genre
    while at is not None and at in genres and at not in visited:
        visited.add(at)
        titles.append(genres[at].title)
        at = genres[at].parent
    return tuple(reversed(titles))


def read_missing(path: Path) -> tuple[frozenset[int], frozenset[int]]:
    """Return the tracks without any audio, and those without a clip of 30 s, of FMA's list of what was not found.

    Raises:
        DatasetError: not JSON, or no lists of numbers `audio` and `clips`.
    """
    expected = 'FMA\'s list of what is missing, {"audio": [...], "clips": [...], ...}'
    content = read_json(path, expected)
    lists: list[Any] = [content.get(key) for key in ("audio", "clips")] if isinstance(content, dict) else [None]
    if not all(isinstance(numbers, list) and all(type(each) is int for each in numbers) for numbers in lists):
        raise DatasetError(f"{path} without two lists of numbers", expected, "Choose another file.")
    audio, clips = lists
    return frozenset(audio), frozenset(clips)
