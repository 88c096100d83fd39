"""What a run tells of itself while it trains."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch

from ..objective import Objective

__all__ = ["Observer", "peak_memory"]


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
    """Bytes that the process has allocated at most on a GPU; on the CPU, bytes that it occupies now."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device))
    import psutil  # noqa: PLC0415 - the command line starts without it

    return float(psutil.Process().memory_info().rss)
