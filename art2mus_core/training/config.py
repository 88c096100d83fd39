"""What a person writes to train one stage: a YAML file, checked before anything runs."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..errors import SettingError
from ..types import Scale

__all__ = ["STAGES", "MelFields", "TrainingConfig", "load_config", "packaged_configs"]

Stage = Literal["embedding", "vae", "vocoder", "prior", "aligner"]
STAGES: tuple[Stage, ...] = ("embedding", "vae", "vocoder", "prior", "aligner")
PACKAGED = Path(__file__).parents[1] / "configs" / "training"


class MelFields(BaseModel):
    """How sound becomes a mel: fields of :class:`~art2mus_core.types.AudioGrid`, all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sample_rate: int = Field(gt=0)
    hop: int = Field(gt=0)
    mel_bins: int = Field(gt=0)
    scale: Scale
    lowest: float = Field(ge=0)
    highest: float = Field(ge=0)
    windows: tuple[Annotated[int, Field(gt=1)], ...] = Field(min_length=1)
    floor: float = Field(gt=0)


class TrainingConfig(BaseModel):
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

    model_config = ConfigDict(extra="forbid", frozen=True)

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


def packaged_configs() -> dict[str, Path]:
    """Name to path of the configurations that come with the package."""
    return {path.stem: path for path in sorted(PACKAGED.glob("*.yaml"))}


def load_config(name: str, overrides: dict[str, Any] | None = None) -> TrainingConfig:
    """A packaged configuration by name, or a YAML file by path, with some fields replaced.

    Raises:
        SettingError: unknown name, unreadable YAML, or a field that does not hold.
    """
    import yaml  # noqa: PLC0415 - training only

    packaged = packaged_configs()
    path = packaged.get(name, Path(name))
    if not path.is_file():
        known = ", ".join(packaged)
        raise SettingError(f"no training configuration {name!r}", f"one of {known}, or a YAML file", "Check the name.")
    try:
        fields = yaml.safe_load(path.read_text(encoding="utf-8"))
        return TrainingConfig(**{**fields, **(overrides or {})})
    except (yaml.YAMLError, ValidationError, TypeError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise SettingError(f"{path}: {reason}", "the fields of TrainingConfig", "Mend the file.") from error
