"""The checkpoint's denoiser between two callers: the host's samplers, and the core's loop."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..art2mus_core.networks.unet import UNet
from ..art2mus_core.types import Condition

__all__ = ["CoreDenoiser", "HostUNet"]


class HostUNet(UNet):
    """The network, asked and called as the host asks and calls its own."""

    @property
    def dtype(self) -> torch.dtype:
        """In which the weights are."""
        return self.conv_in.weight.dtype

    def forward(  # type: ignore[override]  # the host's names
        self,
        x: Float[Tensor, "batch channels frames rows"],
        timesteps: Float[Tensor, "batch"],  # noqa: UP037
        context: Float[Tensor, "batch language width"],
        text: Float[Tensor, "batch length text_width"] | None = None,
        text_mask: Float[Tensor, "batch length"] | None = None,
        **_: Any,  # noqa: ANN401  control, transformer_options and what later hosts add
    ) -> Float[Tensor, "batch channels frames rows"]:
        return super().forward(x, timesteps, context, text, text_mask)


class CoreDenoiser:
    """The core's Denoiser over a network that the host has loaded, with the weights that LoRAs left in it.

    Args:
        network: a :class:`HostUNet`.
        device: where it computes.
        dtype: in which number format.
    """

    def __init__(self, network: nn.Module, device: torch.device, dtype: torch.dtype) -> None:
        self.network, self.device, self.dtype = network, device, dtype

    def __call__(
        self, x: Float[Tensor, "batch channels frames rows"], t: Int[Tensor, ""], condition: Condition
    ) -> Float[Tensor, "batch channels frames rows"]:
        predicted = self.network(
            self._ready(x),
            t.expand(len(x)).to(self.device),
            condition.language.to(self.device, self.dtype),
            self._ready(condition.text),
            self._ready(condition.text_mask),
        )
        return predicted.to(x)

    def _ready(self, tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor.to(self.device, self.dtype)
