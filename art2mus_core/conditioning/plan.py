"""The plan of a piece: tempo, key and band are read from the language of audio; the noise varies tempo and band, so that seeds differ in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..checkpoints.folder import load_component
from ..errors import CheckpointError
from ..types import BANDS, AudioGrid, LanguageOfAudio, Plan

__all__ = ["PlanModel", "Read", "load_plan_model", "misreadings"]

CENTRE = 100.0
"""The tempo, in beats per minute, of an output of 0; an output of 1 is an octave faster."""

SLOWEST, FASTEST = 40.0, 220.0

WIDEST = 4.0
"""Largest spread in octaves."""

DRAWN = 64
"""Values of the noise from which the deviation of the tempo is computed. Those that choose the band follow them."""

TONES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
AGAIN = "Install the checkpoint again."


class Read(NamedTuple):
    """What is read from a language of audio: the mean tempo in octaves above `CENTRE`, and logits of tonics, of minor and of bands."""

    octaves: Float[Tensor, " batch"]
    tonics: Float[Tensor, "batch tonics"]
    minor: Float[Tensor, " batch"]
    bands: Float[Tensor, "batch bands"]


class PlanModel(nn.Module):
    """A linear read-out of tempo, key and band, and the mean language of each band less that of all, `centres`.

    Args:
        tokens: length of the language of audio.
        width: its width.
        spread: standard deviation, in octaves, of the tempo of music with the same language of audio.
        bands: names of the bands.
    """

    def __init__(self, tokens: int, width: int, spread: float, bands: Sequence[str]) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"tokens": tokens, "width": width, "spread": spread, "bands": [*bands]}
        self.reading = nn.Linear(tokens * width, 1 + len(TONES) + 1 + len(bands))
        self.centres: Float[Tensor, "bands language_width"]
        self.register_buffer("centres", torch.zeros(len(bands), tokens * width))

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> PlanModel:
        spread, bands = config["spread"], config["bands"]
        if type(spread) not in {int, float} or not (math.isfinite(spread) and 0 <= spread <= WIDEST):
            raise CheckpointError(
                f"a plan model with spread {spread!r}", f"a number of octaves from 0 to {WIDEST:g}", AGAIN
            )
        if not isinstance(bands, list) or len(bands) > BANDS or not all(isinstance(band, str) for band in bands):
            raise CheckpointError(f"a plan model with bands {bands!r}", f"a list of at most {BANDS} names", AGAIN)
        return cls(**{name: config[name] for name in ("tokens", "width", "spread", "bands")})

    def forward(self, language: Float[Tensor, "batch language width"]) -> Float[Tensor, "batch read"]:
        """All outputs in a row, see :meth:`read`; of several languages in a row, of their mean."""
        one = language.unflatten(1, (-1, self.config["tokens"])).mean(1)
        return self.reading(one.flatten(1).to(self.reading.weight))

    def read(self, language: Float[Tensor, "batch language width"]) -> Read:
        """The outputs by their meaning."""
        octaves, tonics, minor, bands = (
            self(language).float().split([1, len(TONES), 1, len(self.config["bands"])], dim=1)
        )
        return Read(octaves[:, 0], tonics, minor[:, 0], bands)

    def plan(self, language: LanguageOfAudio, noise: Float[Tensor, "batch channels frames rows"], rate: float) -> Plan:
        """The plan of the whole pieces that this noise becomes, with `rate` latent frames per second.

        The key is the most likely one. The tempo deviates from the mean by the sum of the noise's first values over the square root of
        their number, which is standard normal. The band is drawn from its distribution by the values after them (Gumbel's maximum).
        Every program that samples from the same noise has the same plan.
        """
        read = self.read(language.values)
        drawn, count = noise.flatten(1).to(read.octaves), len(self.config["bands"])
        octaves = read.octaves + self.config["spread"] * drawn[:, :DRAWN].sum(1) / DRAWN**0.5
        tempo = (CENTRE * 2**octaves).clamp(SLOWEST, FASTEST)
        key = read.tonics.argmax(1) + len(TONES) * (read.minor > 0)
        share = torch.special.ndtr(drawn[:, DRAWN : DRAWN + count]).clamp(1e-6, 1 - 1e-6)
        band = (read.bands - (-share.log()).log()).argmax(1) if count else torch.full_like(key, -1)
        return Plan(tempo / 60 / rate, torch.zeros_like(tempo), torch.full_like(tempo, noise.shape[2]), key, band)

    def settled(
        self, language: Float[Tensor, "batch language width"], plan: Plan
    ) -> Float[Tensor, "batch language width"]:
        """The language of audio as it is on average where the plan's band plays.

        That of an artwork is a mean over the bands that fit. The centre that it has on average by its odds is exchanged for the band's.
        """
        if not self.config["bands"]:
            return language
        centres = self.centres.to(language)
        shift = centres[plan.band.to(centres.device)] - self.read(language).bands.softmax(1).to(centres) @ centres
        tokens = self.config["tokens"]
        return (language.unflatten(1, (-1, tokens)) + shift.view(-1, 1, tokens, language.shape[-1])).flatten(1, 2)

    def described(self, plan: Plan, rate: float) -> tuple[dict[str, Any], ...]:
        """Facts of each piece: `bpm`, `key` such as `Eb minor`, and `band`, without those that are not known."""
        modes, bands = ("major", "minor"), self.config["bands"]
        found = []
        for step, key, band in zip(plan.step.tolist(), plan.key.tolist(), plan.band.tolist(), strict=True):
            told = {"bpm": round(step * rate * 60, 2)} if step > 0 else {}
            told |= {"key": f"{TONES[key % 12]} {modes[key // 12]}"} if key >= 0 else {}
            found.append(told | ({"band": bands[band]} if band >= 0 else {}))
        return tuple(found)


def misreadings(
    model: PlanModel, language: Float[Tensor, "batch language width"], plan: Plan, rate: float
) -> dict[str, Tensor]:
    """Mean squared error of the tempo in octaves, and mean cross-entropy of key and band in nats; 0 for pieces that lack them."""
    read, timed, keyed, known = model.read(language), plan.step > 0, plan.key >= 0, plan.band >= 0
    away = (plan.step * rate * 60 / CENTRE).log2() - read.octaves
    tonic = F.cross_entropy(read.tonics[keyed], plan.key[keyed] % len(TONES), reduction="sum")
    minor = (plan.key[keyed] >= len(TONES)).to(read.minor)
    mode = F.binary_cross_entropy_with_logits(read.minor[keyed], minor, reduction="sum")
    band = F.cross_entropy(read.bands[known], plan.band[known], reduction="sum")
    errors = {"tempo": away[timed].square().sum(), "key": tonic + mode, "band": band}
    return {name: error / len(language) for name, error in errors.items()}


def load_plan_model(folder: Path, grid: AudioGrid) -> PlanModel:
    """Load the plan model of a checkpoint.

    Raises:
        CheckpointError: it is missing or damaged, or for another language of audio.
    """
    model = load_component(folder, "plan_model", PlanModel.from_config)
    found, wanted = (model.config["tokens"], model.config["width"]), (grid.language_tokens, grid.language_width)
    if found != wanted:
        raise CheckpointError(f"a plan model for a language of audio of {found} in {folder}", f"{wanted}", AGAIN)
    return model
