"""Finds the files that cannot be read before anything is measured, so that one of them stops none of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from ..audio.reading import read_audio
from ..datasets.workers import spread
from ..errors import Art2MusError, AudioError, EvaluationError
from ..images.reading import read_artwork
from ..types import OnStep, Step
from .collection import Collection
from .reading import check_length
from .remarks import uneven

__all__ = ["Looked", "readable", "sounds_looked_at"]

T = TypeVar("T")


class Looked(NamedTuple):
    """What became of reading a file.

    Attributes:
        problem: why it cannot be used; empty if it can.
        notes: what is odd about it all the same.
    """

    problem: str = ""
    notes: tuple[str, ...] = ()


def readable(
    collection: Collection,
    *,
    measured: bool = True,
    least: float = 0.0,
    workers: int = 1,
    on_step: OnStep | None = None,
) -> Collection:
    """The collection without what cannot be read; its notes say what and why.

    A piece, a reference or a sound of the background is left out by itself, an artwork with all that belongs to it.

    Args:
        collection: what is to be used.
        measured: leave out pieces and references, too, that are too short to be measured.
        least: seconds of the shortest sound that whoever hears them all can hear; shorter ones are left out.
        workers: processes.
        on_step: told after each file.

    Raises:
        EvaluationError: no piece is left.
    """
    pieces = [piece.path for own in collection.systems.values() for piece in own]
    found = _looked_at(
        {
            **dict.fromkeys(collection.background, partial(_sound, least=least)),
            **dict.fromkeys(
                [*collection.reference.values(), *pieces], partial(_sound, measurable=measured, least=least)
            ),
            **dict.fromkeys(collection.artworks.values(), _artwork),
        },
        workers=workers,
        on_step=on_step,
    )
    left_out = {path: each.problem for path, each in found.items() if each.problem}
    notes = (*collection.notes, *(note for each in found.values() for note in each.notes))
    return _without(replace(collection, notes=notes), left_out) if left_out else replace(collection, notes=notes)


def sounds_looked_at(paths: Iterable[Path], *, workers: int = 1, on_step: OnStep | None = None) -> dict[Path, Looked]:
    """Sound files, each read once."""
    return _looked_at(dict.fromkeys(paths, _sound), workers=workers, on_step=on_step)


def _looked_at(
    works: Mapping[Path, Callable[[Path], tuple[str, ...]]], *, workers: int = 1, on_step: OnStep | None = None
) -> dict[Path, Looked]:
    """Every file, read by its function, which gives its notes."""
    found: dict[Path, Looked] = {}
    for path, looked in zip(works, spread(_looked, list(works.items()), workers), strict=True):
        found[path] = looked
        if on_step:
            on_step(Step("read", len(found), len(works)))
    return found


def _looked(work: tuple[Path, Callable[[Path], tuple[str, ...]]]) -> Looked:
    path, read = work
    try:
        return Looked("", read(path))
    except Art2MusError as error:
        return Looked(error.came if str(path) in error.came else f"{path} holds {error.came}")
    except Exception as error:  # noqa: BLE001 - whatever a library raises at one file is no reason to lose the others
        return Looked(f"{path} cannot be read ({type(error).__name__}: {' '.join(str(error).split())})")


def _sound(path: Path, *, measurable: bool = False, least: float = 0.0) -> tuple[str, ...]:
    notes: list[str] = []
    sound = read_audio(path, mono=False, on_note=notes.append)
    if measurable:
        check_length(sound)
    if sound.seconds < least:
        raise AudioError(
            f"a sound of {sound.seconds:.2f} s, where {least:g} s are needed", "longer ones", "Leave it out."
        )
    return tuple(notes)


def _artwork(path: Path) -> tuple[str, ...]:
    read_artwork(path)
    return ()


def _without(collection: Collection, left_out: Mapping[Path, str]) -> Collection:
    lost = {key for key, path in collection.artworks.items() if path in left_out}
    kept = {
        name: tuple(piece for piece in own if piece.id not in lost and piece.path not in left_out)
        for name, own in collection.systems.items()
    }
    systems = {name: own for name, own in kept.items() if own}
    if not systems:
        raise EvaluationError(
            f"no piece is left: {'; '.join(left_out.values())}", "music that can be read", "Save or download it again."
        )
    rest = replace(
        collection,
        artworks=_others(collection.artworks, lost),
        systems=systems,
        reference={key: path for key, path in _others(collection.reference, lost).items() if path not in left_out},
        background=tuple(path for path in collection.background if path not in left_out),
        items=_others(collection.items, lost),
        left_out={**collection.left_out, **left_out},
    )
    notes = [f"Left out: {problem}." for problem in left_out.values()]
    notes += [f"Left out with its artwork: all music for {key}." for key in sorted(lost)]
    notes += [note for note in uneven(rest) if note not in rest.notes]
    return replace(rest, notes=(*rest.notes, *notes))


def _others(found: Mapping[str, T], lost: Iterable[str]) -> dict[str, T]:
    return {key: value for key, value in found.items() if key not in lost}
