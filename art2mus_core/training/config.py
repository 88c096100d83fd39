"""What a person writes to train one stage: a YAML file, checked before anything runs."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from ..configuration import Configuration, Fields
from ..types import Scale

__all__ = ["STAGES", "MelFields", "TrainingConfig"]

Stage = Literal["embedding", "vae", "vocoder", "prior", "aligner"]
STAGES: tuple[Stage, ...] = ("embedding", "vae", "vocoder", "prior", "aligner")


class MelFields(Fields):
    """How sound becomes a mel: fields of :class:`~art2mus_core.types.AudioGrid`, all of them."""

    sample_rate: int = Field(gt=0)
    hop: int = Field(gt=0)
    mel_bins: int = Field(gt=0)
    scale: Scale
    lowest: float = Field(ge=0)
    highest: float = Field(ge=0)
    windows: tuple[Annotated[int, Field(gt=1)], ...] = Field(min_length=1)
    floor: float = Field(gt=0)


class TrainingConfig(Configuration):
    """One stage of training.

    Attributes:
        stage: which part is trained.
        steps: optimiser steps in all.
        batch: examples a step, of all processes together.
        learning_rate: peak, reached after `warmup` of the steps and let down to `final_share` of it on a cosine.
        restarts: steps at which that schedule begins again, which lengthens a finished run without changing what it did
            (Loshchilov and Hutter 2017, "SGDR"); those beyond `steps` are not reached.
        weight_decay: of AdamW.
        clip: largest norm of the gradient.
        ema: decay of the moving average that is exported; 0 exports the last weights.
        precision: `no` (float32), `bf16` (autocast), or `auto`: `bf16` where the device computes in it.
        seed: of initial weights and of every draw.
        save_minutes: how often the state is saved, so that a stopped run goes on.
        validate_every: steps between validations.
        mel: how sound becomes a mel, for a stage that begins a checkpoint; a later one reads it there.
        model: sizes of the modules that this stage builds.
        options: what else the objective takes.
    """

    kind: ClassVar[str] = "training"

    stage: Stage
    steps: int = Field(gt=0)
    batch: int = Field(gt=0)
    learning_rate: float = Field(gt=0)
    warmup: float = Field(default=0.05, ge=0, le=1)
    final_share: float = Field(default=0.05, ge=0, le=1)
    restarts: list[int] = Field(default_factory=list)
    weight_decay: float = Field(default=0.01, ge=0)
    clip: float = Field(default=1.0, gt=0)
    ema: float = Field(default=0.0, ge=0, lt=1)
    precision: Literal["auto", "no", "bf16"] = "no"
    seed: int = Field(default=0, ge=0)
    save_minutes: float = Field(default=5.0, gt=0)
    validate_every: int = Field(default=500, gt=0)
    mel: MelFields | None = None
    model: dict[str, Any] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _restarts_rise(self) -> TrainingConfig:
        if any(later <= earlier for earlier, later in pairwise([0, *self.restarts])):
            raise ValueError(f"restarts {self.restarts} do not rise from 0")
        return self
