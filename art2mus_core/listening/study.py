"""Begins a listening test over a folder of music, or goes on with one."""

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
    """The study kept in `path`, begun now if there is no such file, and its sound files by key.

    Args:
        path: of the answers.
        collection: the music and the artworks.
        levels: seconds and loudness of the music, from :func:`.material.read_levels`.
        settings: fields of :class:`.design.Design` that are not to be its defaults.
        systems: to be heard; all if empty.

    Raises:
        EvaluationError: the music is no longer that of the study.
        SettingError: settings that the study was not begun with, or that the music does not allow.
        OutputError: a place that cannot hold the answers.
    """
    if not path.exists():
        check_place(path, (".sqlite",))
        design, music = Design(**settings), music_of(collection, systems)
        artworks = design.draw(list(music), list({piece.id for own in music.values() for piece in own}))
        sounds = sounds_of(music, artworks)
        heard = measured(sounds, levels, matched=design.matched)
        make_folder(path.parent)
        store = create_store(path, design, heard)
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
            f"what {path} was begun with: {', '.join(f'{name} {begun[name]}' for name in other)}",
            "Leave the setting out, or begin another study with another --answers.",
        )
    kept = {sound.key: sound.sha256 for sound in store.sounds.values()}
    if changed := sorted({key for key, _ in kept.items() ^ digests.items()}):
        system, artwork, take = changed[0]
        raise EvaluationError(
            f"{len(changed)} pieces are not those that {path} was begun with, the first of {system} for {artwork}{take}",
            "the same systems and the same files throughout a study",
            "Bring the files back, or begin another study with another --answers.",
        )
