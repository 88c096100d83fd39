"""What a stage of training is: data by step number, a loss, a validation, an export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import Tensor, nn

from ..errors import SettingError

__all__ = ["Batch", "Objective", "check_crop"]

Batch = dict[str, Tensor]


class Objective(nn.Module):
    """Base of all stages.

    `trained` holds the modules that learn and are saved, by the name of their component; everything else a subclass keeps
    is frozen. Batches are drawn from a generator that is seeded by the step number, so that a resumed run sees the data it
    would have seen.
    """

    trained: nn.ModuleDict

    def batch(self, rng: np.random.Generator, size: int) -> Batch:
        """`size` training examples."""
        raise NotImplementedError

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, and what else is worth plotting."""
        raise NotImplementedError

    def validate(self) -> dict[str, float]:
        """Figures on pairs that are not trained on."""
        raise NotImplementedError

    def export(self, folder: Path) -> None:
        """Write the trained components into a checkpoint folder."""
        raise NotImplementedError


def check_crop(crop: int, most: int, multiple: int = 1) -> None:
    """Refuse a length of crops, in frames, that the pieces do not have or the VAE cannot halve to the end.

    Raises:
        SettingError: it is one.
    """
    if not 0 < crop <= most or crop % multiple:
        steps = f", in steps of {multiple}" if multiple > 1 else ""
        raise SettingError(f"crop {crop}", f"{multiple} to {most} frames{steps}", "Change it in the options.")
