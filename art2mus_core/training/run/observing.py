"""What a run tells of itself while it trains."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from statistics import fmean
from typing import Protocol, runtime_checkable

import torch

from ..objective import Objective

__all__ = ["Observer", "finite", "means_of", "peak_memory"]


@runtime_checkable
class Observer(Protocol):
    """Receives the values of a run; the loop calls it on the first process alone."""

    def stepped(self, step: int, values: dict[str, float]) -> None:
        """Means over the last steps.

        Args:
            step: number of finished steps.
            values: `loss` and its terms, `gradient norm`, `learning rate`, `examples per second` of all processes, and
                `peak memory` in bytes. A term without an example in these steps is missing.
        """

    def validated(self, step: int, results: dict[str, float]) -> None:
        """Results on the validation pairs by name, computed with the averaged weights."""

    def preview(self, step: int, objective: Objective) -> None:
        """Compose with the averaged weights, which the objective has during the call; it is in evaluation mode."""


def peak_memory(device: torch.device) -> float:
    """Bytes that the process has allocated at most on a GPU; on the CPU, bytes that it has occupied at most."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device))
    if sys.platform == "win32":
        import psutil  # noqa: PLC0415 - the command line starts without it

        return float(psutil.Process().memory_info().peak_wset)
    import resource  # noqa: PLC0415 - Windows has none

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(most if sys.platform == "darwin" else most * 1024)  # macOS counts bytes, others kibibytes


def finite(values: dict[str, float]) -> dict[str, float]:
    """Those values that are finite, which JSON can hold; a noise level without an example has none."""
    return {name: value for name, value in values.items() if math.isfinite(value)}


def means_of(steps: Sequence[dict[str, float]]) -> dict[str, float]:
    """The mean of each value over those steps that have it."""
    names = dict.fromkeys(name for step in steps for name in step)
    return {name: fmean(step[name] for step in steps if name in step) for name in names}
