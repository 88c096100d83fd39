"""What a step draws: the same on every process of a run, of which each computes its part."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int

from ..errors import SettingError

__all__ = ["Draw", "seeded"]


@dataclass(frozen=True)
class Draw:
    """The draws of one step.

    Every process draws the whole batch, from a generator of the same seed and in the same order, and loads its own part of it. So
    several processes together train on what one process would have trained on, noise included.

    Attributes:
        rng: the step's generator.
        size: examples of all processes together.
        rank: of this process.
        count: processes.
    """

    rng: np.random.Generator
    size: int
    rank: int = 0
    count: int = 1

    @property
    def part(self) -> slice:
        """Which of the examples are this process's."""
        return slice(self.size * self.rank // self.count, self.size * (self.rank + 1) // self.count)

    def of(self, size: int, what: str) -> Draw:
        """The same generator for another number of examples, of which each process has as many as the others.

        Raises:
            SettingError: the processes don't divide it.
        """
        if size % self.count:
            raise SettingError(
                f"{what} {size} for {self.count} processes", f"a multiple of {self.count}", "Change it in the options."
            )
        return replace(self, size=size)

    def rows(self, among: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " size"]:
        """Rows of a dataset; one may be drawn several times."""
        return self.rng.choice(among, self.size)

    def shares(self) -> Float[np.ndarray, " size"]:
        """Numbers from 0 to 1: how far into a piece a crop begins, or what happens to a share of the examples."""
        return self.rng.random(self.size)

    def levels(self, count: int) -> Int[np.ndarray, " size"]:
        """Noise levels of `count`, spread evenly over the batch.

        Each alone is uniform; together they cover the range, which makes the gradient less noisy (Kingma et al. 2021,
        "Variational Diffusion Models", appendix I).
        """
        return ((self.rng.random() + np.arange(self.size) / self.size) % 1 * count).astype(np.int64)

    def seeds(self) -> list[int]:
        """A seed for the noise of each example of this process."""
        return self.rng.integers(2**63, size=self.size)[self.part].tolist()


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """What torch takes no generator for, first weights and dropout, follows from a seed.

    Afterwards torch's own generators are as they were.
    """
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            torch.cuda.manual_seed(seed)
        yield
