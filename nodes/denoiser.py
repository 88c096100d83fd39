"""The checkpoint's denoiser, loaded by the host, for the core's sampling loop."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from ..art2mus_core.diffusion.denoiser import reads_plan
from ..art2mus_core.diffusion.plan import with_plan
from ..art2mus_core.networks.unet import UNet
from ..art2mus_core.types import Condition

__all__ = ["CoreDenoiser"]


class CoreDenoiser:
    """The core's `Denoiser` over a network that the host has loaded, including LoRA patches.

    Args:
        network: the denoiser's network.
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
