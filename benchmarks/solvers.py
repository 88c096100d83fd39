"""Measure solvers and cheaper guidance by their distance to a thousand steps, with the bundled prior.

    python benchmarks/solvers.py [ROW ...] [--pictures FOLDER --every 4] [--seconds 3] [--guidance 2] [--exact-row ddim:1000]

A row is SOLVER:STEPS or SOLVER:STEPS:FORM:N. SOLVER is one of `art2mus compose`, or `dpm@SPREAD` or `unipc@SPREAD`, where SPREAD is
`karrasR` (levels by the exponent R) or `powerR` (levels that fall with the power R of the step).
FORM is how the two predictions of guidance are computed:

  below         both at timesteps below N times their number, and none (guidance 1) at higher ones, as `guided_below` of the settings and
                Kynkaanniemi et al. 2024
  early         none after the first N steps
  every         both in every Nth step, and their last difference in the steps between
  clean         likewise, with the difference of the predicted clean latents
  straight      likewise, with the difference on a straight line through the last two
  start         both in the first N steps, and their last difference in all later ones

Distance: of the last predicted clean latent to that of `--exact-row` from the same noise, relative to its norm, each
picture alone; the mean and the largest. Latents themselves cannot be compared: DDIM as published ends at the lowest noise level, other
solvers at none. Evaluations are those of the network for one piece: two in a step with both predictions.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import art2mus_core
from art2mus_core.diffusion.denoiser import LatentDenoiser
from art2mus_core.diffusion.guidance import join
from art2mus_core.diffusion.levels import NoiseLevels, read_levels
from art2mus_core.diffusion.sampling import draw_noise, sample
from art2mus_core.diffusion.schedules import schedule
from art2mus_core.diffusion.solvers import DpmSolver, Schedule, UniPc, _ratios, _until_clean, powers
from art2mus_core.images.reading import read_artwork
from art2mus_core.pipelines import load
from art2mus_core.types import Condition, LanguageOfAudio, Step

ROWS = (
    *("ddim:200", "ddim:50", "unipc-rho20:16", "unipc-rho20:12", "unipc-rho20:9", "unipc-rho20:16:every:2"),
    *("unipc@karras7:16", "unipc@karras10:16", "unipc@karras15:16", "unipc@power2:16", "unipc@power3:16"),
    *("dpm@karras10:16", "dpm++2m-karras:8", "dpm++2m-karras:8:below:0.8", "dpm++2m-karras:6:below:0.85"),
)
"""Rows of the table in docs/PERFORMANCE.md, and others beside them."""

FREE = {"dpm": DpmSolver, "unipc": UniPc}


@dataclass(eq=False)
class Cheaper:
    """Guidance by one of the forms; counts the evaluations of a piece."""

    denoiser: LatentDenoiser
    negative: Condition
    scale: float
    visited: Schedule
    form: str = "below"
    number: float = 1.0
    step: int = -1
    evaluations: int = 0

    def __post_init__(self) -> None:
        self.known: list[tuple[int, Tensor]] = []

    def __call__(self, x: Tensor, t: Tensor, condition: Condition) -> Tensor:
        self.step += 1
        if FORMS[self.form](self.step, int(t), self.number):
            self.evaluations += 2
            negative, positive = self.denoiser(torch.cat([x, x]), t, join(self.negative, condition)).chunk(2)
            self.known = [*self.known[-1:], (self.step, (positive - negative) / self._unit(self.step))]
            return negative + self.scale * (positive - negative)
        self.evaluations += 1
        return self.denoiser(x, t, condition) + (self.scale - 1) * self._difference()

    def _unit(self, step: int) -> Tensor | float:
        """How much of the network's output one unit of the clean latent is at a level, if that is what returns."""
        if self.form != "clean":
            return 1.0
        alpha, sigma = self.visited.alphas[step], self.visited.sigmas[step]
        return -alpha / sigma if self.visited.prediction == "epsilon" else -1 / sigma

    def _difference(self) -> Tensor | float:
        if self.form in {"below", "early"}:
            return 0.0
        last, found = self.known[-1]
        if self.form == "straight" and len(self.known) > 1:
            before, other = self.known[0]
            return found + (found - other) * (self.step - last) / (last - before)
        return found * self._unit(self.step)


FORMS: dict[str, Callable[[int, int, float], bool]] = {
    **dict.fromkeys(("every", "clean", "straight"), lambda step, t, number: step % number == 0),  # noqa: ARG005
    **dict.fromkeys(("start", "early"), lambda step, t, number: step < number),  # noqa: ARG005
    "below": lambda step, t, number: t < 1000 * number,  # noqa: ARG005
}
"""Whether a step at timestep t computes both predictions."""


