"""Reads every file of a collection once: what cannot be read is left out, of the rest is kept what was asked for.

One bad file never stops the others. Sounds and artworks are decoded, and measured if they are to be, in several processes;
what networks make of them is found here, while they are at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ..audio.reading import read_audio
from ..datasets.workers import spread
from ..errors import Art2MusError, AudioError, EvaluationError, OutputError
from ..images.reading import read_artwork
from ..measure.sound.faults import Faults, faults
from ..measure.sound.music import Music, measure_samples
from ..types import Artwork, OnStep, Step, Waveform
from .records import Collection, Subject
from .remarks import uneven

__all__ = ["SHORTEST", "Asked", "Readings", "long_enough", "read_files", "read_sounds", "signals_of"]

SHORTEST = 1.0
"""Seconds; of less there is no rhythm to speak of, and no loop."""

Content = Waveform | Artwork


class Asked(NamedTuple):
    """What is wanted of the files of a collection; each must be importable by other processes.

    Attributes:
        pieces: of every piece, channels as they are.
        music: of the artworks' real music.
        background: of other real music.
        artworks: of every picture.
        here: told of every content in this process, after it was measured; its errors leave the file out, too.
    """

    pieces: Callable[[Waveform], Any] | None = None
    music: Callable[[Waveform], Any] | None = None
    background: Callable[[Waveform], Any] | None = None
    artworks: Callable[[Artwork], Any] | None = None
    here: Callable[[Path, Content], None] | None = None


@dataclass(frozen=True)
class Readings:
    """What became of the files.

    Attributes:
        values: what was asked for, by file.
        notes: what is odd about files that are used all the same.
        problems: why files cannot be used.
    """

    values: Mapping[Path, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problems: Mapping[Path, str] = field(default_factory=dict)


def signals_of(sound: Waveform) -> tuple[Music, Faults]:
    """What is heard in a piece, and what is wrong with it.

    Raises:
        AudioError: less than a second, or samples that are not finite.
    """
    long_enough(sound)
    samples = sound.samples[0].numpy()
    return measure_samples(samples, sound.sample_rate), faults(samples, sound.sample_rate)


def long_enough(sound: Waveform, least: float = SHORTEST) -> None:
    """Refuse a sound that is too short.

    Raises:
        AudioError: fewer seconds than `least`.
    """
    if sound.seconds < least:
        raise AudioError(
            f"a sound of {sound.seconds:.2f} s, where {least:g} s are needed",
            "a longer one",
            "Leave it out, or make it longer.",
        )


def read_files(
    collection: Collection, asked: Asked, *, workers: int = 1, on_step: OnStep | None = None
) -> tuple[Collection, Readings]:
    """The collection without what cannot be read, whose notes say what and why; and what was asked of the rest.

    A piece, a reference or a sound of the background is left out by itself, an artwork with all that belongs to it.

    Args:
        collection: what is to be used.
        asked: what is wanted.
        workers: processes.
        on_step: told after each file.

    Raises:
        EvaluationError: no piece is left.
    """
    pieces = [piece.path for own in collection.systems.values() for piece in own]
    works: dict[Path, Callable[[Any], Any] | None] = {
        **dict.fromkeys(collection.background, asked.background),
        **dict.fromkeys(collection.reference.values(), asked.music),
        **dict.fromkeys(pieces, asked.pieces),
    }
    wanted = asked.here is not None
    given = {path: _Work(path, _sound, work, wanted) for path, work in works.items()}
    given |= {path: _Work(path, _picture, asked.artworks, wanted) for path in collection.artworks.values()}
    found = _read(given, asked.here, workers, on_step)
    noted = replace(collection, notes=(*collection.notes, *found.notes))
    return (_without(noted, found.problems) if found.problems else noted), found


def read_sounds(paths: Iterable[Path], *, workers: int = 1, on_step: OnStep | None = None) -> Readings:
    """Sound files, each read once."""
    return _read({path: _Work(path, _sound) for path in paths}, None, workers, on_step)


Notes = list[str]


class _Work(NamedTuple):
    """A file, how it is read, what is measured in it, and whether its content is to be handed back."""

    path: Path
    read: Callable[[Path, Notes], Any]
    measure: Callable[[Any], Any] | None = None
    wanted: bool = False


def _sound(path: Path, notes: Notes) -> Waveform:
    return read_audio(path, mono=False, on_note=notes.append)


def _picture(path: Path, notes: Notes) -> Artwork:  # noqa: ARG001 - pictures have none
    return read_artwork(path)


class _Looked(NamedTuple):
    problem: str = ""
    notes: tuple[str, ...] = ()
    value: Any = None
    content: Content | None = None


def _read(
    works: Mapping[Path, _Work],
    here: Callable[[Path, Content], None] | None,
    workers: int,
    on_step: OnStep | None,
) -> Readings:
    values: dict[Path, Any] = {}
    notes: list[str] = []
    problems: dict[Path, str] = {}
    for done, (path, looked) in enumerate(zip(works, spread(_looked, list(works.values()), workers), strict=True), 1):
        problem = looked.problem
        if not problem and here is not None and looked.content is not None:
            problem = _trying(path, partial(here, path, looked.content)).problem
        if problem:
            problems[path] = problem
        else:
            values[path] = looked.value
            notes += looked.notes
        if on_step:
            on_step(Step("read", done, len(works)))
    return Readings(values, tuple(notes), problems)


def _looked(work: _Work) -> _Looked:
    return _trying(work.path, partial(_opened, work))


def _opened(work: _Work) -> _Looked:
    notes: Notes = []
    content = work.read(work.path, notes)
    value = work.measure(content) if work.measure else None
    return _Looked("", tuple(notes), value, content if work.wanted else None)


def _trying(path: Path, work: Callable[[], _Looked | None]) -> _Looked:
    """What came of it, or why nothing did."""
    try:
        return work() or _Looked()
    except (OutputError, MemoryError):
        raise
    except Art2MusError as error:
        return _Looked(error.came if str(path) in error.came else f"{path} holds {error.came}")
    except Exception as error:  # noqa: BLE001 - whatever a library raises at one file is no reason to lose the others
        return _Looked(f"{path} cannot be read ({type(error).__name__}: {' '.join(str(error).split())})")


def _without(collection: Collection, left_out: Mapping[Path, str]) -> Collection:
    subjects: dict[str, Subject] = {
        key: replace(subject, music=None) if subject.music in left_out else subject
        for key, subject in collection.subjects.items()
        if subject.path not in left_out
    }
    pieces = {
        name: tuple(piece for piece in own if piece.path not in left_out) for name, own in collection.systems.items()
    }
    background = tuple(path for path in collection.background if path not in left_out)
    rest = replace(collection, systems=pieces, background=background, left_out={**collection.left_out, **left_out}).of(
        subjects
    )
    if not rest.systems:
        raise EvaluationError(
            f"no piece is left: {'; '.join(left_out.values())}", "music that can be read", "Save or download it again."
        )
    notes = [f"Left out: {problem}." for problem in left_out.values()]
    notes += [
        f"Left out with its artwork: all music for {key}." for key in sorted(set(collection.subjects) - set(subjects))
    ]
    notes += [note for note in uneven(rest) if note not in rest.notes]
    return replace(rest, notes=(*rest.notes, *notes))
