"""Schedules and solvers, with the arithmetic of diffusers' schedulers, so that results are bit-equal to theirs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from .levels import NoiseLevels

__all__ = ["Ddim", "DpmSolver", "Schedule", "UniPc", "ddim", "evenly", "karras", "powers"]

RHO = 7.0
"""Exponent of the levels of Karras et al. (2022, eq. 5): larger values put more levels where there is little noise."""

Latents = Float[Tensor, "batch channels frames rows"]


Solver = Callable[[int, Latents, Latents, Latents], Latents]
"""One step from level `index` to the next: (index, latent, predicted signal, predicted noise) to the next latent.

Solvers keep earlier predictions, so one serves a single call of the sampling loop.
"""


@dataclass(frozen=True)
class Schedule:
    """The noise levels of a sampling run, highest first, and its solver.

    Attributes:
        timesteps: timestep of each level, for the denoiser.
        alphas: amplitude of the signal at each level, and at the end of the last step.
        sigmas: amplitude of the noise, likewise.
        prediction: output of the denoiser, see :class:`~art2mus_core.diffusion.levels.NoiseLevels`.
        solver: takes a step from one level to the next.
    """

    timesteps: Int[Tensor, " steps"]
    alphas: Float[Tensor, " ends"]
    sigmas: Float[Tensor, " ends"]
    prediction: str
    solver: Solver

    def split(self, index: int, x: Latents, predicted: Latents) -> tuple[Latents, Latents]:
        """The predicted signal and noise of a latent at level `index`."""
        alpha, sigma = self.alphas[index], self.sigmas[index]
        if self.prediction == "epsilon":
            return (x - sigma * predicted) / alpha, predicted
        return alpha * x - sigma * predicted, alpha * predicted + sigma * x


@dataclass(eq=False)
class _Solver:
    """The amplitudes of a :class:`Schedule`."""

    alphas: Tensor
    sigmas: Tensor


class Ddim(_Solver):
    """DDIM (Song et al. 2021, eq. 12) with eta 0."""

    def __call__(self, index: int, x: Latents, clean: Latents, noise: Latents) -> Latents:  # noqa: ARG002
        return self.alphas[index + 1] * clean + self.sigmas[index + 1] * noise


class _Exponential(_Solver):
    """Solvers whose time is lambda, half the logarithm of the signal-to-noise ratio."""

    def _lambda(self, index: int) -> Tensor:
        return torch.log(self.alphas[index]) - torch.log(self.sigmas[index])

    def _first_order(self, index: int, x: Latents, clean: Latents, rest: Tensor) -> Latents:
        """The step for a constant clean latent; `rest` is exp(-step) - 1."""
        return self.sigmas[index + 1] / self.sigmas[index] * x - self.alphas[index + 1] * rest * clean


@dataclass(eq=False)
class DpmSolver(_Exponential):
    """DPM-Solver++ 2M (Lu et al. 2022, algorithm 2); the first and the last step are of first order.

    Attributes:
        order: 1 or 2.
        before: the clean latent of the previous step.
    """

    order: int = 2
    before: Tensor | None = None

    def __call__(self, index: int, x: Latents, clean: Latents, noise: Latents) -> Latents:  # noqa: ARG002
        step = self._lambda(index + 1) - self._lambda(index)
        rest = torch.exp(-step) - 1.0
        reached = self._first_order(index, x, clean, rest)
        before, self.before = self.before, clean
        if self.order == 1 or before is None or index == len(self.sigmas) - 2:
            return reached
        ratio = (self._lambda(index) - self._lambda(index - 1)) / step
        slope = 1.0 / ratio * (clean - before)
        return reached - 0.5 * (self.alphas[index + 1] * rest) * slope


@dataclass(eq=False)
class UniPc(_Exponential):
    """Second-order UniPC with B(h) = exp(h) - 1 (Zhao et al. 2023): each step first corrects the previous one.

    Attributes:
        clean: the clean latents of the last two steps.
        start: the latent at which the previous step started.
        order: of the previous step.
    """

    clean: list[Tensor] = field(default_factory=list)
    start: Tensor | None = None
    order: int = 1

    def __call__(self, index: int, x: Latents, clean: Latents, noise: Latents) -> Latents:  # noqa: ARG002
        if self.start is not None:
            x = self._corrected(index - 1, self.start, clean)
        self.start, self.clean = x, [*self.clean[-1:], clean]
        self.order = min(len(self.clean), len(self.sigmas) - 1 - index)
        step = self._lambda(index + 1) - self._lambda(index)
        rest = torch.expm1(-step)
        reached = self._first_order(index, x, clean, rest)
        if self.order == 1:
            return reached
        return reached - self.alphas[index + 1] * rest * (0.5 * self._slope(index, step)[0])

    def _corrected(self, index: int, x: Latents, found: Latents) -> Latents:
        """Repeat the step from level `index`, given the prediction at its end."""
        step = self._lambda(index + 1) - self._lambda(index)
        rest = torch.expm1(-step)
        reached, change = self._first_order(index, x, self.clean[-1], rest), found - self.clean[-1]
        if self.order == 1:
            return reached - self.alphas[index + 1] * rest * (0.5 * change)
        first = (rest / -step - 1) / rest
        second = ((rest / -step - 1) / -step - 0.5) * 2 / rest
        slope, ratio = self._slope(index, step)
        share = (first - second) / (1 - ratio)
        return reached - self.alphas[index + 1] * rest * (share * slope + (first - share) * change)

    def _slope(self, index: int, step: Tensor) -> tuple[Latents, Tensor]:
        ratio = (self._lambda(index - 1) - self._lambda(index)) / step
        return (self.clean[-2] - self.clean[-1]) / ratio, ratio


def ddim(levels: NoiseLevels, steps: int) -> Schedule:
    """DDIM on every k-th level, ending on the lowest; for k > 1 the visited levels are shifted up by one (diffusers' steps_offset)."""
    every = len(levels) // steps
    visited = torch.arange(0, len(levels), every).flip(0) + min(1, every - 1)
    share = levels.alphas_cumprod[torch.cat([visited, torch.zeros(1, dtype=visited.dtype)])]
    alphas, sigmas = share**0.5, (1 - share) ** 0.5
    return Schedule(visited, alphas, sigmas, levels.prediction, Ddim(alphas, sigmas))


def evenly(levels: NoiseLevels, steps: int) -> Schedule:
    """First-order DPM-Solver++ on evenly spaced levels, down to no noise."""
    visited = np.linspace(0, len(levels) - 1, steps + 1).round()[:0:-1].astype(np.int64)
    return _until_clean(levels, visited, _ratios(levels)[visited], partial(DpmSolver, order=1))


def karras(levels: NoiseLevels, steps: int, solver: Callable[[Tensor, Tensor], Solver], rho: float = RHO) -> Schedule:
    """A solver on the noise levels of Karras et al. 2022 with the exponent `rho`, down to no noise."""
    ratios = _ratios(levels)
    lowest, highest = ratios[0].item() ** (1 / rho), ratios[-1].item() ** (1 / rho)
    chosen = (highest + np.linspace(0, 1, steps) * (lowest - highest)) ** rho
    visited = np.interp(np.log(chosen), np.log(ratios), np.arange(len(ratios))).round().astype(np.int64)
    return _until_clean(levels, visited, chosen, solver)


def powers(levels: NoiseLevels, steps: int, solver: Callable[[Tensor, Tensor], Solver], exponent: float) -> Schedule:
    """A solver on the levels (1 - i / steps) ** exponent of the highest, for i = 0 ... steps - 1, then down to no noise.

    Larger exponents put more levels where there is little noise. The levels of few steps are among those of a multiple of them.
    """
    places = (len(levels) - 1) * (1 - np.arange(steps) / steps) ** exponent
    chosen = np.exp(np.interp(places, np.arange(len(levels)), np.log(_ratios(levels))))
    return _until_clean(levels, places.round().astype(np.int64), chosen, solver)


def _ratios(levels: NoiseLevels) -> np.ndarray:
    """Noise amplitude over signal amplitude at each level."""
    return (((1 - levels.alphas_cumprod) / levels.alphas_cumprod) ** 0.5).numpy()


def _until_clean(
    levels: NoiseLevels, visited: np.ndarray, ratios: np.ndarray, solver: Callable[[Tensor, Tensor], Solver]
) -> Schedule:
    ends = torch.from_numpy(np.append(ratios, 0.0).astype(np.float32))
    alphas = 1 / (ends**2 + 1) ** 0.5
    sigmas = ends * alphas
    return Schedule(torch.from_numpy(visited), alphas, sigmas, levels.prediction, solver(alphas, sigmas))
