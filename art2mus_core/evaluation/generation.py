"""Generates the music that is compared: every system's piece for every artwork, in a folder that can be scored.

    OUT/artworks/ID.jpg            the artworks, byte for byte
    OUT/items.json                 captions and groups
    OUT/SYSTEM/ID[--TAKE].flac     pieces, with all settings in their tags
    OUT/reference/ID.flac          real music of the artworks, cut to the pieces' length
    OUT/background/NAME.flac       real music that belongs to none of the artworks, likewise

A sound is kept if its tag `evaluation_key` matches its source, weights and settings. An interrupted run therefore continues
where it stopped, and after a change of the configuration only the affected sounds are generated. Nothing is ever removed:
sounds of other configurations stay in OUT and are not part of the returned collection.
"""

from __future__ import annotations

import filecmp
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ..audio.files import write_audio
from ..audio.reading import read_audio, read_tags
from ..errors import AudioError, EvaluationError
from ..images.listing import list_artworks
from ..pipelines.levelling import piece_tags
from ..pipelines.stages import Resident
from ..placing import make_folder, place
from ..types import OnStep, Step, Waveform
from .captions import add_captions
from .config import EvaluationConfig
from .gathering import gather_artworks, gather_background, skipped_files
from .pairing import shortened
from .reading import read_sounds
from .records import Collection, Piece, Subject
from .remarks import remarks
from .systems import Workshop
from .systems.text import TextSystem

__all__ = ["Generation", "generate"]

KEY = "evaluation_key"


@dataclass(frozen=True)
class Generation:
    """The outcome of a run.

    Attributes:
        collection: all artworks and sounds of the configuration, ready to be scored.
        made: sounds that this run generated.
        kept: sounds that existed before.
        systems: description of each system: its settings, and a digest of its weights.
    """

    collection: Collection
    made: tuple[Path, ...]
    kept: tuple[Path, ...]
    systems: dict[str, dict[str, Any]]


def generate(
    config: EvaluationConfig,
    out: Path,
    *,
    dtype: torch.dtype = torch.float32,
    resident: Resident = nullcontext,
    on_step: OnStep | None = None,
) -> Generation:
    """Generate the sounds of a configuration that do not exist yet.

    Systems run one after the other; a system without missing pieces is not loaded. All settings and weights are checked before
    the first piece is generated.

    Args:
        config: the evaluation.
        out: the folder; it is created if necessary.
        dtype: precision of networks whose system has none in the configuration.
        resident: the caller's memory policy.
        on_step: called after every sound (stage `pieces`) and with the steps of each; raising there stops the run, and the next
            run continues after the last complete sound.

    Raises:
        EvaluationError: artworks without the captions or the music that a system needs.
        Art2MusError: an artwork, a sound or a checkpoint cannot be used, or `out` cannot be written.
    """
    workshop = _set_up(config, out, dtype, resident, on_step)
    background = gather_background(config.background)
    notes = _leave_out(workshop, background.values(), on_step)
    background = {name: path for name, path in background.items() if path not in workshop.left_out}
    real = {path: (source, tags) for source, path, tags in _real(workshop, background)}
    wanted = {path: tags for path, (_, tags) in real.items()}
    wanted |= {job.path: _tags(workshop, name, job) for name in workshop.systems for job in workshop.jobs(name)}
    kept = {path for path, tags in wanted.items() if _is_kept(path, tags)}
    made: list[Path] = []

    def finished(path: Path, waveform: Waveform) -> None:
        write_audio(path, waveform, tags=wanted[path] | piece_tags(waveform), cover=None)
        made.append(path)
        if on_step:
            on_step(Step("pieces", len(made), len(wanted) - len(kept)))

    _lay_out(workshop, [*workshop.systems, *{path.parent.name for path in real}])
    for path, (source, _) in real.items():
        if path not in kept:
            finished(path, read_audio(source, mono=False).cut(workshop.seconds))
    for name, system in workshop.systems.items():
        if todo := [job for job in workshop.jobs(name) if job.path not in kept]:
            for job, piece in zip(todo, system.make(todo, workshop, on_step), strict=True):
                finished(job.path, piece)
    collection = _collected(workshop, background)
    left = [f"Left out: {problem}." for problem in workshop.left_out.values()]
    notes = (*notes, *left, *skipped_files(config), *remarks(collection, workshop.described))
    collection = replace(collection, notes=notes, left_out=workshop.left_out)
    return Generation(collection, tuple(made), tuple(sorted(kept)), workshop.described)


