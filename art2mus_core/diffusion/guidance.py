"""Classifier-free guidance (Ho & Salimans 2022), as a denoiser that wraps another."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from ..interfaces import Denoiser
from ..types import Condition, Plan

__all__ = ["Guided", "join"]


class Guided:
    """Predicts e = e_negative + scale * (e_positive - e_negative), with both predictions computed in one batch.

    At scale 1, and at timesteps from `limit` up, only the positive prediction is computed: where there is much noise, guidance changes
    little of the music (Kynkaanniemi et al. 2024, who limit it to an interval).
    """

    def __init__(self, denoiser: Denoiser, negative: Condition, scale: float, limit: float = math.inf) -> None:
        self.denoiser, self.negative, self.scale, self.limit = denoiser, negative, scale, limit

    def __call__(
        self, x: Float[Tensor, "batch channels frames rows"], t: Int[Tensor, ""], condition: Condition
    ) -> Float[Tensor, "batch channels frames rows"]:
        if self.scale == 1 or t.item() >= self.limit:
            return self.denoiser(x, t, condition)
        negative, positive = self.denoiser(torch.cat([x, x]), t, join(self.negative, condition)).chunk(2)
        return negative + self.scale * (positive - negative)


def join(first: Condition, second: Condition) -> Condition:
    """Concatenate two conditions into one batch.

    The shorter text is padded with masked states. Languages of different lengths are repeated to their least common multiple,
    which does not change attention over them. Where only one has a plan, the other's music has none, so guidance makes beat and key clearer.
    """
    plan = _join_plans(first, second)
    tokens = math.lcm(first.language.shape[1], second.language.shape[1])
    language = torch.cat([each.repeat(1, tokens // each.shape[1], 1) for each in (first.language, second.language)])
    if first.text is None or second.text is None or first.text_mask is None or second.text_mask is None:
        return Condition(language, plan=plan)
    length = max(first.text.shape[1], second.text.shape[1])
    texts = [F.pad(text, (0, 0, 0, length - text.shape[1])) for text in (first.text, second.text)]
    masks = [F.pad(mask, (0, length - mask.shape[1])) for mask in (first.text_mask, second.text_mask)]
    return Condition(language, torch.cat(texts), torch.cat(masks), plan)


def _join_plans(first: Condition, second: Condition) -> Plan | None:
    """The plans of two conditions as one batch; music of one without plan has neither metre nor key."""
    known = first.plan or second.plan
    if known is None:
        return None
    plans = [each.plan or known.only(torch.zeros_like(known.key, dtype=torch.bool)) for each in (first, second)]
    sides = zip(*(vars(each).values() for each in plans), strict=True)
    return Plan(*(torch.cat(pair) for pair in sides))
