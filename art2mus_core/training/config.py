"""The configuration of a training stage."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from ..checkpoints.names import BUNDLED, existing
from ..configuration import Configuration, Fields
from ..sizes import Scale

__all__ = ["STAGES", "MelFields", "TrainingConfig"]

Stage = Literal["embedding", "vae", "vocoder", "prior", "aligner", "student", "codec", "mel", "hifigan"]
Tracker = Literal["tensorboard", "wandb"]
STAGES: tuple[Stage, ...] = ("embedding", "vae", "vocoder", "prior", "aligner", "student", "codec", "mel", "hifigan")

Share = Annotated[float, Field(ge=0, lt=1)]
ENCODERS = ("encoder", "text_encoder", "start")
"""Options that may be paths."""


class MelFields(Fields):
    """Parameters of the mel spectrogram, as in :class:`~art2mus_core.types.AudioGrid`."""

    sample_rate: int = Field(gt=0)
    hop: int = Field(gt=0)
    mel_bins: int = Field(gt=0)
    scale: Scale
    lowest: float = Field(ge=0)
    highest: float = Field(ge=0)
    windows: tuple[Annotated[int, Field(gt=1)], ...] = Field(min_length=1)
    floor: float = Field(gt=0)


class TrainingConfig(Configuration):
    """The configuration of a training stage.

    Attributes:
        stage: the part to train.
        steps: total number of optimiser steps.
        batch: examples per step, of all processes together.
        learning_rate: peak learning rate, reached after the share `warmup` of the steps; a cosine then lowers it to
            `final_share` of the peak.
        restarts: steps at which the schedule starts again, to lengthen a finished run without changing its earlier part
            (Loshchilov and Hutter 2017, "SGDR"); those beyond `steps` have no effect.
        weight_decay: weight decay of AdamW.
        betas: decay of AdamW's means of the gradient and of its square.
        clip: largest norm of the gradient.
        ema: decay of the moving average of the weights, which is exported; 0 exports the last weights.
        precision: `no` (float32), `bf16` or `fp16` (autocast), or `auto`: `bf16` if the device supports it.
        seed: seed of initial weights and of all random draws.
        save_minutes: minutes between saves of the state, from which a stopped run resumes.
        validate_every: steps between validations.
        accumulate: parts of the batch that a process computes one after the other, to save memory.
        keep: number of saved states that are kept, the newest ones.
        compile: compile the networks with `torch.compile`.
        checkpointing: compute activations of the frozen denoiser again in the backward pass instead of keeping them.
        trackers: where losses, previews and measurements are logged.
        preview_every: steps between previews, 0 for none: in the stages aligner and mel artworks are composed, in the stage hifigan the
            music of validation pairs passes through the generator.
        previews: artworks of the previews, by their paths from the file's folder; by default the first ones of the validation split. None in
            the stage hifigan.
        faults: share of the pairs that may be left out because a file cannot be read; more stop the run.
        mel: parameters of the mel, for a stage that starts a checkpoint; later stages read them from the checkpoint.
        model: sizes of the networks that the stage builds.
        options: further options of the objective.
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
    betas: tuple[Share, Share] = (0.9, 0.999)
    clip: float = Field(default=1.0, gt=0)
    ema: float = Field(default=0.0, ge=0, lt=1)
    precision: Literal["auto", "no", "bf16", "fp16"] = "no"
    seed: int = Field(default=0, ge=0, lt=2**63)
    save_minutes: float = Field(default=5.0, gt=0)
    validate_every: int = Field(default=500, gt=0)
    accumulate: int = Field(default=1, gt=0)
    keep: int = Field(default=2, gt=0)
    compile: bool = False
    checkpointing: bool = False
    trackers: list[Tracker] = Field(default_factory=list)
    preview_every: int = Field(default=0, ge=0)
    previews: list[str] = Field(default_factory=list)
    faults: float = Field(default=0.02, ge=0, lt=1)
    mel: MelFields | None = None
    model: dict[str, Any] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)

    @classmethod
    def located(cls, content: dict[Any, Any], folder: Path) -> dict[Any, Any]:
        """The content with the paths of previews, and those of encoders which are no names, from a folder."""
        previews, options = content.get("previews"), content.get("options")
        found = dict(content)
        if isinstance(previews, list):
            found["previews"] = [_from(folder, each) if isinstance(each, str) else each for each in previews]
        if isinstance(options, dict):
            found["options"] = {name: _placed(folder, name, value) for name, value in options.items()}
        return found

    @field_validator("precision", mode="before")
    @classmethod
    def _no_is_a_word(cls, precision: Any) -> Any:  # noqa: ANN401
        return "no" if precision is False else precision  # YAML reads a plain no as false

    @model_validator(mode="after")
    def _restarts_rise(self) -> TrainingConfig:
        if any(later <= earlier for earlier, later in pairwise([0, *self.restarts])):
            raise ValueError(f"restarts {self.restarts} do not rise from 0")
        return self


def _placed(folder: Path, name: str, value: Any) -> Any:  # noqa: ANN401
    """An option's value; the path of an encoder from a folder, if there is something."""
    if name not in ENCODERS or not isinstance(value, str) or value in {"", BUNDLED}:
        return value
    path = _from(folder, value)
    return path if existing(path) else value


def _from(folder: Path, path: str) -> str:
    return str(folder / os.path.expanduser(path))  # noqa: PTH111 - Path's raises for an unknown user
