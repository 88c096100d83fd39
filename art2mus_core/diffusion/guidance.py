"""Classifier-free guidance (Ho & Salimans 2022) as a denoiser around a denoiser."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from ..types import Condition, Denoiser

__all__ = ["Guided", "join", "repeated"]


class Guided:
    """Goes from what is predicted without the artwork towards, and with `scale` > 1 past, what is predicted with it.

    e = e_negative + scale * (e_positive - e_negative), both in one batch. At scale 1 the negative is not computed.
    """

    def __init__(self, denoiser: Denoiser, negative: Condition, scale: float) -> None:
        self.denoiser, self.negative, self.scale = denoiser, negative, scale

    def __call__(
        self, x: Float[Tensor, "batch channels frames rows"], t: Int[Tensor, ""], condition: Condition
    ) -> Float[Tensor, "batch channels frames rows"]:
        if self.scale == 1:
            return self.denoiser(x, t, condition)
        negative, positive = self.denoiser(torch.cat([x, x]), t, join(self.negative, condition)).chunk(2)
        return negative + self.scale * (positive - negative)


def join(first: Condition, second: Condition) -> Condition:
    """Two conditions as one batch.

    The shorter text is padded with states that are masked out. Languages of unlike length are said again until they are
    equally long, which attention doesn't notice.
    """
    tokens = math.lcm(first.language.shape[1], second.language.shape[1])
    language = torch.cat([said.repeat(1, tokens // said.shape[1], 1) for said in (first.language, second.language)])
    if first.text is None or second.text is None or first.text_mask is None or second.text_mask is None:
        return Condition(language)
    length = max(first.text.shape[1], second.text.shape[1])
    texts = [_longer(text, length) for text in (first.text, second.text)]
    masks = [_longer(mask[..., None], length)[..., 0] for mask in (first.text_mask, second.text_mask)]
    return Condition(language, torch.cat(texts), torch.cat(masks))


def repeated(condition: Condition, count: int) -> Condition:
    """One condition, told `count` times in a batch."""

    def expanded(stored: Tensor | None) -> Tensor | None:
        return None if stored is None else stored.expand(count, *stored.shape[1:])

    return Condition(condition.language.expand(count, -1, -1), expanded(condition.text), expanded(condition.text_mask))


def _longer(
    states: Float[Tensor, "batch length width"] | Bool[Tensor, "batch length width"], length: int
) -> Float[Tensor, "batch longer width"] | Bool[Tensor, "batch longer width"]:
    return F.pad(states, (0, 0, 0, length - states.shape[1]))
