"""Readers of dataset sources: what a source lists, before any picture or sound is opened. Imports nothing heavy.

Each reader takes a folder, and yields its entries one after another. To add a source, write `NAME.py` and add a row to a table below.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ..items import Item, Match, Text
from .art2mus2024 import read_art2mus2024
from .artemis import read_artemis
from .artgraph import read_artgraph
from .articaps import read_articaps
from .fma import read_fma
from .folders import read_music, read_pictures
from .musiccaps import read_musiccaps
from .wikiart import read_wikiart

__all__ = ["ARTWORK_SOURCES", "MATCH_SOURCES", "MUSIC_SOURCES", "TEXT_SOURCES"]

ARTWORK_SOURCES: dict[str, Callable[[Path], Iterator[Item]]] = {
    "folder": read_pictures,
    "wikiart": read_wikiart,
    "artgraph": read_artgraph,
}
MUSIC_SOURCES: dict[str, Callable[[Path], Iterator[Item]]] = {
    "folder": read_music,
    "fma": read_fma,
}
TEXT_SOURCES: dict[str, Callable[..., Iterator[Text]]] = {
    "artemis": read_artemis,
    "musiccaps": read_musiccaps,
}
MATCH_SOURCES: dict[str, Callable[[Path], Iterator[Match]]] = {
    "art2mus2024": read_art2mus2024,
    "articaps": read_articaps,
}
