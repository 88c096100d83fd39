"""The noise levels that a denoiser was trained with, from a checkpoint's `scheduler_config.json`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..errors import CheckpointError

__all__ = ["NoiseLevels", "count_levels", "read_levels"]

PREDICTIONS = ("epsilon", "v_prediction")

DEFAULTS: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.0001,
    "beta_end": 0.02,
    "beta_schedule": "linear",
    "trained_betas": None,
    "prediction_type": "epsilon",
    "rescale_betas_zero_snr": False,
}
"""diffusers' defaults."""

REMEDY = "Install or download the checkpoint again, or use another one."


@dataclass(frozen=True)
class NoiseLevels:
    """Variance-preserving diffusion (Ho et al. 2020) in discrete levels.

    Attributes:
        alphas_cumprod: variance of the signal at each level, decreasing, float32.
        prediction: output of the denoiser: `epsilon` (the noise) or `v_prediction` (the velocity; Salimans & Ho 2022).
    """

    alphas_cumprod: Float[Tensor, " levels"]
    prediction: str

    def __len__(self) -> int:
        return len(self.alphas_cumprod)

    def noised(
        self,
        latent: Float[Tensor, "batch channels frames rows"],
        noise: Float[Tensor, "batch channels frames rows"],
        t: Int[Tensor, " batch"],
    ) -> Float[Tensor, "batch channels frames rows"]:
        """The latent with noise at level `t`."""
        alpha, sigma = self._amplitudes(latent, t)
        return alpha * latent + sigma * noise

    def target(
        self,
        latent: Float[Tensor, "batch channels frames rows"],
        noise: Float[Tensor, "batch channels frames rows"],
        t: Int[Tensor, " batch"],
    ) -> Float[Tensor, "batch channels frames rows"]:
        """The output that the denoiser is trained to predict at level `t`."""
        if self.prediction == "epsilon":
            return noise
        alpha, sigma = self._amplitudes(latent, t)
        return alpha * noise - sigma * latent

    def _amplitudes(self, latent: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        share = self.alphas_cumprod.to(latent)[t.to(latent.device)][:, None, None, None]
        return share**0.5, (1 - share) ** 0.5


def _linear(start: float, end: float, count: int) -> Tensor:
    return torch.linspace(start, end, count)


def _scaled_linear(start: float, end: float, count: int) -> Tensor:
    return torch.linspace(start**0.5, end**0.5, count) ** 2


def _cosine(start: float, end: float, count: int) -> Tensor:  # noqa: ARG001 - fixed by its formula
    """Nichol & Dhariwal 2021, eq. 17."""

    def share(time: float) -> float:
        return math.cos((time + 0.008) / 1.008 * math.pi / 2) ** 2

    return torch.tensor([min(1 - share((i + 1) / count) / share(i / count), 0.999) for i in range(count)])


BETA_SCHEDULES: dict[str, Callable[[float, float, int], Tensor]] = {
    "linear": _linear,
    "scaled_linear": _scaled_linear,
    "squaredcos_cap_v2": _cosine,
}


MOST_LEVELS = 1_000_000
"""A thousand are usual."""


def count_levels(config: Mapping[str, Any]) -> int:
    """The number of noise levels of a scheduler's configuration."""
    return int({**DEFAULTS, **config}["num_train_timesteps"])


def read_levels(config: Mapping[str, Any]) -> NoiseLevels:
    """The noise levels of a scheduler's configuration.

    Raises:
        CheckpointError: an unsupported prediction type or schedule, or a schedule with a level without signal or without noise.
    """
    config = {**DEFAULTS, **config}
    kind, count = config["prediction_type"], config["num_train_timesteps"]
    if kind not in PREDICTIONS:
        raise CheckpointError(f"a scheduler with prediction_type {kind!r}", f"one of {', '.join(PREDICTIONS)}", REMEDY)
    if config["rescale_betas_zero_snr"]:
        raise CheckpointError(
            "a scheduler with rescale_betas_zero_snr", "noise levels that all keep some of the signal", REMEDY
        )
    if type(count) is not int or not 1 <= count <= MOST_LEVELS:
        raise _no_levels(f"num_train_timesteps {count!r}")
    try:
        betas = _betas(config, count)
    except Exception as error:  # torch and math raise many kinds of errors for wrong values
        raise _no_levels(" ".join(str(error).split()) or type(error).__name__) from error
    alphas_cumprod = torch.cumprod(1.0 - betas, dim=0)
    if not all(0 < share < 1 for share in alphas_cumprod.tolist()):
        raise _no_levels("a level without noise or without signal")
    return NoiseLevels(alphas_cumprod, kind)


def _betas(config: Mapping[str, Any], count: int) -> Tensor:
    if config["trained_betas"] is not None:
        betas = torch.tensor(config["trained_betas"], dtype=torch.float32)
        if betas.shape != (count,):
            raise ValueError(f"{betas.numel()} trained_betas for {count} num_train_timesteps")
        return betas
    name = config["beta_schedule"]
    if name not in BETA_SCHEDULES:
        raise ValueError(f"beta_schedule {name!r} is not one of {', '.join(BETA_SCHEDULES)}")
    return BETA_SCHEDULES[name](config["beta_start"], config["beta_end"], count)


def _no_levels(reason: str) -> CheckpointError:
    return CheckpointError(
        f"a scheduler without usable noise levels ({reason})",
        "num_train_timesteps, beta_start, beta_end and beta_schedule as in diffusers",
        REMEDY,
    )
