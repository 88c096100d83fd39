"""Adapters of the checkpoint's denoiser to its two callers: the host's samplers and the core's sampling loop."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..art2mus_core.diffusion.denoiser import reads_plan
from ..art2mus_core.diffusion.plan import with_plan
from ..art2mus_core.networks.unet import UNet
from ..art2mus_core.types import Condition

__all__ = ["CoreDenoiser", "HostUNet"]


class HostUNet(UNet):
    """The core's UNet with the attributes and the `forward` arguments that the host expects."""

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the weights."""
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
    """The core's `Denoiser` over a network that the host has loaded, including LoRA patches.

    Args:
        network: a :class:`HostUNet`.
        device: device of its weights.
        dtype: number format to compute in.
    """

    def __init__(self, network: UNet, device: torch.device, dtype: torch.dtype) -> None:
        self.network, self.device, self.dtype = network, device, dtype

    def __call__(
        self, x: Float[Tensor, "batch channels frames rows"], t: Int[Tensor, ""], condition: Condition
    ) -> Float[Tensor, "batch channels frames rows"]:
        given = with_plan(x, condition.plan) if reads_plan(self.network.config) else x
        predicted = self.network(
            self._cast(given),
            t.expand(len(x)).to(self.device),
            condition.language.to(self.device, self.dtype),
            self._cast(condition.text),
            self._cast(condition.text_mask),
        )
        return predicted.to(x)

    def _cast(self, tensor: Tensor | None) -> Tensor | None:
        return None if tensor is None else tensor.to(self.device, self.dtype)
