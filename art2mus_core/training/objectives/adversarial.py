"""The losses of HiFi-GAN (Kong et al. 2020, eq. 1 to 7): least squares against discriminators, and matching of their features."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call

from ...networks.discriminators import Discriminators

__all__ = ["adversarial_losses"]


def adversarial_losses(
    discriminators: Discriminators, made: Float[Tensor, "batch samples"], wanted: Float[Tensor, "batch samples"]
) -> dict[str, Tensor]:
    """The loss of the discriminators, and those that they give to whatever made sounds.

    The first moves the discriminators alone, the others the maker alone, so that one backward pass of their sum has both gradients.

    Args:
        discriminators: the discriminators.
        made: sounds.
        wanted: true sounds.

    Returns:
        `discriminators`; `adversarial`, of the maker; `features`, the mean absolute differences of all activations.
    """
    true, false = (each.float() for each in (wanted, made.detach()))
    judged = zip(discriminators(true), discriminators(false), strict=True)
    own = [(1 - real.score).square().mean() + fake.score.square().mean() for real, fake in judged]
    frozen = {name: weight.detach() for name, weight in discriminators.named_parameters()}
    with torch.no_grad():
        real = functional_call(discriminators, frozen, (true,))
    fake = functional_call(discriminators, frozen, (made.float(),))
    away = [
        (one - other).abs().mean()
        for left, right in zip(real, fake, strict=True)
        for one, other in zip(left.features, right.features, strict=True)
    ]
    deceived = [(1 - each.score).square().mean() for each in fake]
    return {"discriminators": _sum(own), "adversarial": _sum(deceived), "features": _sum(away)}


def _sum(terms: Sequence[Tensor]) -> Tensor:
    return torch.stack([*terms]).sum()
