"""The one sampling loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from ..types import Condition, Denoiser, Latent, OnStep, Step
from .schedules import Schedule

__all__ = ["draw_noise", "sample"]


def draw_noise(shape: tuple[int, int, int], seeds: Sequence[int]) -> Float[Tensor, "batch channels frames rows"]:
    """Standard normal noise, one latent a seed, always drawn on the CPU: a seed gives the same noise everywhere."""
    return torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])


def sample(
    denoiser: Denoiser,
    condition: Condition,
    noise: Float[Tensor, "batch channels frames rows"],
    schedule: Schedule,
    *,
    on_step: OnStep | None = None,
) -> Latent:
    """From noise to a latent, deterministically.

    Args:
        denoiser: what is asked at every step; guidance is wrapped around it by the caller.
        condition: what it is told, a batch of the size of the noise.
        noise: standard normal, on the device of the computation.
        schedule: from :func:`~art2mus_core.diffusion.schedules.schedule`; used up by one call.
        on_step: called after every step with the latent so far; raising there stops the loop.
    """
    x = noise * schedule.init_noise_sigma
    total = len(schedule.timesteps)
    for index, t in enumerate(schedule.timesteps):
        given = schedule.scale_model_input(x, t)
        predicted = denoiser(given, t, condition)
        x = schedule.step(predicted, t, x, return_dict=False)[0]
        if on_step:
            on_step(Step("denoise", index + 1, total, Latent(x), _clean(schedule, index, given, predicted)))
    return Latent(x)


def _clean(schedule: Any, index: int, given: Tensor, predicted: Tensor) -> Latent:  # noqa: ANN401 - one of diffusers'
    """What a step takes the latent without noise to be, from the network's input and its answer.

    Schedules that visit levels between the integer timesteps say at which one they are by their `sigmas`.
    """
    if hasattr(schedule, "sigmas"):
        share = 1 / (1 + schedule.sigmas[index].double() ** 2)
    else:
        share = schedule.alphas_cumprod[schedule.timesteps[index]].double()
    signal, noise = share.sqrt().item(), (1 - share).sqrt().item()
    if schedule.config.prediction_type == "v_prediction":
        return Latent(signal * given - noise * predicted)
    return Latent((given - noise * predicted) / signal)
