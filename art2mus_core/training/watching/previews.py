"""Previews of an aligner in training: a few artworks, composed as `art2mus compose` would with the exported aligner."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from PIL import Image

from ...audio.files import write_audio
from ...errors import DatasetError
from ...evaluation.records import Collection, Piece, Subject
from ...evaluation.report.page import write_page
from ...evaluation.results import Measure, Report, Result
from ...figures.overview import describe_music, draw_overview
from ...figures.paper import save_image
from ...images.reading import read_artwork, thumbnail_jpeg
from ...measure.sound.faults import faults
from ...measure.sound.music import FACTS, Fact, measure
from ...naming import name_files
from ...pipelines.diffusion import ArtToMusic
from ...pipelines.levelling import piece_tags
from ...pipelines.parts import Choice, open_parts
from ...pipelines.prompts import PromptText
from ...pipelines.stages import visiting
from ...placing import place
from ...types import Artwork, Embedding, Waveform
from ..batches import seeded
from ..features.dataset import Dataset
from ..objectives.aligner import AlignerObjective

__all__ = ["MEASURES", "MOST", "Preview", "Previews", "means", "read_music", "write_gallery"]

FEW, MOST = 4, 8
"""Number of artworks by default, and the largest."""

SECONDS, SEED = 6.0, 0
"""The longest pieces, and their seed."""

SHOWN = 12
"""Number of steps on the page, spread over the run."""

LONGEST = 200
"""Bytes of a file's name without its suffix."""

MEASURES = {**FACTS, "repetition": Fact("Repetition")}


@dataclass(frozen=True)
class Preview:
    """An artwork and its music.

    Attributes:
        name: of its files.
        piece: the music.
        sound: file of the music.
        picture: the artwork beside the spectrogram of its music, and what is measured of both.
        values: measures of the music by name, see `MEASURES`.
        key: its key in words.
    """

    name: str
    piece: Waveform
    sound: Path
    picture: Image.Image
    values: dict[str, float]
    key: str


@dataclass
class Previews:
    """The artworks of a run's previews.

    Attributes:
        folder: folder of the previews.
        files: pictures by the name of their files; by default the first ones of the validation split.
    """

    folder: Path
    files: dict[str, Path] = field(default_factory=dict)
    _artworks: list[Artwork] = field(default_factory=list)
    _embedding: Embedding | None = None

    def choose(self, pictures: Sequence[Path]) -> None:
        """Choose and read artworks.

        Raises:
            ArtworkError: one cannot be read.
        """
        names = name_files([path.stem for path in pictures], LONGEST)
        self._artworks, self._embedding = [read_artwork(path) for path in pictures], None
        self.files = {name.stem: path for name, path in zip(names, pictures, strict=True)}

    def compose(self, objective: AlignerObjective, step: int) -> list[Preview]:
        """Compose the artworks with the weights of the objective as they are, and write sounds and pictures.

        Raises:
            DatasetError: no artworks were chosen, and there is no validation split.
            AudioError: music with values that are not finite.
            OutputError: files that cannot be written.
        """
        if not self.files:
            self.choose(_validation_artworks(objective.data))
        device = objective.unet.conv_in.weight.device
        with torch.no_grad(), seeded(SEED, device):
            pieces, tags = self._compose(objective, device)
        folder = self.folder / f"{step:07d}"
        previews = []
        for name, artwork, piece in zip(self.files, self._artworks, pieces, strict=True):
            own = {"title": artwork.name, "artwork": artwork.name, "artwork_sha256": artwork.sha256}
            sound, music = folder / f"{name}.flac", measure(piece)
            told = {**own, "seed": str(SEED), "step": str(step), **piece_tags(piece), **tags}
            write_audio(sound, piece, tags=told, cover=thumbnail_jpeg(artwork))
            described = describe_music(music)
            picture = draw_overview(artwork, piece, audio_statistics=described)
            save_image(picture, sound.with_suffix(".png"))
            repetition = faults(piece.samples[0].numpy(), piece.sample_rate).repetition
            values = {fact: float(getattr(music, fact)) for fact in FACTS} | {"repetition": repetition}
            previews.append(Preview(name, piece, sound, picture, values, str(described["key"])))
        _write_music(self.folder / "music.csv", step, previews)
        return previews

    def _compose(self, objective: AlignerObjective, device: torch.device) -> tuple[list[Waveform], dict[str, str]]:
        """The pieces, and the tags that they share. The image encoder is opened once; VAE and vocoder each time, and freed."""
        options = objective.options
        parts = open_parts(Choice(str(objective.checkpoint), aligner=options.name, support=options.support))
        open_already = {name: getattr(objective, name) for name in ("aligner", "language_model", "unet")}
        vars(parts).update(open_already, encoder_folder=objective.encoder)
        pipeline = ArtToMusic(parts, visiting(device), offload=True)
        settings = pipeline.settings(seconds=min(parts.defaults.seconds, SECONDS))
        tags = pipeline.tags(settings, PromptText())
        if self._embedding is None:
            self._embedding = pipeline.embed(self._artworks)
        noise = settings.noise_seeds([SEED] * len(self._artworks), [artwork.sha256 for artwork in self._artworks])
        return pipeline.perform(pipeline.condition(self._embedding), settings, noise), tags


