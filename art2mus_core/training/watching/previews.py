"""Previews of a part in training: a few pieces of music, as the exported part would make them, written, measured and shown on a page."""

from __future__ import annotations

import csv
import io
import math
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from PIL import Image

from ...audio.files import write_audio
from ...evaluation.records import Collection, Piece, Subject
from ...evaluation.report.gallery import REFERENCE
from ...evaluation.report.page import write_page
from ...evaluation.results import Measure, Report, Result
from ...figures.overview import Measured, describe_music, draw_overview, draw_sounds
from ...figures.paper import save_image
from ...images.reading import thumbnail_jpeg
from ...measure.sound.faults import faults
from ...measure.sound.music import FACTS, Fact, Music, measure
from ...pipelines.levelling import piece_tags
from ...placing import place
from ...types import Waveform
from ..batches import seeded
from ..objective import Objective
from .performing import PERFORMERS, SEED, Memory, Performance
from .works import Work, Works, works_of

__all__ = ["MEASURES", "Preview", "Previews", "means", "read_music", "write_gallery"]

SHOWN = 12
"""Number of steps on the page, spread over the run."""

MEASURES = {**FACTS, "repetition": Fact("Repetition")}


@dataclass(frozen=True)
class Preview:
    """A piece of music.

    Attributes:
        name: of its files.
        piece: the music.
        sound: file of the music.
        picture: the artwork beside the spectrogram of its music, and what is measured of both; or the spectrograms of the true
            music and of this.
        values: measures of the music by name, see `MEASURES`.
        key: its key in words.
        work: digest of what was performed.
    """

    name: str
    piece: Waveform
    sound: Path
    picture: Image.Image
    values: dict[str, float]
    key: str
    work: str


@dataclass
class Previews:
    """The previews of a run.

    Attributes:
        folder: folder of the previews.
        works: what is performed, by the name of the files; by default the first of the validation split.
        references: measures of the true music by name, if a stage is to make that.
    """

    folder: Path
    works: Works = field(default_factory=dict)
    references: dict[str, dict[str, float]] = field(default_factory=dict)
    _memory: Memory = field(default_factory=dict)

    def choose(self, pictures: Sequence[Path]) -> None:
        """Choose and read artworks.

        Raises:
            ArtworkError: one cannot be read.
        """
        self.works, self._memory = works_of(pictures), {}

    def perform(self, objective: Objective, step: int) -> list[Preview]:
        """Perform the works with the weights of the objective as they are, and write sounds and pictures.

        Raises:
            DatasetError: no pictures were chosen, and there is no validation split.
            AudioError: music with values that are not finite.
            OutputError: files that cannot be written.
        """
        performer, device = PERFORMERS[objective.config.stage], next(objective.trained.parameters()).device
        self.works = self.works or performer.choose(objective)
        with torch.no_grad(), seeded(SEED, device):
            found = performer.perform(objective, [*self.works.values()], self._memory)
        try:
            previews = [self._written(name, each, step) for name, each in zip(self.works, found, strict=True)]
            _write_music(self.folder / "music.csv", step, previews)
        finally:
            self._tidy()
        return previews

    def _tidy(self) -> None:
        """Delete the folders of steps that are not in the table: what this run, or one that was killed, did not finish."""
        told = {int(row["step"]) for row in read_music(self.folder / "music.csv")}
        for each in self.folder.glob("[0-9]*"):
            if each.name.isdecimal() and int(each.name) not in told:
                shutil.rmtree(each, ignore_errors=True)

    def _written(self, name: str, made: Performance, step: int) -> Preview:
        """Write the music of a work, and once what it is to be."""
        work, sound, music = self.works[name], self.folder / f"{step:07d}" / f"{name}.flac", measure(made.piece)
        if made.true is not None and name not in self.references:
            write_audio(_reference(self.folder, name), made.true, tags={"title": name}, cover=None)
            self.references[name] = _values(made.true, measure(made.true))
        told = {"title": name, "seed": str(SEED), "step": str(step), **piece_tags(made.piece), **made.tags}
        cover = None
        if work.artwork:
            told |= {"title": work.artwork.name, "artwork": work.artwork.name, "artwork_sha256": work.artwork.sha256}
            cover = thumbnail_jpeg(work.artwork)
        write_audio(sound, made.piece, tags=told, cover=cover)
        described = describe_music(music)
        picture = _drawn(work, made, described)
        save_image(picture, sound.with_suffix(".png"))
        return Preview(name, made.piece, sound, picture, _values(made.piece, music), str(described["key"]), work.digest)


