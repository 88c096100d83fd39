"""Words beside artworks: as a person says them, as the text encoders make of them, and as both sides of guidance are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ..conditioning.prompts import TextPrompt, join, with_embedding
from ..diffusion.guidance import repeated
from ..types import Condition, Embedding, PromptTokens

__all__ = ["Prompts", "Said", "Words"]


@dataclass(frozen=True)
class Words:
    """What a person says beside the artwork.

    Attributes:
        text: goes with every artwork of a batch; without one, the support prompt stays in its place.
        negative: what the music is pushed away from; without it, what the checkpoint's constants are pushed away from.
    """

    text: str | None = None
    negative: str | None = None


@dataclass(frozen=True)
class Prompts:
    """What both sides of guidance are told, before GPT-2 has gone on from it.

    Attributes:
        positive: of B artworks.
        negative: of none; one for all.
    """

    positive: TextPrompt
    negative: TextPrompt

    def conditions(self, language_model: Any, length: int) -> tuple[Condition, Condition]:  # noqa: ANN401  GPT-2
        """Let GPT-2 go on from both for `length` steps: (positive, negative), each of B."""
        positive, negative = (side.condition(language_model, length) for side in (self.positive, self.negative))
        return positive, repeated(negative, len(positive.language))


@dataclass(frozen=True)
class Said:
    """What text encoders made of words; the same for every artwork.

    Attributes:
        spoken: GPT-2's prompt of the text, [1, n, W]; None where there is none and artworks speak alone.
        text: T5 states of the text, or of the support prompt, [1, L, T].
        mask: true where a state counts.
        negative: what guidance is told instead.
    """

    spoken: PromptTokens | None
    text: Tensor
    mask: Tensor
    negative: TextPrompt

    def beside(self, prompt: PromptTokens, embedding: Embedding) -> Prompts:
        """The words beside B artworks: their tokens [B, n, W] and their embeddings [B, D].

        Raises:
            SettingError: a text beside an embedding of another width than T5's.
        """
        if self.spoken is None:
            count = len(prompt.values)
            slot = self.text.expand(count, -1, -1), self.mask.expand(count, -1)
            return Prompts(TextPrompt(prompt, *slot), self.negative)
        slot = with_embedding(self.text, self.mask, embedding.values)
        return Prompts(TextPrompt(join(self.spoken, prompt), *slot), self.negative)
