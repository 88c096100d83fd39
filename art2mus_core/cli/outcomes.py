"""What composing gave: the pieces, the failures, and the seconds of each stage."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import Art2MusError
from ..pipelines.comments import Comments
from ..pipelines.prompts import PromptText
from ..pipelines.settings import Settings
from ..types import OnStep, Step
from .planning import Job

__all__ = ["Clock", "Outcome"]


@dataclass
class Outcome:
    """The composed pieces, the jobs that failed, the existing files that were kept, and seconds by stage.

    `space` is that of the image embeddings; `encoder` is the name of their encoder's checkpoint if it is not the model.
    `precision` is that of networks that do not always compute in float32, if there are any.
    `told` are the comments, and the balance, of a model that reads them; `prompt` are the text prompts.
    `notes` are sentences on what the user asked for and has no effect.
    """

    model: str
    seed: int
    settings: Settings | None = None
    space: str | None = None
    encoder: str | None = None
    precision: str = "float32"
    told: Comments | None = None
    prompt: PromptText = field(default_factory=PromptText)
    notes: list[str] = field(default_factory=list)
    pieces: list[dict[str, Any]] = field(default_factory=list)
    kept: list[Path] = field(default_factory=list)
    failed: list[tuple[Job, Art2MusError]] = field(default_factory=list)
    stages: dict[str, float] = field(default_factory=dict)
    elapsed: float = 0.0

    def add(self, part: Outcome) -> None:
        """Add the outcome of some of the jobs; seconds add up."""
        if part.settings:
            for name in ("settings", "space", "encoder", "precision", "told", "notes"):
                setattr(self, name, getattr(part, name))
        self.pieces += part.pieces
        self.failed += part.failed
        for stage, seconds in part.stages.items():
            self.stages[stage] = self.stages.get(stage, 0.0) + seconds

    def check(self) -> None:
        """Raise the error if all artworks failed for one reason."""
        if not self.pieces and len({error.came for _, error in self.failed}) == 1:
            raise self.failed[0][1]


class Clock:
    """An `on_step` that adds up the seconds of each stage and calls another `on_step`."""

    def __init__(self, stages: dict[str, float], on_step: OnStep) -> None:
        self.stages, self.on_step, self.latest = stages, on_step, time.perf_counter()

    def __call__(self, step: Step) -> None:
        now = time.perf_counter()
        self.stages[step.stage] = self.stages.get(step.stage, 0.0) + now - self.latest
        self.latest = now
        self.on_step(step)
