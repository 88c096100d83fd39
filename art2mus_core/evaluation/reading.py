"""Reads and measures the files of a collection, each once. A file that cannot be read does not stop the others.

Sounds and artworks are decoded and measured in several processes; embeddings are computed in the calling process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from ..audio.reading import read_audio
from ..datasets.workers import spread
from ..errors import Art2MusError, EvaluationError, OutputError
from ..images.reading import read_artwork
from ..measure.sound.faults import Faults, faults
from ..measure.sound.music import Music, check_length, measure_samples
from ..types import Artwork, OnStep, Step, Waveform
from .records import Collection
from .remarks import uneven

__all__ = ["Content", "Readings", "measure_piece", "read_files", "read_sounds"]

Content = Waveform | Artwork


@dataclass(frozen=True)
class Readings:
    """The outcome of reading files.

    Attributes:
        values: the measurements of each file that can be used.
        notes: irregularities in files that can be used.
        problems: why the other files cannot be used.
    """

    values: Mapping[Path, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    problems: Mapping[Path, str] = field(default_factory=dict)


def measure_piece(sound: Waveform) -> tuple[Music, Faults]:
    """The musical measurements and the faults of a piece.

    Raises:
        AudioError: less than a second, or samples that are not finite.
    """
    check_length(sound)
    samples = sound.samples[0].numpy()
    return measure_samples(samples, sound.sample_rate), faults(samples, sound.sample_rate)


def read_files(
    collection: Collection,
    *,
    pieces: Callable[[Waveform], Any] | None = None,
    music: Callable[[Waveform], Any] | None = None,
    background: Callable[[Waveform], Any] | None = None,
    artworks: Callable[[Artwork], Any] | None = None,
    on_content: Callable[[Path, Content], None] | None = None,
    workers: int = 1,
    on_step: OnStep | None = None,
) -> tuple[Collection, Readings]:
    """The collection without files that cannot be read, with notes on them; and the measurements of the others.

    A piece, a reference or a background sound is left out by itself, an artwork together with all its music. The measuring
    functions must be importable by other processes; a file for which one raises is left out.

    Args:
        collection: the files to read.
        pieces: measures a piece, [1, channels, N].
        music: measures an artwork's real music.
        background: measures a sound of the background.
        artworks: measures a picture.
        on_content: called in this process with each file's content, after it was measured; if it raises, the file is left out.
        workers: number of processes.
        on_step: called after each file.

    Raises:
        EvaluationError: no piece is left.
    """
    paths = [piece.path for own in collection.systems.values() for piece in own]
    measures: dict[Path, Callable[[Any], Any] | None] = {
        **dict.fromkeys(collection.background, background),
        **dict.fromkeys(collection.reference.values(), music),
        **dict.fromkeys(paths, pieces),
    }
    wanted = on_content is not None
    tasks = [_Task(path, measure, wanted=wanted) for path, measure in measures.items()]
    tasks += [_Task(path, artworks, wanted=wanted, picture=True) for path in collection.artworks.values()]
    readings = _read(tasks, on_content, workers, on_step)
    noted = replace(collection, notes=(*collection.notes, *readings.notes))
    return (_without(noted, readings.problems) if readings.problems else noted), readings


def read_sounds(paths: Iterable[Path], *, workers: int = 1, on_step: OnStep | None = None) -> Readings:
    """Read sound files, each once, without measuring them."""
    return _read([_Task(path) for path in dict.fromkeys(paths)], None, workers, on_step)


class _Task(NamedTuple):
    """A file, the function that measures it, and whether its content is to be returned."""

    path: Path
    measure: Callable[[Any], Any] | None = None
    wanted: bool = False
    picture: bool = False


class _Outcome(NamedTuple):
    problem: str = ""
    notes: tuple[str, ...] = ()
    value: Any = None
    content: Content | None = None


def _read(
    tasks: list[_Task], on_content: Callable[[Path, Content], None] | None, workers: int, on_step: OnStep | None
) -> Readings:
    values: dict[Path, Any] = {}
    notes: list[str] = []
    problems: dict[Path, str] = {}
    for done, (task, outcome) in enumerate(zip(tasks, spread(_run, tasks, workers), strict=True), 1):
        problem = outcome.problem
        if on_content is not None and outcome.content is not None:
            try:
                on_content(task.path, outcome.content)
            except Exception as error:  # noqa: BLE001 - see _run
                problem = _problem(task.path, error)
        if problem:
            problems[task.path] = problem
        else:
            values[task.path] = outcome.value
            notes += outcome.notes
        if on_step:
            on_step(Step("read", done, len(tasks)))
    return Readings(values, tuple(notes), problems)


def _run(task: _Task) -> _Outcome:
    notes: list[str] = []
    try:
        content = read_artwork(task.path) if task.picture else read_audio(task.path, mono=False, on_note=notes.append)
        value = task.measure(content) if task.measure else None
    except Exception as error:  # noqa: BLE001 - whatever a library raises for one file, the others can still be read
        return _Outcome(_problem(task.path, error))
    return _Outcome("", tuple(notes), value, content if task.wanted else None)


def _problem(path: Path, error: Exception) -> str:
    """Why a file cannot be used; errors that do not concern the file are raised again."""
    if isinstance(error, OutputError | MemoryError):
        raise error
    if isinstance(error, Art2MusError):
        return error.came if str(path) in error.came else f"{path} contains {error.came}"
    return f"{path} cannot be read ({type(error).__name__}: {' '.join(str(error).split())})"


def _without(collection: Collection, left_out: Mapping[Path, str]) -> Collection:
    subjects = {
        key: replace(subject, music=None) if subject.music in left_out else subject
        for key, subject in collection.subjects.items()
        if subject.path not in left_out
    }
    rest = replace(
        collection,
        systems={
            name: tuple(piece for piece in own if piece.path not in left_out)
            for name, own in collection.systems.items()
        },
        background=tuple(path for path in collection.background if path not in left_out),
        left_out={**collection.left_out, **left_out},
    ).with_subjects(subjects)
    if not rest.systems:
        raise EvaluationError(
            f"no piece is left: {'; '.join(left_out.values())}", "music that can be read", "Save or download it again."
        )
    lost = sorted(set(collection.subjects) - set(subjects))
    notes = [f"Left out: {problem}." for problem in left_out.values()]
    notes += [f"Left out with its artwork: all music for {key}." for key in lost]
    notes += [note for note in uneven(rest) if note not in rest.notes]
    return replace(rest, notes=(*rest.notes, *notes))
