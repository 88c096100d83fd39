"""What all systems share that sample from a checkpoint's prior."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field

from ...conditioning.constants import constants_file
from ...pipelines.latents import LatentToMusic
from ...pipelines.settings import MOST_STEPS, STRONGEST
from ..fields import CheckpointName, Precision
from .system import System, Workshop

__all__ = ["Sampled", "batches", "prior_files"]

Thing = TypeVar("Thing")

PRIOR = ("language_model", "unet", "vae", "vocoder", "scheduler")


class Sampled(System):
    """A system over a checkpoint; what is not given is the checkpoint's default.

    Attributes:
        model: the checkpoint, by name or folder.
        steps: denoising steps.
        guidance: classifier-free guidance.
        solver: name of the schedule.
        heads: `config` or `original`.
        precision: of the networks; the evaluation's if not given.
    """

    model: CheckpointName = "pocket"
    steps: int | None = Field(default=None, ge=1, le=MOST_STEPS)
    guidance: float | None = Field(default=None, ge=0, le=STRONGEST)
    solver: str | None = None
    heads: str = "config"
    precision: Precision | None = None

    @property
    def chosen(self) -> dict[str, Any]:
        """Settings of the sampler that were given."""
        return {"steps": self.steps, "guidance": self.guidance, "solver": self.solver}

    def computing(self, pipeline: LatentToMusic, workshop: Workshop) -> dict[str, Any]:
        """The settings of a pipeline that was opened for this system.

        Raises:
            SettingError: one is outside its range.
        """
        settings = pipeline.settings(seconds=workshop.seconds, **self.chosen)
        return {
            "model": Path(self.model).name,
            **vars(settings),
            "heads": self.heads,
            "precision": str(pipeline.parts.dtype).removeprefix("torch."),
        }


def prior_files(folder: Path, support: str | None = None) -> list[Path]:
    """What a checkpoint's music depends on behind the prompt, with constants of a name."""
    return [*(folder / name for name in PRIOR), *([constants_file(folder, support)] if support else [])]


def batches(things: Sequence[Thing], size: int) -> Iterator[Sequence[Thing]]:
    """`size` of them at once."""
    for start in range(0, len(things), size):
        yield things[start : start + size]
