"""The one sampling loop."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from ..interfaces import Denoiser
from ..types import Condition, Latent, OnStep, Step
from .solvers import Schedule

__all__ = ["draw_noise", "sample"]


def draw_noise(shape: tuple[int, int, int], seeds: Sequence[int]) -> Float[Tensor, "batch channels frames rows"]:
    """Standard normal noise, one latent per seed. It is drawn on the CPU, so a seed gives the same noise on every device."""
    return torch.stack([torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])


def sample(
    denoiser: Denoiser,
    condition: Condition,
    noise: Float[Tensor, "batch channels frames rows"],
    schedule: Schedule,
    *,
    on_step: OnStep | None = None,
) -> Latent:
    """Denoise from noise to a latent; deterministic.

    Args:
        denoiser: called once per step; the caller wraps it in guidance.
        condition: its conditioning, with the batch size of the noise.
        noise: standard normal, on the device to compute on.
        schedule: from :func:`~art2mus_core.diffusion.schedules.schedule`; its solver keeps state, so it serves one call.
        on_step: called after every step with the current latent; an exception raised there stops the loop.
    """
    x = noise
    total = len(schedule.timesteps)
    for index, t in enumerate(schedule.timesteps):
        clean, drawn = schedule.split(index, x, denoiser(x, t, condition))
        x = schedule.solver(index, x, clean, drawn)
        if on_step:
            on_step(Step("denoise", index + 1, total, Latent(x), Latent(clean)))
    return Latent(x)
