"""The plan of a piece: tempo and key are read from the language of audio, and the noise varies the tempo, so that seeds differ in it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from ..checkpoints.folder import load_component
from ..errors import CheckpointError
from ..types import AudioGrid, LanguageOfAudio, Plan

__all__ = ["PlanModel", "keys_of", "load_plan_model", "tempos_of"]

CENTRE = 100.0
"""The tempo, in beats per minute, of an output of 0; an output of 1 is an octave faster."""

SLOWEST, FASTEST = 40.0, 220.0

WIDEST = 4.0
"""Largest spread in octaves."""

DRAWN = 64
"""Values of the noise from which a deviation is computed."""

TONES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

READ = 1 + 12 + 1
"""Outputs: the logarithm of the tempo, a logit for each tonic, and one for minor."""


class PlanModel(nn.Module):
    """A linear read-out of tempo and key.

    Args:
        tokens: length of the language of audio.
        width: its width.
        spread: standard deviation, in octaves, of the tempo of music with the same language of audio.
    """

    def __init__(self, tokens: int, width: int, spread: float) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"tokens": tokens, "width": width, "spread": spread}
        self.reading = nn.Linear(tokens * width, READ)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PlanModel:
        spread = config["spread"]
        if type(spread) not in {int, float} or not (math.isfinite(spread) and 0 <= spread <= WIDEST):
            raise CheckpointError(
                f"a plan model with spread {spread!r}",
                f"a number of octaves from 0 to {WIDEST:g}",
                "Install the checkpoint again.",
            )
        return cls(**{name: config[name] for name in ("tokens", "width", "spread")})

    def forward(self, language: Float[Tensor, "batch language width"]) -> Float[Tensor, "batch read"]:
        """All outputs (see `READ`); of several languages in a row, of their mean."""
        one = language.unflatten(1, (-1, self.config["tokens"])).mean(1)
        return self.reading(one.flatten(1).to(self.reading.weight))

    def octaves(self, read: Float[Tensor, "batch read"]) -> Float[Tensor, " batch"]:
        """The mean tempo in octaves above `CENTRE`."""
        return read[:, 0]

    def tonics(self, read: Float[Tensor, "batch read"]) -> Float[Tensor, "batch tonics"]:
        """A logit for each pitch class as tonic."""
        return read[:, 1:-1]

    def minor(self, read: Float[Tensor, "batch read"]) -> Float[Tensor, " batch"]:
        """The logit of a minor key."""
        return read[:, -1]

    def octaves_of(self, tempo: Float[Tensor, " batch"]) -> Float[Tensor, " batch"]:
        """Beats per minute in octaves above `CENTRE`."""
        return (tempo / CENTRE).log2()

    def tempo(
        self, language: LanguageOfAudio, noise: Float[Tensor, "batch channels frames rows"]
    ) -> Float[Tensor, " batch"]:
        """Beats per minute of the pieces that this noise becomes.

        The deviation from the mean is the sum of the noise's first values over the square root of their number, which is standard normal:
        every program that samples from the same noise has the same tempo.
        """
        deviation = noise.flatten(1)[:, :DRAWN].float().sum(1) / DRAWN**0.5
        octaves = self.octaves(self(language.values))
        octaves = octaves + self.config["spread"] * deviation.to(octaves.device)
        return (CENTRE * 2**octaves).clamp(SLOWEST, FASTEST)

    def key(self, language: LanguageOfAudio) -> Int[Tensor, " batch"]:
        """The most likely key, as :attr:`Plan.key`."""
        read = self(language.values)
        return self.tonics(read).argmax(1) + 12 * (self.minor(read) > 0)

    def plan(self, language: LanguageOfAudio, noise: Float[Tensor, "batch channels frames rows"], rate: float) -> Plan:
        """The plan of the pieces that this noise becomes, with `rate` latent frames per second."""
        return Plan.of(self.tempo(language, noise), self.key(language), noise.shape[2], rate)


def tempos_of(plan: Plan, rate: float) -> list[float]:
    """Beats per minute of each piece, with `rate` latent frames per second; 0 for music without metre."""
    return [round(step * rate * 60, 2) for step in plan.step.tolist()]


def keys_of(plan: Plan) -> list[str | None]:
    """The name of each piece's key, such as `Eb minor`; None for music without key."""
    modes = ("major", "minor")
    return [f"{TONES[key % 12]} {modes[key // 12]}" if key >= 0 else None for key in plan.key.tolist()]


def load_plan_model(folder: Path, grid: AudioGrid) -> PlanModel:
    """Load the plan model of a checkpoint.

    Raises:
        CheckpointError: it is missing or damaged, or for another language of audio.
    """
    model = load_component(folder, "plan_model", PlanModel.from_config)
    found, wanted = (model.config["tokens"], model.config["width"]), (grid.language_tokens, grid.language_width)
    if found != wanted:
        raise CheckpointError(
            f"a plan model for a language of audio of {found} in {folder}",
            f"{wanted}",
            "Install the checkpoint again.",
        )
    return model
