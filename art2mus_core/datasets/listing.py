"""Lists what a source has into a table, before any file is opened; so a long scan knows how much there is."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ..errors import DatasetError, SettingError
from ..placing import tidy
from .roots import write_root
from .sources import ARTWORK_SOURCES, MUSIC_SOURCES
from .tables import ITEMS

__all__ = ["Listing", "list_source"]

SOURCES = {"artworks": ARTWORK_SOURCES, "music": MUSIC_SOURCES}


@dataclass(frozen=True)
class Listing:
    """A source's folder, the table of its items, and their number."""

    root: Path
    items: Path
    count: int


def list_source(folder: Path, kind: str, root: Path, source: str) -> Listing:
    """List the `artworks` or the `music` of a source, and note in the dataset where they are.

    Args:
        folder: of the dataset.
        kind: `artworks` or `music`.
        root: folder of the source.
        source: its layout, a name in `sources`.

    Raises:
        SettingError: an unknown layout.
        DatasetError: the source is not there, contradicts its layout, has an id twice, or lists nothing.
    """
    if source not in SOURCES[kind]:
        raise SettingError(f"a source {source!r} of {kind}", f"one of {', '.join(SOURCES[kind])}", "Check the name.")
    rows = SOURCES[kind][source](root)
    first = next(rows, None)
    if first is None:
        raise DatasetError(f"no {kind} in {root}", "files that can be opened", "Check the folder and the source.")
    items = folder / "scan" / f"{kind}-listed.parquet"
    for place in (folder, items.parent):
        tidy(place)
    count = ITEMS.write(items, chain([first], rows))
    write_root(folder, kind, root)
    return Listing(root.resolve(), items, count)
