"""The work of `art2mus compose`: batches of artworks through one pipeline into files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..audio.files import write_audio
from ..errors import Art2MusError, ArtworkError, CheckpointError
from ..images.reading import read_artwork, thumbnail_jpeg
from ..pipelines import load
from ..pipelines.candidates import Candidate, compose_candidates
from ..pipelines.diffusion import ArtToMusic
from ..pipelines.settings import Settings, at_once
from ..pipelines.words import Words
from ..types import Artwork, OnStep, Step
from .devices import choose_device, choose_precision
from .planning import Job
from .version import installed_version

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
    encoder: str | None = None
    support: str = "model"
    heads: str = "config"
    text: str | None = None
    negative: str | None = None
    candidates: int = 1
    keep_all: bool = False
    no_replace: bool = False

    def open(self, *, frugal: bool) -> ArtToMusic:
        """The pipeline, computing where and how it was asked.

        Args:
            frugal: forget each network after its work, because there is no more of it.
        """
        device = choose_device(self.device)
        return load(
            self.model,
            aligner=self.aligner,
            encoder=self.encoder,
            support=self.support,
            heads=self.heads,
            dtype=choose_precision(self.precision, device),
            device=device,
            frugal=frugal,
        )

    @property
    def in_one_batch(self) -> bool:
        """Whether the candidates for one artwork are composed all at once."""
        return self.candidates <= at_once(self.chosen.get("seconds", Settings.seconds))

    @property
    def words(self) -> Words | None:
        """Text beside the artworks, if there is any."""
        return None if self.text is None and self.negative is None else Words(self.text, self.negative)


@dataclass
class Outcome:
    """What became of the jobs; the files `kept` were there before, and were not to be replaced."""

    model: str
    seed: int
    settings: Settings | None = None
    pieces: list[dict[str, Any]] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    failed: list[tuple[Job, Art2MusError]] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)
    elapsed: float = 0.0


class _Clock:
    """An `on_step` that adds up what each stage took, and passes everything on."""

    def __init__(self, stages: dict[str, float], on_step: OnStep) -> None:
        self.stages, self.on_step, self.latest = stages, on_step, time.perf_counter()

    def __call__(self, step: Step) -> None:
        now = time.perf_counter()
        self.stages[step.stage] = self.stages.get(step.stage, 0.0) + now - self.latest
        self.latest = now
        self.on_step(step)


def run(request: Request, groups: Sequence[Sequence[Job]], on_step: OnStep) -> Outcome:
    """Compose group after group; an artwork that fails is noted with its reason, and the rest goes on.

    Raises:
        Art2MusError: all fail for one reason, or the model cannot be used.
    """
    started, outcome, pipeline = time.perf_counter(), Outcome(request.model, request.seed), None
    clock, said = _Clock(outcome.stages, on_step), None
    for group in groups:
        ready = _read(group, outcome)
        if ready:
            if pipeline is None:
                pipeline = request.open(frugal=len(groups) == 1 and request.in_one_batch)
                said = pipeline.read(request.words, on_step=clock) if request.words else None
            _compose_each(pipeline, ready, request, outcome, {"said": said, "on_step": clock})
    if not outcome.pieces and len({error.came for _, error in outcome.failed}) == 1:
        raise outcome.failed[0][1]
    outcome.elapsed = time.perf_counter() - started
    return outcome


def _read(jobs: Sequence[Job], outcome: Outcome) -> list[tuple[Job, Artwork]]:
    ready = []
    for job in jobs:
        try:
            ready.append((job, read_artwork(job.artwork)))
        except Exception as error:  # noqa: BLE001  one picture, whatever is wrong with it
            outcome.failed.append((job, _told(job, error)))
    return ready


def _told(job: Job, error: Exception) -> Art2MusError:
    """What happened to an artwork, for a person; without a traceback, which would keep tensors alive."""
    if isinstance(error, Art2MusError):
        return error.with_traceback(None)
    return ArtworkError(
        f"{job.artwork} has no music ({type(error).__name__}: {error})",
        "an artwork like the others",
        "Compose it alone, and report the fault if it happens again.",
    )


def _compose_each(
    pipeline: ArtToMusic,
    ready: list[tuple[Job, Artwork]],
    request: Request,
    outcome: Outcome,
    beside: dict[str, Any],
) -> None:
    """Compose artworks together; if that fails, each alone, so that one takes no others along.

    Raises:
        CheckpointError: no artwork is to blame, but the model.
    """
    try:
        _compose(pipeline, ready, request, outcome, beside)
    except CheckpointError:
        raise
    except Exception as error:  # noqa: BLE001  one artwork, whatever is wrong with it
        failed = _told(ready[0][0], error)
    else:
        return
    if len(ready) == 1:
        outcome.failed.append((ready[0][0], failed))
        return
    for each in ready:
        _compose_each(pipeline, [each], request, outcome, beside)


def _compose(
    pipeline: ArtToMusic,
    ready: list[tuple[Job, Artwork]],
    request: Request,
    outcome: Outcome,
    beside: dict[str, Any],
) -> None:
    outcome.settings = pipeline.settings(**request.chosen)
    made = _made(pipeline, request, outcome.settings)
    asked = {**request.chosen, **beside}
    if request.candidates > 1:
        ((job, artwork),) = ready
        ranked = compose_candidates(pipeline, artwork, request.candidates, seed=request.seed, **asked)
        chosen = ranked if request.keep_all or ranked[0].score is None else ranked[:1]
        pieces = _written(job, artwork, chosen, made, outcome, no_replace=request.no_replace)
        scores = [{"seed": each.seed, "score": each.score} for each in ranked]
        outcome.pieces += [{**piece, "candidates": scores} for piece in pieces[:1]] + pieces[1:]
        return
    composed = pipeline.compose([artwork for _, artwork in ready], seeds=[request.seed] * len(ready), **asked)
    for (job, artwork), piece in zip(ready, composed, strict=True):
        alone = [Candidate(piece, request.seed)]
        outcome.pieces += _written(job, artwork, alone, made, outcome, no_replace=request.no_replace)


def _written(
    job: Job, artwork: Artwork, ranked: Sequence[Candidate], made: dict[str, str], outcome: Outcome, *, no_replace: bool
) -> list[dict[str, Any]]:
    """Write the pieces for an artwork, the best first."""
    pieces = []
    try:
        for path, candidate in zip(job.outputs, ranked, strict=False):
            replaced = path.exists()
            tags = {**_tags(artwork, candidate), **made}
            write_audio(path, candidate.piece, tags=tags, cover=thumbnail_jpeg(artwork), no_replace=no_replace)
            pieces.append(_piece(job, path, artwork, candidate) | {"replaced": replaced})
    except Exception as error:  # noqa: BLE001  one artwork, whatever is wrong with it
        outcome.failed.append((job, _told(job, error)))
    return pieces


def _tags(artwork: Artwork, candidate: Candidate) -> dict[str, str]:
    """What is a piece's own."""
    tags = {
        "title": artwork.name,
        "artwork": artwork.name,
        "artwork_sha256": artwork.sha256,
        "seed": str(candidate.seed),
    }
    return tags if candidate.score is None else {**tags, "score": f"{candidate.score:.4f}"}


