"""FMA, the dataset of the Free Music Archive: `tracks.csv`, `genres.csv`, and folders such as `fma_large/010/010425.mp3`.

Described at https://github.com/mdeff/fma. Its durations, bit rates and channels are those of the whole tracks and often wrong. They are
not read: a piece's length is that which the dataset states for all clips. Each track has its own licence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ...errors import DatasetError
from ..items import Item
from .fma_lists import Genre, lineage, read_genres, read_missing
from .parsing import Unique, check_split, parse_integer, parse_list
from .tables import check_columns, find_file, read_rows

__all__ = ["SUBSETS", "read_fma", "track_path"]

SUBSETS = ("small", "medium", "large")
"""Each contains the ones before it."""

CLIP_SECONDS = 30.0
COLUMNS = (
    *("track_id", "artist.name", "set.split", "set.subset"),
    *("track.genre_top", "track.genres", "track.license", "track.title"),
)
NAME = "FMA's tracks"
_GENRES, _MISSING = ("genres.csv",), ("fma_not_found.json", "not_found.json")


def read_fma(folder: Path, subset: str = "large", table: Path | None = None) -> Iterator[Item]:
    """Yield the tracks up to a subset, in the order of the table.

    An id is the track's number. Genres come from `genres.csv` with those above them; without that file, only the top genre is known.

    Args:
        folder: the folder of `fma_large` and its like, or one of these; the first that exists and has the subset is used. The whole
            tracks of `fma_full` are used last, and have no stated length.
        subset: `small`, `medium` or `large`; each includes the ones before it.
        table: `tracks.csv`, with `genres.csv` and `fma_not_found.json` beside it if there; None to look in `folder`, in `fma_metadata`
            inside it, and in `fma_metadata` beside it.

    Raises:
        DatasetError: an unknown subset, no table or another one, a track twice, or a cell that cannot be read.
    """
    if subset not in SUBSETS:
        raise DatasetError(f"subset {subset!r} of FMA", f"one of {', '.join(SUBSETS)}", "Choose one of these.")
    folder = Path(folder)
    path = table or _table(folder)
    place = _audio(folder, subset)
    whole = (place or folder.name) == "fma_full"
    genres_file, missing_file = (find_file(path.parent, *names) for names in (_GENRES, _MISSING))
    genres = read_genres(genres_file) if genres_file else {}
    silent, clipless = read_missing(missing_file) if missing_file else (frozenset[int](), frozenset[int]())
    unique = Unique("track", path)
    for number, row in _tracks(path):
        where = f"row {number} of {path}"
        if (kept := row["set.subset"].strip()) not in SUBSETS:
            raise DatasetError(f"{where} is in subset {kept!r}", f"one of {', '.join(SUBSETS)}", "Correct the row.")
        track = parse_integer(unique.add(row["track_id"].strip(), f"row {number}"), where)
        if SUBSETS.index(kept) <= SUBSETS.index(subset):
            problem = "no audio" if track in silent else "no clip" if track in clipless and not whole else None
            yield _item(track, place, row, genres, where, seconds=None if whole else CLIP_SECONDS, problem=problem)


def track_path(track: int) -> str:
    """Return where a track's file lies in its subset's folder, such as `010/010425.mp3`."""
    return f"{track:06d}"[:3] + f"/{track:06d}.mp3"


def _table(folder: Path) -> Path:
    for place in (folder, folder / "fma_metadata", folder.parent / "fma_metadata"):
        if path := find_file(place, "tracks.csv"):
            return path
    raise DatasetError(f"no tracks.csv in {folder} or fma_metadata", "FMA's table of tracks", "Check the folder.")


def _audio(folder: Path, subset: str) -> str:
    """The folder of the sound inside a folder; "" if it is that folder itself."""
    if any(folder.glob("[0-9][0-9][0-9]")):
        return ""
    names = [f"fma_{name}" for name in (*SUBSETS[SUBSETS.index(subset) :], "full")]
    return next((name for name in names if (folder / name).is_dir()), names[0])


def _tracks(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows by column, such as `track.title`; two header rows are joined, and the row with the index' name is left out."""
    rows = read_rows(path)
    heads = [next(rows, (0, []))[1] for _ in range(2)]
    columns = [".".join(part.strip() for part in parts if part.strip()) for parts in zip(*heads, strict=False)]
    columns[:1] = ["track_id"] if columns[:1] == [""] else columns[:1]
    lacking = not set(COLUMNS) <= set(columns)
    check_columns(path, heads[0] if lacking and "track" not in heads[0] else columns, COLUMNS, NAME)
    for number, row in rows:
        if number == 3 and row[0].strip() in {"track_id", ""}:
            continue
        if len(row) != len(columns):
            raise DatasetError(
                f"row {number} of {path} with {len(row)} cells", f"{len(columns)}, as in the header", "Correct the row."
            )
        yield number, dict(zip(columns, row, strict=True))


def _item(
    track: int,
    place: str,
    row: Mapping[str, str],
    genres: Mapping[int, Genre],
    where: str,
    *,
    seconds: float | None,
    problem: str | None,
) -> Item:
    title, artist = row["track.title"].strip() or "untitled", row["artist.name"].strip() or "unknown"
    listed = [lineage(genres, int(genre)) for genre in _numbers(row["track.genres"], where)]
    depth = {title: level for titles in listed for level, title in enumerate(titles)}
    names = tuple(sorted(depth, key=lambda each: depth[each])) or tuple(filter(None, [row["track.genre_top"].strip()]))
    path = track_path(track)
    return Item(
        id=str(track),
        path=f"{place}/{path}" if place else path,
        creator=row["artist.name"].strip() or None,
        title=row["track.title"].strip() or None,
        genres=names,
        licence=row["track.license"].strip() or None,
        attribution=f"{title} by {artist} (Free Music Archive, track {track})",
        split=check_split(row["set.split"], where),
        seconds=seconds,
        problem=problem,
        texts=(("title", ", ".join([f"{title} by {artist}", *names])),),
    )


def _numbers(cell: str, where: str) -> list[int]:
    numbers = parse_list(cell, where) if cell.strip() else []
    if not all(type(each) is int for each in numbers):
        raise DatasetError(f"{where} has genres {cell}", "a list of numbers", "Correct the row.")
    return numbers