def _set_up(
    config: EvaluationConfig, out: Path, dtype: torch.dtype, resident: Resident, on_step: OnStep | None
) -> Workshop:
    """The workshop with all systems checked, shuffled systems after the systems that they shuffle."""
    left_out: dict[Path, str] = {}
    subjects = gather_artworks(config, on_problem=left_out.__setitem__, on_step=on_step)
    systems = dict(sorted(config.systems.items(), key=lambda each: each[1].kind == "shuffled"))
    workshop = Workshop(out, config.seconds, config.seeds, subjects, systems, dtype, resident, left_out)
    _ = workshop.described
    if config.captions.captioner:
        make_folder(out)  # for the cache of captions
    cache = out / "captions.json"
    captioned = add_captions(subjects, config.captions, cache, dtype=dtype, resident=resident, on_step=on_step)
    if any(isinstance(system, TextSystem) for system in systems.values()):
        _require_captions(captioned.values())
    workshop.subjects = captioned
    return workshop


def _leave_out(workshop: Workshop, background: Iterable[Path], on_step: OnStep | None) -> tuple[str, ...]:
    """Leave out the sounds that cannot be read; returns notes on irregularities in the others."""
    real = [subject.music for subject in workshop.subjects.values() if subject.music]
    files = [*real, *background, *(path for system in workshop.systems.values() for path in system.files(workshop))]
    readings = read_sounds(files, workers=os.cpu_count() or 1, on_step=on_step)
    workshop.left_out |= readings.problems
    workshop.subjects = {
        key: replace(subject, music=None) if subject.music in workshop.left_out else subject
        for key, subject in workshop.subjects.items()
    }
    return readings.notes


def _require_captions(subjects: Iterable[Subject]) -> None:
    if without := [subject.id for subject in subjects if subject.caption is None]:
        raise EvaluationError(
            f"{len(without)} artworks without a caption ({shortened(without, 5)})",
            "a caption for every artwork, as a system of kind `text` requires",
            "Set captions.file to a file of captions, or captions.captioner to a captioner.",
        )


def _tags(workshop: Workshop, name: str, job: Piece) -> dict[str, str]:
    """The tags of a piece, with all settings that it depends on."""
    system, subject = workshop.systems[name], job.subject
    tags = {"title": subject.id, "artwork": subject.id, "artwork_sha256": subject.sha256, "system": name}
    tags |= {key: str(value) for key, value in workshop.described[name].items() if value not in {"", None}}
    tags |= {"seed": str(system.tagged_seed(job))} if system.seeded else {}
    return tags | {**system.source(job, workshop), KEY: workshop.key(name, job)}


def _real(workshop: Workshop, background: dict[str, Path]) -> Iterator[tuple[Path, Path, dict[str, str]]]:
    """Source, destination and tags of each sound of real music."""
    music = {key: subject.music for key, subject in workshop.subjects.items() if subject.music}
    for folder, files in (("reference", music), ("background", background)):
        for name, source in files.items():
            content = workshop.digest(source)
            key = hashlib.sha256(f"{content} {workshop.seconds}".encode()).hexdigest()
            yield source, workshop.out / folder / f"{name}.flac", {"title": name, "music_sha256": content, KEY: key}


def _is_kept(path: Path, tags: dict[str, str]) -> bool:
    try:
        return path.is_file() and read_tags(path).get(KEY) == tags[KEY]
    except AudioError:
        return False


def _lay_out(workshop: Workshop, folders: Iterable[str]) -> None:
    """Create the folders, and write the artworks and items.json.

    Raises:
        EvaluationError: another artwork with the same id exists.
        OutputError: the folder cannot be written.
    """
    out = workshop.out
    for name in ("artworks", *folders):
        make_folder(out / name)
    existing = {path.stem: path for path in list_artworks(out / "artworks")}
    for key, subject in workshop.subjects.items():
        copy = _copy_of(out, subject)
        if existing.get(key, copy) != copy:
            raise EvaluationError(
                f"{existing[key]} exists, and {copy.name} is to be written",
                "one picture for each id",
                "Remove it, or choose another folder.",
            )
        if not (copy.is_file() and filecmp.cmp(subject.picture, copy, shallow=False)):
            place(copy, subject.picture.read_bytes())
    rows = {
        key: {"caption": subject.caption, "music_caption": subject.music_caption, "group": subject.group}
        for key, subject in workshop.subjects.items()
    }
    place(out / "items.json", json.dumps(rows, indent=1, ensure_ascii=False).encode())


def _copy_of(out: Path, subject: Subject) -> Path:
    return out / "artworks" / f"{subject.id}{subject.picture.suffix.lower()}"


def _collected(workshop: Workshop, background: dict[str, Path]) -> Collection:
    out = workshop.out
    subjects = {
        key: replace(each, path=_copy_of(out, each), music=out / "reference" / f"{key}.flac" if each.music else None)
        for key, each in workshop.subjects.items()
    }
    systems = {
        name: tuple(sorted(workshop.jobs(name), key=lambda job: (job.id, job.take))) for name in workshop.systems
    }
    others = tuple(out / "background" / f"{name}.flac" for name in sorted(background))
    return Collection(out, {}, systems, others).with_subjects(subjects)