@dataclass(frozen=True)
class Bench:
    """The bundled prior with conditions of a few pictures, and their noise."""

    pipeline: Any
    positive: Condition
    negative: Condition
    noise: Tensor
    scale: float

    @classmethod
    def of(cls, model: str, paths: Sequence[Path], seconds: float, scale: float) -> Bench:
        pipeline, count = load(model), len(paths)
        artworks = [read_artwork(path) for path in paths]
        settings, parts = pipeline.settings(seconds=seconds), pipeline.parts
        noise = draw_noise(
            parts.grid.latent_shape(seconds), settings.noise_seeds([0] * count, [a.sha256 for a in artworks])
        )
        positive, negative = pipeline.condition(pipeline.embed(artworks))
        if (model_of_plans := parts.plan_model) is not None:
            plan = model_of_plans.plan(LanguageOfAudio(positive.language), noise, parts.grid.latent_rate)
            positive = replace(positive, plan=plan, language=model_of_plans.settled(positive.language, plan))
        return cls(pipeline, positive, negative, noise, scale)

    def visited(self, solver: str, steps: int) -> Schedule:
        """The schedule of a row."""
        config = self.pipeline.parts.schedule
        if "@" not in solver:
            return schedule(config, solver, steps)
        name, spread = solver.split("@")
        return _spread(read_levels(config), steps, FREE[name], spread)

    def clean(self, row: str) -> tuple[Tensor, int]:
        """The last predicted clean latents of a row, and evaluations for each piece."""
        solver, steps, *form = row.split(":")
        visited = self.visited(solver, int(steps))
        chosen = {"form": form[0], "number": float(form[1])} if form else {}
        guided = Cheaper(LatentDenoiser(self.pipeline.parts.unet), self.negative, self.scale, visited, **chosen)
        kept: list[Tensor] = []
        sample(guided, self.positive, self.noise, visited, on_step=partial(_keep, kept))
        return kept[0], guided.evaluations


def _spread(levels: NoiseLevels, steps: int, solver: Any, spread: str) -> Schedule:
    """A solver on levels spread by `karrasR` or `powerR`."""
    kind = spread.rstrip("0123456789.")
    exponent = float(spread.removeprefix(kind))
    if kind == "power":
        return powers(levels, steps, solver, exponent)
    ratios = _ratios(levels)
    lowest, highest = ratios[0].item() ** (1 / exponent), ratios[-1].item() ** (1 / exponent)
    chosen = (highest + np.linspace(0, 1, steps) * (lowest - highest)) ** exponent
    visited = np.interp(np.log(chosen), np.log(ratios), np.arange(len(ratios))).round().astype(np.int64)
    return _until_clean(levels, visited, chosen, solver)


def _keep(kept: list[Tensor], step: Step) -> None:
    kept[:] = [step.clean.values] if step.clean else []


def distances(found: Tensor, exact: Tensor) -> Tensor:
    """The relative distance of each piece."""
    return (found - exact).flatten(1).norm(dim=1) / exact.flatten(1).norm(dim=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", default=ROWS)
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--pictures", type=Path, default=Path(art2mus_core.__path__[0]) / "samples")
    parser.add_argument("--every", type=int, default=1, help="take each N-th picture")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--guidance", type=float, default=2.0)
    parser.add_argument("--exact-row", default="ddim:1000")
    parser.add_argument("--exact", type=Path, help="keep the exact solution in this file, and read it if it is there")
    chosen = parser.parse_args()
    with torch.inference_mode():
        paths = sorted(chosen.pictures.glob("*.jpg"))[chosen.first :: chosen.every]
        bench = Bench.of(chosen.model, paths, chosen.seconds, chosen.guidance)
        if chosen.exact and chosen.exact.is_file():
            exact = torch.load(chosen.exact, weights_only=True)
        else:
            exact, _ = bench.clean(chosen.exact_row)
            if chosen.exact:
                torch.save(exact, chosen.exact)
        print(f"{len(paths)} pictures")
        print(f"{'row':34}{'evaluations':>12}{'mean':>9}{'median':>9}{'largest':>9}")
        for row in chosen.rows:
            found, evaluations = bench.clean(row)
            far = distances(found, exact)
            print(f"{row:34}{evaluations:12}{far.mean():9.4f}{far.median():9.4f}{far.max():9.4f}", flush=True)


if __name__ == "__main__":
    main()
