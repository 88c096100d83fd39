"""The tempo of a piece: read from the language of audio, and varied by the noise, so that seeds differ in tempo too."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from ..checkpoints.folder import load_component
from ..errors import CheckpointError
from ..types import AudioGrid, LanguageOfAudio, Metre

__all__ = ["TempoModel", "load_tempo_model"]

CENTRE = 100.0
"""The tempo, in beats per minute, of an output of 0; an output of 1 is an octave faster."""

SLOWEST, FASTEST = 40.0, 220.0

WIDEST = 4.0
"""Largest spread in octaves."""

DRAWN = 64
"""Values of the noise from which a deviation is computed."""


class TempoModel(nn.Module):
    """A linear read-out of the logarithm of the tempo.

    Args:
        tokens: length of the language of audio.
        width: its width.
        spread: standard deviation, in octaves, of the tempo of music with the same language of audio.
    """

    def __init__(self, tokens: int, width: int, spread: float) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"tokens": tokens, "width": width, "spread": spread}
        self.octaves = nn.Linear(tokens * width, 1)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> TempoModel:
        spread = config["spread"]
        if type(spread) not in {int, float} or not (math.isfinite(spread) and 0 <= spread <= WIDEST):
            raise CheckpointError(
                f"a tempo model with spread {spread!r}",
                f"a number of octaves from 0 to {WIDEST:g}",
                "Install the checkpoint again.",
            )
        return cls(**{name: config[name] for name in ("tokens", "width", "spread")})

    def forward(self, language: Float[Tensor, "batch language width"]) -> Float[Tensor, " batch"]:
        """The mean tempo in octaves above `CENTRE`; of several languages in a row, of their mean."""
        one = language.unflatten(1, (-1, self.config["tokens"])).mean(1)
        return self.octaves(one.flatten(1).to(self.octaves.weight))[:, 0]

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
        octaves = self(language.values) + self.config["spread"] * deviation.to(self.octaves.weight.device)
        return (CENTRE * 2**octaves).clamp(SLOWEST, FASTEST)

    def metre(
        self, language: LanguageOfAudio, noise: Float[Tensor, "batch channels frames rows"], rate: float
    ) -> Metre:
        """The metre of the pieces that this noise becomes, with `rate` latent frames per second."""
        return Metre.of(self.tempo(language, noise), noise.shape[2], rate)


def load_tempo_model(folder: Path, grid: AudioGrid) -> TempoModel:
    """Load the tempo model of a checkpoint.

    Raises:
        CheckpointError: it is missing or damaged, or for another language of audio.
    """
    model = load_component(folder, "tempo_model", TempoModel.from_config)
    found, wanted = (model.config["tokens"], model.config["width"]), (grid.language_tokens, grid.language_width)
    if found != wanted:
        raise CheckpointError(
            f"a tempo model for a language of audio of {found} in {folder}",
            f"{wanted}",
            "Install the checkpoint again.",
        )
    return model
