"""The noise levels that a denoiser was trained on, from a checkpoint's `scheduler_config.json`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..errors import CheckpointError

__all__ = ["NoiseLevels", "read_levels"]

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
"""What diffusers takes where a configuration says nothing."""


@dataclass(frozen=True)
class NoiseLevels:
    """Variance-preserving diffusion (Ho et al. 2020) in discrete levels.

    Attributes:
        alphas_cumprod: the share of the signal's variance that each level leaves, falling, float32.
        prediction: what the denoiser predicts: `epsilon`, the noise, or `v_prediction`, the velocity (Salimans & Ho 2022).
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
        """The latent with noise of level `t`."""
        alpha, sigma = self._amplitudes(latent, t)
        return alpha * latent + sigma * noise

    def target(
        self,
        latent: Float[Tensor, "batch channels frames rows"],
        noise: Float[Tensor, "batch channels frames rows"],
        t: Int[Tensor, " batch"],
    ) -> Float[Tensor, "batch channels frames rows"]:
        """What the denoiser should predict there."""
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


def _cosine(start: float, end: float, count: int) -> Tensor:  # noqa: ARG001 - it has no ends to choose
    """Nichol & Dhariwal 2021."""

    def share(time: float) -> float:
        return math.cos((time + 0.008) / 1.008 * math.pi / 2) ** 2

    return torch.tensor([min(1 - share((i + 1) / count) / share(i / count), 0.999) for i in range(count)])


BETA_SCHEDULES: dict[str, Callable[[float, float, int], Tensor]] = {
    "linear": _linear,
    "scaled_linear": _scaled_linear,
    "squaredcos_cap_v2": _cosine,
}


def read_levels(config: Mapping[str, Any]) -> NoiseLevels:
    """The noise levels of a scheduler's configuration.

    Raises:
        CheckpointError: the network predicts something else than noise or velocity, or there are no such noise levels.
    """
    config = {**DEFAULTS, **config}
    kind, count = config["prediction_type"], config["num_train_timesteps"]
    if kind not in PREDICTIONS:
        raise CheckpointError(
            f"a network that predicts {kind!r}", f"one of {', '.join(PREDICTIONS)}", "Use another checkpoint."
        )
    if config["rescale_betas_zero_snr"]:
        raise CheckpointError(
            "a scheduler_config.json with rescale_betas_zero_snr",
            "levels that all leave some signal",
            "Use another checkpoint.",
        )
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise _no_levels(f"num_train_timesteps {count!r}")
    try:
        betas = _betas(config, count)
    except Exception as error:  # of torch, over whatever the configuration says
        raise _no_levels(" ".join(str(error).split()) or type(error).__name__) from error
    alphas_cumprod = torch.cumprod(1.0 - betas, dim=0)
    if not all(0 < share < 1 for share in alphas_cumprod.tolist()):
        raise _no_levels("a level without noise, or without anything else")
    return NoiseLevels(alphas_cumprod, kind)


def _betas(config: Mapping[str, Any], count: int) -> Tensor:
    if config["trained_betas"] is not None:
        betas = torch.tensor(config["trained_betas"], dtype=torch.float32)
        if betas.shape != (count,):
            raise ValueError(f"{betas.numel()} trained_betas for {count} num_train_timesteps")
        return betas
    name = config["beta_schedule"]
    if name not in BETA_SCHEDULES:
        raise ValueError(f"beta_schedule {name!r} is none of {', '.join(BETA_SCHEDULES)}")
    return BETA_SCHEDULES[name](config["beta_start"], config["beta_end"], count)


def _no_levels(reason: str) -> CheckpointError:
    return CheckpointError(
        f"a scheduler_config.json that gives no noise levels ({reason})",
        "num_train_timesteps, and beta_start, beta_end and beta_schedule as diffusers knows them",
        "Install or download the checkpoint again.",
    )