def _reference(folder: Path, name: str) -> Path:
    """The file of true music."""
    return folder / REFERENCE / f"{name}.flac"


def _values(piece: Waveform, music: Music) -> dict[str, float]:
    """The `MEASURES` of a piece, of which most are in `music`."""
    repetition = faults(piece.samples[0].numpy(), piece.sample_rate).repetition
    return {fact: float(getattr(music, fact)) for fact in FACTS} | {"repetition": repetition}


def _drawn(work: Work, made: Performance, described: dict[str, Measured]) -> Image.Image:
    if work.artwork:
        return draw_overview(work.artwork, made.piece, audio_statistics=described)
    true = {"True sound": made.true} if made.true else {}
    return draw_sounds({**true, "Generated sound": made.piece})


def means(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each of the `MEASURES` over the pieces that have it."""
    found = {fact: [own[fact] for own in values if math.isfinite(own[fact])] for fact in MEASURES}
    return {fact: fmean(finite) for fact, finite in found.items() if finite}


def _write_music(path: Path, step: int, previews: Sequence[Preview]) -> None:
    """Add the measures of a step to the table, without those of later steps, which a stopped run left."""
    earlier = [row for row in read_music(path) if int(row["step"]) < step]
    own = [
        {"step": str(step), "artwork": each.name, "key": each.key, "work": each.work}
        | {name: f"{value:.6g}" for name, value in each.values.items()}
        for each in previews
    ]
    sink = io.StringIO()
    table = csv.DictWriter(sink, ["step", "artwork", *MEASURES, "key", "work"], lineterminator="\n")
    table.writeheader()
    table.writerows([*earlier, *own])
    place(path, sink.getvalue().encode(errors="surrogateescape"))


def read_music(path: Path) -> list[dict[str, str]]:
    """The rows of a table of previews; none if there is no file."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return list(csv.DictReader(file))


def write_gallery(previews: Previews, title: str, notes: Sequence[str] = ()) -> None:
    """Write the page `index.html`, which shows the works and plays the previews of up to `SHOWN` steps, and the true music.

    Raises:
        OutputError: it cannot be written.
    """
    rows = [row for row in read_music(previews.folder / "music.csv") if _is_of(row, previews.works)]
    steps = list(dict.fromkeys(int(row["step"]) for row in rows))
    chosen = {steps[at] for at in np.unique(np.linspace(0, len(steps) - 1, SHOWN).round().astype(int))} if steps else ()
    subjects = {name: _subject(previews, name) for name in previews.works}
    systems: dict[str, tuple[Piece, ...]] = {}
    values: dict[str, dict[str, dict[str, float]]] = {}
    for row in (row for row in rows if int(row["step"]) in chosen):
        name, system = row["artwork"], f"step {int(row['step']):,}"
        sound = previews.folder / f"{int(row['step']):07d}" / f"{name}.flac"
        systems[system] = (*systems.get(system, ()), Piece(subjects[name], path=sound))
        values.setdefault(system, {})[name] = {fact: float(row[fact]) for fact in MEASURES}
    values |= {REFERENCE: previews.references} if previews.references else {}
    measures = {key: Measure(key, fact.title, "heard", "", fact.note, fact.unit) for key, fact in MEASURES.items()}
    figures = {
        system: {key: Result(value, len(own)) for key, value in means([*own.values()]).items()}
        for system, own in values.items()
    }
    report = Report(measures, figures, values, notes=tuple(notes))
    write_page(report, Collection(previews.folder, subjects, systems), previews.folder / "index.html", title=title)


def _is_of(row: dict[str, str], works: Works) -> bool:
    """Whether a row is of one of the works; those of earlier versions have no digest, and are known by their names alone."""
    work = works.get(row["artwork"])
    return work is not None and (row.get("work") or work.digest) == work.digest


def _subject(previews: Previews, name: str) -> Subject:
    work, true = previews.works[name], _reference(previews.folder, name) if name in previews.references else None
    return Subject(name, work.picture, caption=" · ".join(work.comments) or None, music=true)
