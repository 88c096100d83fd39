"""Reads tables: CSV in UTF-8, plain or gzipped, row by row, with a check of the header that tells one source's table from another's."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from ...errors import DatasetError

__all__ = ["TABLES", "check_columns", "find_file", "read_rows", "read_table"]

TABLES: dict[str, tuple[str, ...]] = {
    "ArtEmis": ("art_style", "painting", "emotion", "utterance"),
    "MusicCaps": (
        *("ytid", "start_s", "end_s", "audioset_positive_labels", "aspect_list", "caption"),
        *("author_id", "is_balanced_subset", "is_audioset_eval"),
    ),
    "Art2Music's pairs": (
        *("Art_Utterance", "painting_emotion", "audioset_label"),
        *("audio_caption_keywords", "image_file", "mel_file"),
    ),
    "FMA's genres": ("genre_id", "#tracks", "parent", "title", "top_level"),
    "FMA's raw genres": ("genre_id", "genre_color", "genre_handle", "genre_parent_id", "genre_title"),
    "FMA's tracks": ("", "album", "artist", "set", "track"),
    "labelled paintings": ("file", "arousal", "valence"),
}
"""Columns of each known table. Of FMA's tracks, those of the first of two header rows; extra columns are allowed in all of them."""

ALIKE = 0.6
"""Share of a known table's columns that a file must have to be taken for that table."""

LONGEST = 2**24
"""Characters of a field. Python's own limit, 131,072, is too short for some biographies."""


def find_file(folder: Path, *names: str) -> Path | None:
    """Return the first of the named files that is in a folder, plain or with `.gz` behind the name; None if there is none."""
    tried = (Path(folder) / f"{name}{packed}" for name in names for packed in ("", ".gz"))
    return next((path for path in tried if path.is_file()), None)


def read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a CSV file with their numbers, from 1; blank rows are counted, not yielded.

    A byte order mark and line breaks inside quotes are allowed. A row's number is a spreadsheet's: line breaks inside quotes don't count.

    Raises:
        DatasetError: a file that cannot be opened, is not UTF-8, or ends inside quotes.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    number = 0
    try:
        with opened(path, "rt", encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            while (row := _next(rows)) is not None:
                number += 1
                if any(cell.strip() for cell in row):
                    yield number, row
    except (OSError, EOFError, UnicodeError, csv.Error) as error:
        raise DatasetError(
            f"{path} cannot be read after row {number} ({error})",
            "a complete table with commas, in UTF-8",
            "Fetch the file again, or save it as CSV UTF-8.",
        ) from error


def _next(rows: Iterator[list[str]]) -> list[str] | None:
    before = csv.field_size_limit(LONGEST)  # of the whole process: set back at once
    try:
        return next(rows, None)
    finally:
        csv.field_size_limit(before)


def read_table(path: Path, name: str, *, further: Sequence[str] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a known table as dictionaries, with their numbers; the header is row 1.

    Args:
        path: the file.
        name: of the table, a key of `TABLES`.
        further: columns that must be there besides.

    Raises:
        DatasetError: as :func:`read_rows`; a missing or repeated column, or a row of another length than the header.
    """
    rows = read_rows(path)
    _, header = next(rows, (0, []))
    columns = [cell.strip() for cell in header]
    check_columns(path, columns, (*TABLES[name], *further), name)
    for number, row in rows:
        if len(row) != len(columns):
            raise DatasetError(
                f"row {number} of {path} with {len(row)} cells", f"{len(columns)}, as in the header", "Correct the row."
            )
        yield number, dict(zip(columns, row, strict=True))


def check_columns(path: Path, columns: Sequence[str], wanted: Sequence[str], name: str) -> None:
    """Check that a table has all wanted columns, and has them once.

    Raises:
        DatasetError: it has not; the message names the missing columns and what the file seems to be.
    """
    if missing := [column for column in wanted if column not in columns]:
        listed = " | ".join(columns[:12]) + (" ..." if len(columns) > 12 else "")
        raise DatasetError(
            f"{path} without the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}; "
            f"{_guess(columns, name)}; its columns are {listed or 'none'}",
            f"the table of {name} with {', '.join(wanted)}",
            "Choose the other file, or name the columns so in the first row.",
        )
    if twice := [column for column in wanted if Counter(columns)[column] > 1]:
        raise DatasetError(
            f"{path} with the column {twice[0]} twice", "every column once", "Rename or remove one of them."
        )


def _guess(columns: Sequence[str], name: str) -> str:
    if not columns:
        return "it is empty"
    if len(columns) == 1 and any(mark in columns[0] for mark in ";\t|"):
        return "it seems to be separated by something else than commas"
    shares = {known: len({*columns} & {*TABLES[known]}) / len(TABLES[known]) for known in TABLES if known != name}
    best = max(shares, key=lambda known: (shares[known], len(TABLES[known])))
    return f"it seems to be the table of {best}" if shares[best] >= ALIKE else "it resembles no known table"