def _made(pipeline: ArtToMusic, request: Request, settings: Settings) -> dict[str, str]:
    """What made all pieces; of what few checkpoints have, only what was asked for."""
    rare = {
        "heads": request.heads if request.heads != "config" else None,
        "support": pipeline.parts.constants.support if request.text is None else None,
        "text": request.text,
        "negative": pipeline.parts.constants.negative if request.negative is None else request.negative,
    }
    return {
        "model": Path(request.model).name,
        "image_encoder": pipeline.parts.aligner.space,
        "aligner": Path(request.aligner).name,
        **{name: str(value) for name, value in vars(settings).items()},
        "precision": str(pipeline.parts.dtype).removeprefix("torch."),
        **{name: value for name, value in rare.items() if value},
        "software": f"art2mus {installed_version()}",
    }


def _piece(job: Job, path: Path, artwork: Artwork, candidate: Candidate) -> dict[str, Any]:
    piece = {
        "artwork": str(job.artwork),
        "sha256": artwork.sha256,
        "notes": [*artwork.notes, *([job.note] if job.note else [])],
        "file": str(path),
        "seconds": candidate.piece.seconds,
        "sample_rate": candidate.piece.sample_rate,
        "seed": candidate.seed,
    }
    return piece if candidate.score is None else {**piece, "score": candidate.score}
