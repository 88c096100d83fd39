"""The moving average of the trained weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

__all__ = ["MovingAverage"]


class MovingAverage:
    """An exponential moving average of weights (Polyak and Juditsky 1992), the weights themselves with `decay` 0.

    The first update copies the weights; other values than parameters, such as running statistics, are always copied.

    Args:
        network: the network whose weights are averaged, in place.
        decay: share of the average that an update keeps.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network, self.decay = network, decay
        self.values = {name: value.detach().clone() for name, value in network.state_dict().items()} if decay else {}

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The averaged weights by name."""
        return self.values if self.decay else self.network.state_dict()

    @torch.no_grad()
    def update(self, *, first: bool) -> None:
        """Move towards the present weights."""
        averaged = {name for name, value in self.network.named_parameters() if value.is_floating_point()}
        present = self.network.state_dict()
        for name, value in self.values.items():
            if first or name not in averaged:
                value.copy_(present[name])
            else:
                value.lerp_(present[name], 1 - self.decay)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Give the network its averaged weights during the block."""
        kept = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        try:
            self.put()
            yield
        finally:  # a run that is stopped here must save the trained weights
            self.network.load_state_dict(kept)

    def put(self) -> None:
        """Give the network its averaged weights."""
        if self.decay:
            self.network.load_state_dict(self.values)
