"""Text prompts of a user, encoded, and combined with artworks into the inputs of both sides of guidance."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..conditioning.prompts import TextPrompt, join, with_embedding
from ..networks.gpt2 import GPT2
from ..types import Condition, Embedding, PromptTokens

__all__ = ["EncodedText", "PromptText", "Prompts"]


@dataclass(frozen=True)
class PromptText:
    """The text prompts of a user.

    Attributes:
        text: for every artwork of a batch; by default the support prompt.
        negative: for the negative side of guidance; by default that of the checkpoint's constants.
    """

    text: str | None = None
    negative: str | None = None


@dataclass(frozen=True)
class Prompts:
    """The inputs of both sides of guidance.

    Attributes:
        positive: for B artworks or texts.
        negative: one for all.
    """

    positive: TextPrompt
    negative: TextPrompt

    def conditions(self, language_model: GPT2, length: int) -> tuple[Condition, Condition]:
        """The conditions (positive, negative) of B pieces, with languages of audio of `length`."""
        positive, negative = (side.condition(language_model, length) for side in (self.positive, self.negative))
        return positive, negative.repeated(len(positive.language))


@dataclass(frozen=True)
class EncodedText:
    """Encoded text prompts, the same for every artwork.

    Attributes:
        prompt: GPT-2's prompt of the text, [1, n, W]; None without a text.
        states: T5 states of the text or of the support prompt, [1, L, T].
        mask: false for padding.
        negative: the input of the negative side of guidance.
    """

    prompt: PromptTokens | None
    states: Tensor
    mask: Tensor
    negative: TextPrompt

    def with_artworks(self, tokens: PromptTokens, embedding: Embedding) -> Prompts:
        """Combine with the tokens [B, n, W] and the embeddings [B, D] of B artworks.

        Raises:
            SettingError: with a text, an embedding of another width than T5's states.
        """
        if self.prompt is None:
            count = len(tokens.values)
            states = self.states.expand(count, -1, -1), self.mask.expand(count, -1)
            return Prompts(TextPrompt(tokens, *states), self.negative)
        states = with_embedding(self.states, self.mask, embedding.values)
        return Prompts(TextPrompt(join(self.prompt, tokens), *states), self.negative)
