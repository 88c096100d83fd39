"""The blocks of the tonewheel vocoder's network."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["ConvNeXt", "pointwise"]


def pointwise(
    layer: nn.Conv2d, x: Float[Tensor, "batch inputs frames bins"]
) -> Float[Tensor, "batch outputs frames bins"]:
    """A convolution with a kernel of one, as the matrix product that it is; channels come last in memory."""
    last = x.permute(0, 2, 3, 1)
    rows = torch.addmm(layer.bias, last.flatten(0, 2), layer.weight.flatten(1).mT)  # type: ignore[arg-type]  # there is one
    return rows.unflatten(0, last.shape[:3]).permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    """ConvNeXt over frames and semitones (Liu et al. 2022), without its normalisation, because levels carry meaning.

    The mean over all semitones tells each of an attack, which is sharp in time only in the high ones.
    """

    def __init__(self, width: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        self.mix = nn.Conv2d(width, width, kernel, padding="same", groups=width)
        self.across = nn.Conv2d(width, width, 1)
        self.up = nn.Conv2d(width, 3 * width, 1)
        self.down = nn.Conv2d(3 * width, width, 1)

    def forward(self, x: Float[Tensor, "batch width frames bins"]) -> Float[Tensor, "batch width frames bins"]:
        mixed = self.mix(x)
        widened = pointwise(self.up, mixed + pointwise(self.across, mixed.mean(-1, keepdim=True)))
        return x + pointwise(self.down, F.gelu(widened))
