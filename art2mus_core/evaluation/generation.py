"""Makes what is compared: every system's piece for every artwork, in a folder that can be scored, shown and gone on with.

    OUT/artworks/ID.jpg            the artworks, byte for byte
    OUT/items.json                 captions and groups
    OUT/SYSTEM/ID[--TAKE].flac     pieces; all that made them is in their tags
    OUT/reference/ID.flac          real music of the artworks, cut to the pieces' length
    OUT/background/NAME.flac       real music of no artwork here, likewise

A sound whose tag `evaluation_key` says that it would be made again from the same, by the same and in the same way is kept,
so that a run that was stopped goes on, and one whose configuration changed makes what is new. Nothing is ever removed: what
lies in OUT from other configurations stays there, and is no part of the collection that is returned.
"""

from __future__ import annotations

import filecmp
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ..audio.files import write_audio
from ..audio.reading import read_audio, read_tags
from ..errors import AudioError, EvaluationError, OutputError
from ..images.listing import list_artworks
from ..pipelines.stages import Resident
from ..placing import make_folder, place, replacing
from ..types import OnStep, Step, Waveform
from .captions import add_captions
from .config import EvaluationConfig
from .gathering import gather_artworks, gather_background, skipped_files
from .reading import read_sounds
from .records import Collection, Piece, Subject
from .remarks import remarks
from .systems import Workshop
from .systems.text import TextSystem

__all__ = ["Generation", "generate"]

KEY = "evaluation_key"


