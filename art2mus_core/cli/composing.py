"""Compose batches of artworks with one pipeline, and write the pieces to files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from ..audio.files import write_audio
from ..checkpoints.memory import allocating, keep_freed
from ..errors import Art2MusError, ArtworkError, CheckpointError
from ..images.reading import read_artwork, thumbnail_jpeg
from ..pipelines.candidates import Candidate, compose_candidates
from ..pipelines.choice import Choice
from ..pipelines.comments import NOTHING, Comments, tidied
from ..pipelines.levelling import piece_tags
from ..pipelines.prompts import EncodedText, PromptText
from ..pipelines.routes import (
    ArtworkPipeline,
    CommentPipeline,
    open_route,
)
from ..pipelines.settings import Settings, at_once
from ..pipelines.stages import visiting
from ..types import Artwork, OnStep
from .devices import REMEDY, warn_if_emulated
from .outcomes import Clock, Outcome
from .outputs import installed_version
from .planning import Job

__all__ = ["Composer", "Request", "run"]


@dataclass(frozen=True)
class Request:
    """The options of the command; `chosen` has the settings that the user gave, by name."""

    choice: Choice
    device: torch.device
    seed: int
    chosen: dict[str, Any] = field(hash=False)
    text: str | None = None
    negative: str | None = None
    told: Comments = NOTHING
    candidates: int = 1
    keep_all: bool = False
    no_replace: bool = False

    @property
    def batch(self) -> int:
        """Pieces that are composed at once: one on a processor, where more are hardly faster, so that a piece is the same in any company."""
        return 1 if self.device.type == "cpu" else at_once(self.chosen.get("seconds", Settings.seconds))

    @property
    def prompt(self) -> PromptText:
        """The text prompts."""
        return PromptText(self.text, self.negative)


class Composer:
    """Composes groups of artworks with one pipeline, which is opened for the first of them.

    Args:
        request: the options.
        once: there is one group, so that the memory of a network is freed after its stage.
        warned: a precision that the device emulates causes a warning.
    """

    def __init__(self, request: Request, *, once: bool = False, warned: bool = True) -> None:
        self.request, self.once, self.warned = request, once, warned
        self.pipeline: ArtworkPipeline | None = None
        self.text: EncodedText | None = None
        self.notes: list[str] = []

    def compose(self, group: Sequence[Job], outcome: Outcome, clock: Clock) -> None:
        """Compose a group; an artwork that fails is recorded, and the others are still composed.

        Raises:
            Art2MusError: the model cannot be used.
        """
        ready = _read(group, outcome)
        if not ready:
            return
        if self.pipeline is None:
            self.pipeline = self._opened(clock)
        outcome.precision = str(_dtype(self.pipeline, self.request)).removeprefix("torch.")
        outcome.notes = self.notes
        _compose_each(self.pipeline, ready, self.request, outcome, {"text": self.text, "on_step": clock})

    def _opened(self, clock: Clock) -> ArtworkPipeline:
        request = self.request
        keep_freed()
        pipeline = _open(request, once=self.once)
        if self.warned:
            warn_if_emulated(_dtype(pipeline, request), request.device, REMEDY)
        if request.text is not None or request.negative is not None:
            self.text = pipeline.encode_text(request.prompt, on_step=clock)
        if isinstance(pipeline, CommentPipeline):
            self.notes = pipeline.remarks(request.told.texts, request.seed)
        return pipeline


def run(request: Request, groups: Sequence[Sequence[Job]], on_step: OnStep) -> Outcome:
    """Compose group after group in this process; an artwork that fails is recorded, and the others are still composed.

    Raises:
        Art2MusError: all artworks fail for one reason, or the model cannot be used.
    """
    started, outcome = time.perf_counter(), Outcome(request.choice.checkpoint, request.seed, prompt=request.prompt)
    composer, clock = Composer(request, once=len(groups) == 1), Clock(outcome.stages, on_step)
    for group in groups:
        composer.compose(group, outcome, clock)
    outcome.check()
    outcome.elapsed = time.perf_counter() - started
    return outcome


def _open(request: Request, *, once: bool) -> ArtworkPipeline:
    """Open the pipeline; if each stage runs only `once`, its network's memory is freed after it."""
    once = once and request.candidates <= request.batch
    opened: ArtworkPipeline = open_route(request.choice, "artwork", resident=visiting(request.device), offload=once)
    opened.settings(**request.chosen)  # a preset that the model lacks is an error of no artwork
    return opened


def _dtype(pipeline: ArtworkPipeline, request: Request) -> torch.dtype:
    """The precision of those networks that do not always compute in float32."""
    return pipeline.dtype if isinstance(pipeline, CommentPipeline) else request.choice.dtype


