"""The work of `art2mus compose`: batches of artworks through one pipeline into files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from ..audio.files import write_audio
from ..errors import Art2MusError, OutputError
from ..images.reading import read_artwork, thumbnail_jpeg
from ..pipelines import load
from ..pipelines.diffusion import ArtToMusic
from ..pipelines.settings import Settings
from ..types import Artwork, OnStep, Waveform
from .devices import choose_device, choose_precision, visiting
from .planning import Job
from .presenting import installed_version

__all__ = ["Outcome", "Request", "run"]


@dataclass(frozen=True)
class Request:
    """What was asked for; `chosen` holds the settings that were given, by name."""

    model: str
    aligner: str
    device: str
    precision: str
    seed: int
    chosen: dict[str, Any]

    def open(self) -> ArtToMusic:
        """The pipeline, computing where and how it was asked."""
        device = choose_device(self.device)
        pipeline = load(self.model, aligner=self.aligner, dtype=choose_precision(self.precision, device))
        return replace(pipeline, resident=visiting(device))


@dataclass
class Outcome:
    """What became of the jobs."""

    model: str
    seed: int
    settings: Settings | None = None
    pieces: list[dict[str, Any]] = field(default_factory=list)
    failed: list[tuple[Job, Art2MusError]] = field(default_factory=list)
    elapsed: float = 0.0


def run(request: Request, groups: Sequence[Sequence[Job]], on_step: OnStep) -> Outcome:
    """Compose group after group; what cannot be read or written is noted, and the rest goes on.

    Raises:
        Art2MusError: the only job fails, or the model cannot be used.
    """
    started, outcome, pipeline = time.perf_counter(), Outcome(request.model, request.seed), None
    for group in groups:
        ready = _read(group, outcome)
        if ready:
            pipeline = pipeline or request.open()
            _compose(pipeline, ready, request, outcome, on_step)
    if outcome.failed and sum(map(len, groups)) == 1:
        raise outcome.failed[0][1]
    outcome.elapsed = time.perf_counter() - started
    return outcome


def _read(jobs: Sequence[Job], outcome: Outcome) -> list[tuple[Job, Artwork]]:
    ready = []
    for job in jobs:
        try:
            ready.append((job, read_artwork(job.artwork)))
        except Art2MusError as error:
            outcome.failed.append((job, error))
    return ready


def _compose(
    pipeline: ArtToMusic, ready: list[tuple[Job, Artwork]], request: Request, outcome: Outcome, on_step: OnStep
) -> None:
    outcome.settings = pipeline.settings(**request.chosen)
    seeds = [request.seed] * len(ready)
    pieces = pipeline.compose([artwork for _, artwork in ready], seeds=seeds, **request.chosen, on_step=on_step)
    for (job, artwork), piece in zip(ready, pieces, strict=True):
        try:
            _make_folder(job.output.parent)
            tags = _tags(artwork, request, outcome.settings, pipeline.parts.unet.dtype)
            write_audio(job.output, piece, tags=tags, cover=thumbnail_jpeg(artwork))
            outcome.pieces.append(_piece(job, artwork, piece))
        except Art2MusError as error:
            outcome.failed.append((job, error))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"the folder {folder} cannot be made ({error.strerror})",
            "a place you may write to",
            "Choose another place.",
        ) from error


def _tags(artwork: Artwork, request: Request, settings: Settings, dtype: torch.dtype) -> dict[str, str]:
    return {
        "title": artwork.name,
        "artwork": artwork.name,
        "artwork_sha256": artwork.sha256,
        "model": Path(request.model).name,
        "aligner": Path(request.aligner).name,
        "seed": str(request.seed),
        **{name: str(value) for name, value in vars(settings).items()},
        "precision": str(dtype).removeprefix("torch."),
        "software": f"art2mus {installed_version()}",
    }


def _piece(job: Job, artwork: Artwork, piece: Waveform) -> dict[str, Any]:
    return {
        "artwork": str(job.artwork),
        "sha256": artwork.sha256,
        "file": str(job.output),
        "seconds": piece.seconds,
        "sample_rate": piece.sample_rate,
    }