@dataclass(frozen=True)
class Generation:
    """What a run left behind.

    Attributes:
        collection: everything that the configuration names, ready to be scored.
        made: sounds that this run made.
        kept: sounds that were there.
        systems: what made each system's pieces: settings, and a digest of the weights.
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
    """Make everything that a configuration names and that is not there yet.

    One system works after the other, and none is opened that has nothing to do. All settings and weights are checked before
    the first piece is made.

    Args:
        config: what is compared.
        out: the folder; it is made if it is not there.
        dtype: precision of networks whose system names none.
        resident: the caller's memory policy.
        on_step: told of every sound (stage `pieces`), and of the steps of each; raising there stops the run, and the next one
            goes on behind the last whole sound.

    Raises:
        EvaluationError: artworks without the captions or the music that a system needs.
        Art2MusError: an artwork, a sound or a checkpoint cannot be used, or `out` cannot be written.
    """
    workshop = _set_up(config, out, dtype, resident, on_step)
    background = gather_background(config.background)
    notes = _leave_out(workshop, background.values(), on_step)
    background = {name: path for name, path in background.items() if path not in workshop.left_out}
    plans = {name: {job: _tags(workshop, name, job) for job in workshop.jobs(name)} for name in workshop.systems}
    real = {path: (source, tags) for source, path, tags in _real(workshop, background)}
    wanted = {path: tags for path, (_, tags) in real.items()}
    wanted |= {job.path: tags for plan in plans.values() for job, tags in plan.items()}
    kept = {path for path, tags in wanted.items() if _is_kept(path, tags)}
    made: list[Path] = []

    def finished(path: Path, waveform: Waveform) -> None:
        write_audio(path, waveform, tags=wanted[path], cover=None)
        made.append(path)
        if on_step:
            on_step(Step("pieces", len(made), len(wanted) - len(kept)))

    _lay_out(workshop, [*plans, *{path.parent.name for path in real}])
    for path, (source, _) in real.items():
        if path not in kept:
            finished(path, read_audio(source).cut(workshop.seconds))
    for name, plan in plans.items():
        todo = [job for job in plan if job.path not in kept]
        if todo:
            for job, piece in zip(todo, workshop.systems[name].make(todo, workshop, on_step), strict=True):
                finished(job.path, piece)
    described = workshop.described
    collection = _collected(workshop, plans, background)
    left = [f"Left out: {problem}." for problem in workshop.left_out.values()]
    notes = (*notes, *left, *skipped_files(config), *remarks(collection, described))
    collection = replace(collection, notes=notes, left_out=workshop.left_out)
    return Generation(collection, tuple(made), tuple(sorted(kept)), described)


def _set_up(
    config: EvaluationConfig, out: Path, dtype: torch.dtype, resident: Resident, on_step: OnStep | None
) -> Workshop:
    """The workshop, every system in it checked, shuffled ones behind those that they shuffle."""
    left_out: dict[Path, str] = {}
    subjects = gather_artworks(config, on_problem=left_out.__setitem__, on_step=on_step)
    systems = dict(sorted(config.systems.items(), key=lambda each: each[1].kind == "shuffled"))
    workshop = Workshop(out, config.seconds, config.seeds, subjects, systems, dtype, resident, left_out)
    _ = workshop.described
    if config.captions.captioner:
        make_folder(out)  # its words are kept there
    cache = out / "captions.json"
    captioned = add_captions(subjects, config.captions, cache, dtype=dtype, resident=resident, on_step=on_step)
    if any(isinstance(system, TextSystem) for system in systems.values()):
        _require_captions(captioned.values())
    workshop.subjects = captioned
    return workshop


def _leave_out(workshop: Workshop, background: Iterable[Path], on_step: OnStep | None) -> tuple[str, ...]:
    """Leave out the sounds that cannot be read; what is odd about others is returned."""
    real = [subject.music for subject in workshop.subjects.values() if subject.music]
    files = [*real, *background, *(path for system in workshop.systems.values() for path in system.files(workshop))]
    looked = read_sounds(files, workers=os.cpu_count() or 1, on_step=on_step)
    workshop.left_out |= looked.problems
    workshop.subjects = {
        key: replace(subject, music=None) if subject.music in workshop.left_out else subject
        for key, subject in workshop.subjects.items()
    }
    return looked.notes


def _require_captions(subjects: Iterable[Subject]) -> None:
    if without := [subject.id for subject in subjects if subject.caption is None]:
        shown = ", ".join(without[:5]) + (" ..." if len(without) > 5 else "")
        raise EvaluationError(
            f"{len(without)} artworks without a caption ({shown})",
            "a caption for every artwork, which a system of kind `text` turns into music",
            "Name a file with theirs under captions.file, or a captioner under captions.captioner.",
        )


def _tags(workshop: Workshop, name: str, job: Piece) -> dict[str, str]:
    """The tags of a piece, which say all of what makes it."""
    system, subject = workshop.systems[name], job.subject
    tags = {"title": subject.id, "artwork": subject.id, "artwork_sha256": subject.sha256, "system": name}
    tags |= {key: str(value) for key, value in workshop.described[name].items() if value not in {"", None}}
    tags |= {"seed": str(job.seed)} if system.seeded else {}
    return tags | {**system.source(job, workshop), KEY: workshop.key(name, job)}


def _real(workshop: Workshop, background: dict[str, Path]) -> Iterator[tuple[Path, Path, dict[str, str]]]:
    """Real music: where it comes from, where it goes to, its tags."""
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
    """Folders, the artworks and what is known of them.

    Raises:
        EvaluationError: another artwork of the same id lies there.
        OutputError: the place cannot be written.
    """
    out = workshop.out
    for name in ("artworks", *folders):
        make_folder(out / name)
    there = {path.stem: path for path in list_artworks(out / "artworks")}
    for key, subject in workshop.subjects.items():
        copy = _copy_of(out, subject)
        if there.get(key, copy) != copy:
            raise EvaluationError(
                f"{there[key]} beside {copy.name}, which is to be written",
                "one picture an id",
                "Remove it, or choose another folder.",
            )
        if not (copy.is_file() and filecmp.cmp(subject.picture, copy, shallow=False)):
            _copy(subject.picture, copy)
    rows = {
        key: {"caption": subject.caption, "music_caption": subject.music_caption, "group": subject.group}
        for key, subject in workshop.subjects.items()
    }
    place(out / "items.json", json.dumps(rows, indent=1, ensure_ascii=False).encode())


def _copy(source: Path, copy: Path) -> None:
    try:
        with replacing(copy) as partial:
            shutil.copyfile(source, partial)
    except OSError as error:
        raise OutputError(
            f"{copy} cannot be written ({error.strerror or error})", "a place with room", "Choose another place."
        ) from error


def _copy_of(out: Path, subject: Subject) -> Path:
    return out / "artworks" / f"{subject.id}{subject.picture.suffix.lower()}"


def _collected(
    workshop: Workshop, plans: dict[str, dict[Piece, dict[str, str]]], background: dict[str, Path]
) -> Collection:
    out = workshop.out
    subjects = {
        key: replace(each, path=_copy_of(out, each), music=out / "reference" / f"{key}.flac" if each.music else None)
        for key, each in workshop.subjects.items()
    }
    systems = {name: tuple(sorted(plan, key=lambda job: (job.id, job.take))) for name, plan in plans.items()}
    behind = tuple(out / "background" / f"{name}.flac" for name in sorted(background))
    return Collection(out, {}, systems, behind).of(subjects)
