"""Begins or continues a listening test on a folder of music."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..errors import EvaluationError, SettingError
from ..evaluation.records import Collection
from ..placing import check_place, make_folder
from .design import Design
from .material import measured, music_of, sounds_of
from .store import Store, create_store, open_store

__all__ = ["open_study"]


def open_study(
    path: Path,
    collection: Collection,
    levels: Mapping[Path, tuple[float, float]],
    settings: Mapping[str, Any],
    *,
    systems: Sequence[str] = (),
) -> tuple[Store, dict[tuple[str, str, str], Path]]:
    """Open the study in `path`, or begin it if the file does not exist, and return it with its sound files by key.

    Args:
        path: file of the answers.
        collection: artworks and pieces.
        levels: seconds and loudness of the sounds, from :func:`.material.read_levels`.
        settings: fields of :class:`.design.Design` that differ from the defaults.
        systems: names of the systems in the study; all if empty.

    Raises:
        EvaluationError: the sounds differ from those that the study began with.
        SettingError: settings that differ from those that the study began with, or that do not suit the music.
        OutputError: a path that cannot be written.
    """
    if not path.exists():
        check_place(path, (".sqlite",))
        design, music = Design(**settings), music_of(collection, systems)
        artworks = design.draw(list(music), list({piece.id for own in music.values() for piece in own}))
        sounds = sounds_of(music, artworks)
        make_folder(path.parent)
        store = create_store(path, design, measured(sounds, levels, matched=design.matched))
    else:
        store = open_store(path)
        sounds = sounds_of(music_of(collection, systems or store.systems), store.artworks)
        _require_same(store, settings, {sound.key: sound.sha256 for sound in sounds}, path)
    return store, {sound.key: file for sound, file in sounds.items()}


def _require_same(
    store: Store, settings: Mapping[str, Any], digests: dict[tuple[str, str, str], str], path: Path
) -> None:
    begun = asdict(store.design)
    if other := {name: value for name, value in settings.items() if begun[name] != value}:
        raise SettingError(
            ", ".join(f"{name} {value}" for name, value in other.items()),
            f"the settings of {path}: {', '.join(f'{name} {begun[name]}' for name in other)}",
            "Omit the setting, or begin another study with another --answers.",
        )
    kept = {sound.key: sound.sha256 for sound in store.sounds.values()}
    if changed := sorted({key for key, _ in kept.items() ^ digests.items()}):
        system, artwork, take = changed[0]
        raise EvaluationError(
            f"{len(changed)} pieces differ from those of {path}, the first of {system} for {artwork}{take}",
            "the same systems and files throughout a study",
            "Restore the files, or begin another study with another --answers.",
        )