def _validation_artworks(data: Dataset) -> list[Path]:
    """The first artworks of the validation split.

    Raises:
        DatasetError: there are none.
    """
    pictures = dict.fromkeys(data.pairs[row].artwork for row in data.rows("validation"))
    if not (found := [data.folder / path for path in pictures if path][:FEW]):  # music without an artwork has no path
        raise DatasetError(
            f"previews of the validation split, and {data.folder} has no artworks in it",
            "pairs to validate with, or pictures in the field previews",
            "Name pictures there, or set preview_every to 0.",
        )
    return found


def means(values: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each of the `MEASURES` over the pieces that have it."""
    found = {fact: [own[fact] for own in values if math.isfinite(own[fact])] for fact in MEASURES}
    return {fact: fmean(finite) for fact, finite in found.items() if finite}


def _write_music(path: Path, step: int, previews: Sequence[Preview]) -> None:
    """Add the measures of a step to the table, without those of later steps, which a stopped run left."""
    earlier = [row for row in read_music(path) if int(row["step"]) < step]
    own = [
        {"step": str(step), "artwork": each.name, **{k: f"{v:.6g}" for k, v in each.values.items()}, "key": each.key}
        for each in previews
    ]
    sink = io.StringIO()
    table = csv.DictWriter(sink, ["step", "artwork", *MEASURES, "key"], lineterminator="\n")
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
    """Write the page `index.html`, which shows the artworks and plays the previews of up to `SHOWN` steps.

    Raises:
        OutputError: it cannot be written.
    """
    rows = [row for row in read_music(previews.folder / "music.csv") if row["artwork"] in previews.files]
    steps = list(dict.fromkeys(int(row["step"]) for row in rows))
    chosen = {steps[at] for at in np.unique(np.linspace(0, len(steps) - 1, SHOWN).round().astype(int))} if steps else ()
    subjects = {name: Subject(name, path) for name, path in previews.files.items()}
    systems: dict[str, tuple[Piece, ...]] = {}
    values: dict[str, dict[str, dict[str, float]]] = {}
    for row in (row for row in rows if int(row["step"]) in chosen):
        name, system = row["artwork"], f"step {int(row['step']):,}"
        sound = previews.folder / f"{int(row['step']):07d}" / f"{name}.flac"
        systems[system] = (*systems.get(system, ()), Piece(subjects[name], path=sound))
        values.setdefault(system, {})[name] = {fact: float(row[fact]) for fact in MEASURES}
    measures = {key: Measure(key, fact.title, "heard", "", fact.note, fact.unit) for key, fact in MEASURES.items()}
    figures = {
        system: {key: Result(value, len(own)) for key, value in means([*own.values()]).items()}
        for system, own in values.items()
    }
    report = Report(measures, figures, values, notes=tuple(notes))
    write_page(report, Collection(previews.folder, subjects, systems), previews.folder / "index.html", title=title)
