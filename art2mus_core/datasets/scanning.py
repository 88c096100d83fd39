"""Opens every file of a source once, and writes a table of what is there and what is wrong with it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from ..audio.decoding import FAILURES, openable
from ..audio.reading import read_audio
from ..digests import file_digest
from ..errors import ArtworkError, AudioError
from ..images.reading import picture_of, read_artwork
from ..types import OnStep
from .faults import OnFault
from .items import Item
from .listing import Listing
from .shards import Shards, Spread
from .tables import ARTWORKS, ITEMS, MUSIC, ArtworkRow, MusicRow, Table

__all__ = ["SHORTEST", "scan_artworks", "scan_music"]

SHORTEST = 1.0
"""Seconds of music that are needed by default."""

BEGINNING = 2_000
"""Samples that are left out of a sound's hash: those of a clip cut from an MP3 differ from decoder to decoder."""

SILENT = 1e-3
"""Peak relative to full scale up to which music is silent, -60 dBFS."""

DIFFERENCE = 1.0
"""Seconds by which a stated length may differ from the decoded one."""

SUFFIXES = {"mp3": ".mp3", "wav": ".wav .wave", "flac": ".flac", "ogg": ".ogg .oga .opus", "aiff": ".aif .aiff .aifc"}
"""Suffixes of files with a container, for those containers whose files have no other ones."""

Row = TypeVar("Row", ArtworkRow, MusicRow)


def scan_artworks(
    listing: Listing,
    folder: Path,
    spread: Spread,
    *,
    retry: bool = False,
    on_step: OnStep | None = None,
    on_fault: OnFault | None = None,
) -> dict[str, int]:
    """Write `artworks.parquet`: every picture of a source, decoded. An interrupted scan resumes.

    Args:
        listing: of the source.
        folder: of the dataset.
        spread: the engine.
        retry: open files with a fault again, and no others.
        on_step: called with the number of pictures.
        on_fault: called with each picture that has a fault.

    Returns:
        The number of all files, of usable ones, and of those with each kind of fault.
    """
    run = partial(Shards.run, spread=spread, retry=retry, on_step=on_step, on_fault=on_fault)
    return _scan(ARTWORKS, listing, folder, _artwork, run)


def scan_music(
    listing: Listing,
    folder: Path,
    spread: Spread,
    *,
    shortest: float = SHORTEST,
    retry: bool = False,
    on_step: OnStep | None = None,
    on_fault: OnFault | None = None,
) -> dict[str, int]:
    """Write `music.parquet`: every piece of a source, decoded; as :func:`scan_artworks`.

    Args:
        listing: of the source.
        folder: of the dataset.
        spread: the engine.
        shortest: seconds; a shorter piece has a fault.
        retry: open files with a fault again, and no others.
        on_step: called with the number of pieces.
        on_fault: called with each piece that has a fault.
    """
    look = partial(_piece, shortest)
    run = partial(Shards.run, spread=spread, retry=retry, on_step=on_step, on_fault=on_fault)
    return _scan(MUSIC, listing, folder, look, run, shortest=shortest)


def _scan(
    table: Table[Row],
    listing: Listing,
    folder: Path,
    look: Callable[[Path, Row], Row],
    run: Callable[..., None],
    **made_with: float,
) -> dict[str, int]:
    count = listing.count
    name = table.file.removesuffix(".parquet")
    shards = Shards[Item, Row](
        folder / "scan" / name,
        ".parquet",
        table.write,
        lambda path: list(table.read(path)),
        partial(_identity, listing.root),
        {"table": table.row.__name__, **made_with},
    )
    work = partial(_rows, listing.root, table.row, look)
    run(shards, ITEMS.read(listing.items), count, work, stage=f"scan {name}")
    table.write(folder / table.file, shards.results(count))
    faults = shards.faults(count)
    return {"files": count, "usable": count - faults.total(), **dict(faults.most_common())}


def _identity(root: Path, item: Item) -> list[object]:
    """An item, with size and time of its file: if one of them changes, the file is opened again."""
    try:
        found = (root / item.path).stat()
    except (OSError, ValueError):
        return [*vars(item).values(), None]
    return [*vars(item).values(), found.st_size, found.st_mtime_ns]


def _rows(root: Path, kind: type[Row], look: Callable[[Path, Row], Row], items: Sequence[Item]) -> list[Row]:
    return [_row(root, kind(**vars(item)), look) for item in items]


def _row(root: Path, row: Row, look: Callable[[Path, Row], Row]) -> Row:
    if reason := _unportable(row.path):
        return replace(row, fault=f"name: {reason}")
    path = root / row.path
    try:
        if not path.resolve().is_relative_to(root):
            return replace(row, fault="outside: the file is a link that leads out of the folder")
        if not path.is_file():
            return replace(row, fault="missing: no such file")
        row = replace(row, file_sha256=file_digest(path))
        return look(path, row)
    except (ArtworkError, AudioError) as error:
        return replace(row, fault=f"damaged: {_without(path, error.came)}")
    except (OSError, MemoryError, ValueError) as error:
        return replace(row, fault=f"unreadable: {_without(path, str(error))}")


def _unportable(path: str) -> str | None:
    """Why a path cannot stand in a table that is read on any system; None if it can."""
    if "\ufffd" in path:
        return "it is not valid Unicode"
    if "\\" in path or path[1:2] == ":":
        return "it has a backslash, or a colon after its first letter, as paths of Windows have"
    return None


def _without(path: Path, sentence: str) -> str:
    """A sentence without the path, which differs from place to place."""
    return " ".join(sentence.replace(str(path), "").split()).strip(" :'\"") or "no reason given"


def _artwork(path: Path, row: ArtworkRow) -> ArtworkRow:
    from imagehash import phash  # noqa: PLC0415  of the extra data

    artwork = read_artwork(path)
    height, width = artwork.pixels.shape[1:]
    return replace(
        row,
        sha256=artwork.sha256,
        width=width,
        height=height,
        look=str(phash(picture_of(artwork))),
        notes=tuple(_without(path, note) for note in artwork.notes),
    )


def _piece(shortest: float, path: Path, row: MusicRow) -> MusicRow:
    notes = [] if row.problem is None else [f"listed as: {row.problem}"]
    sound = read_audio(path, mono=False, on_note=notes.append)
    samples, rate = sound.samples[0], sound.sample_rate
    row = replace(
        row,
        samples=samples.shape[1],
        sample_rate=rate,
        channels=samples.shape[0],
        sound=hashlib.sha256(samples[:, BEGINNING:].contiguous().numpy().tobytes()).hexdigest(),
    )
    if row.seconds is not None and abs(row.seconds - row.length) > DIFFERENCE:
        notes.append(f"states {row.seconds:.1f} s and has {row.length:.1f} s")
    notes += _mislabelled(path)
    row = replace(row, notes=tuple(_without(path, note) for note in notes))
    if row.length < shortest:
        return replace(row, fault=f"short: {row.length:.2f} s, where {shortest:g} s are needed")
    if (peak := float(samples.abs().max())) <= SILENT:
        return replace(row, fault=f"silent: its peak is {peak:.5f} of full scale")
    return row


def _mislabelled(path: Path) -> list[str]:
    try:
        container = openable(path)[1]
    except FAILURES:
        return []
    usual = SUFFIXES.get(container, "").split()
    suffix = os.path.splitext(path.name)[1].lower()  # noqa: PTH122
    return (
        []
        if not usual or suffix in usual
        else [f"mislabelled: {container} in a file named {suffix or 'without a suffix'}"]
    )