def _read(jobs: Sequence[Job], outcome: Outcome) -> list[tuple[Job, Artwork]]:
    ready = []
    for job in jobs:
        try:
            ready.append((job, read_artwork(job.artwork)))
        except Exception as error:  # noqa: BLE001  one picture must not stop the others
            outcome.failed.append((job, _failure(job, error)))
    return ready


def _failure(job: Job, error: Exception) -> Art2MusError:
    """The error to report for an artwork, without its traceback, which would keep tensors in memory."""
    if isinstance(error, Art2MusError):
        return error.with_traceback(None)
    return ArtworkError(
        f"{job.artwork} has no music ({type(error).__name__}: {error})",
        "an artwork like the others",
        "Compose it alone, and report the fault if it happens again.",
    )


def _compose_each(
    pipeline: ArtworkPipeline,
    ready: list[tuple[Job, Artwork]],
    request: Request,
    outcome: Outcome,
    inputs: dict[str, Any],
) -> None:
    """Compose artworks in one batch; if that fails, compose each alone, so that only those at fault are missing.

    Raises:
        CheckpointError: the model is at fault.
    """
    try:
        with allocating(f"music of {request.chosen.get('seconds', Settings.seconds):g} s"):
            _compose(pipeline, ready, request, outcome, inputs)
    except CheckpointError:
        raise
    except Exception as error:  # noqa: BLE001  one artwork must not stop the others
        failed = _failure(ready[0][0], error)
    else:
        return
    if len(ready) == 1:
        outcome.failed.append((ready[0][0], failed))
        return
    for each in ready:
        _compose_each(pipeline, [each], request, outcome, inputs)


def _compose(
    pipeline: ArtworkPipeline,
    ready: list[tuple[Job, Artwork]],
    request: Request,
    outcome: Outcome,
    inputs: dict[str, Any],
) -> None:
    outcome.settings = pipeline.settings(**request.chosen)
    said: dict[str, Any] = {}
    if isinstance(pipeline, CommentPipeline):
        said = {"comments": [request.told.texts] * len(ready), "balance": request.told.balance}
        outcome.told = replace(request.told, texts=tidied(request.told.texts))
        shared = pipeline.tags(outcome.settings, request.prompt, request.told)
    else:
        shared = pipeline.tags(outcome.settings, request.prompt)
    outcome.space, outcome.encoder = shared.get("image_encoder"), shared.get("encoder_model")
    made = {**shared, "software": f"art2mus {installed_version()}"}
    asked = {**request.chosen, **inputs, **said}
    if request.candidates > 1:
        ((job, artwork),) = ready
        ranked = compose_candidates(
            pipeline, artwork, request.candidates, seed=request.seed, batch=request.batch, **asked
        )
        chosen = ranked if request.keep_all or not ranked[0].scores else ranked[:1]
        pieces = _written(job, artwork, chosen, made, outcome, no_replace=request.no_replace)
        scores = [{"seed": each.seed, **each.scores} for each in ranked]
        outcome.pieces += [{**piece, "candidates": scores} for piece in pieces[:1]] + pieces[1:]
        return
    composed = pipeline.compose([artwork for _, artwork in ready], seeds=[request.seed] * len(ready), **asked)
    for (job, artwork), piece in zip(ready, composed, strict=True):
        alone = [Candidate(piece, request.seed)]
        outcome.pieces += _written(job, artwork, alone, made, outcome, no_replace=request.no_replace)


def _written(
    job: Job, artwork: Artwork, ranked: Sequence[Candidate], made: dict[str, str], outcome: Outcome, *, no_replace: bool
) -> list[dict[str, Any]]:
    """Write the pieces for an artwork, best first, and describe each."""
    pieces = []
    try:
        for path, candidate in zip(job.outputs, ranked, strict=False):
            replaced = path.exists()
            tags = {"title": artwork.name, "artwork": artwork.name, "artwork_sha256": artwork.sha256}
            scores = {name: f"{value:.4f}" for name, value in candidate.scores.items()}
            tags |= {"seed": str(candidate.seed), **scores, **piece_tags(candidate.piece), **made}
            write_audio(path, candidate.piece, tags=tags, cover=thumbnail_jpeg(artwork), no_replace=no_replace)
            pieces.append(_piece(job, path, artwork, candidate) | {"replaced": replaced})
    except Exception as error:  # noqa: BLE001  one artwork must not stop the others
        outcome.failed.append((job, _failure(job, error)))
    return pieces


def _piece(job: Job, path: Path, artwork: Artwork, candidate: Candidate) -> dict[str, Any]:
    return {
        "artwork": str(job.artwork),
        "sha256": artwork.sha256,
        "notes": [*artwork.notes, *([job.note] if job.note else [])],
        "file": str(path),
        "seconds": candidate.piece.seconds,
        "sample_rate": candidate.piece.sample_rate,
        "seed": candidate.seed,
        "gain_db": candidate.piece.gain,
        **candidate.piece.plan,
        **candidate.scores,
    }
