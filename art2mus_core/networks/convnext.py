"""The blocks of the tonewheel vocoder's network."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["ConvNeXt"]


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
        widened = self.up(mixed + self.across(mixed.mean(-1, keepdim=True)))
        return x + self.down(F.gelu(widened))
