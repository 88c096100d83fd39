"""Examples without their artwork: they are trained with the negative side of guidance."""

from __future__ import annotations

import torch
from jaxtyping import Bool
from torch import Tensor
from torch.nn import functional as F

from ...types import Condition

__all__ = ["mixed"]


def mixed(positive: Condition, negative: Condition, dropped: Bool[Tensor, " batch"]) -> Condition:
    """The negative condition for the examples that are dropped, the positive one for the others.

    The shorter of two texts is padded with masked tokens. Gradients flow back to both sides.
    """
    rows = dropped[:, None, None]
    language = torch.where(rows, negative.language, positive.language)
    if positive.text is None or negative.text is None or positive.text_mask is None or negative.text_mask is None:
        return Condition(language)
    length = max(positive.text.shape[1], negative.text.shape[1])

    def padded(text: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        missing = length - text.shape[1]
        return F.pad(text, (0, 0, 0, missing)), F.pad(mask, (0, missing))

    there, absent = padded(positive.text, positive.text_mask), padded(negative.text, negative.text_mask)
    return Condition(
        language, torch.where(rows, absent[0], there[0]), torch.where(dropped[:, None], absent[1], there[1])
    )
