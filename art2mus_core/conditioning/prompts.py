"""Text prompts: AudioLDM2's projection model, and the combination of text and image tokens of Art2Mus (2024).

The prompt of GPT-2 is [SOS CLAP EOS SOS_1 T5 .. EOS_1], followed by the image tokens if there is an artwork. The denoiser attends to
the T5 states, followed by the image embedding as one more state.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from ..errors import SettingError
from ..networks.gpt2 import GPT2
from ..networks.projection import ProjectionModel
from ..types import Condition, PromptTokens
from .language import roll_out

__all__ = [
    "BESIDE",
    "NEGATIVE_TOKENS",
    "TextPrompt",
    "check_width",
    "join",
    "text_prompt",
    "with_embedding",
]

BESIDE = 1
"""T5 states that an image embedding takes up after those of a text."""

NEGATIVE_TOKENS = 1
"""T5 tokens of the negative prompt for GPT-2 when there is no text: as many as image embeddings. Only the end-of-text token remains."""


@dataclass(frozen=True)
class TextPrompt:
    """The inputs of one side of guidance: GPT-2's prompt and the denoiser's text states.

    Attributes:
        prompt: tokens for GPT-2, [B, n, W].
        text: T5 states, [B, L, T].
        mask: false for padding, [B, L].
    """

    prompt: PromptTokens
    text: Float[Tensor, "batch length text_width"]
    mask: Bool[Tensor, "batch length"]

    def condition(self, language_model: GPT2, length: int) -> Condition:
        """The denoiser's condition, with a language of audio of `length`."""
        language = roll_out(language_model, self.prompt, length).values
        return Condition(language, self.text, self.mask).to(language)


def text_prompt(
    projection: ProjectionModel,
    clap: Float[Tensor, "batch clap_width"],
    states: Float[Tensor, "batch length text_width"],
    mask: Bool[Tensor, "batch length"],
) -> PromptTokens:
    """[SOS CLAP EOS SOS_1 T5 .. EOS_1], [B, L + 5, W]; masked only at T5's padding."""
    weight = projection.projection.weight
    one = mask.new_ones(len(mask), 1, device=weight.device)
    start, end, start_1, end_1 = (
        token.expand(len(mask), 1, -1)
        for token in (projection.sos_embed, projection.eos_embed, projection.sos_embed_1, projection.eos_embed_1)
    )
    first, second = projection.projection(clap.to(weight)[:, None]), projection.projection_1(states.to(weight))
    return PromptTokens(
        torch.cat([start, first, end, start_1, second, end_1], dim=1),
        torch.cat([one, one, one, one, mask.to(weight.device), one], dim=1),
    )


def join(text: PromptTokens, image: PromptTokens) -> PromptTokens:
    """The tokens of one text followed by those of each artwork, [B, n + m, W]."""
    count, like = len(image.values), text.values
    return PromptTokens(
        torch.cat([like.expand(count, -1, -1), image.values.to(like)], dim=1),
        torch.cat([text.mask.expand(count, -1), image.mask.to(like.device)], dim=1),
    )


def with_embedding(
    states: Float[Tensor, "1 length text_width"],
    mask: Bool[Tensor, "1 length"],
    embedding: Float[Tensor, "batch dim"],
) -> tuple[Float[Tensor, "batch longer text_width"], Bool[Tensor, "batch longer"]]:
    """Text states of a text and artworks: the text's T5 states followed by each artwork's embedding.

    Raises:
        SettingError: the embedding has another width than the states.
    """
    count, dim = embedding.shape
    check_width(dim, states.shape[-1])
    longer = torch.cat([states.expand(count, -1, -1), embedding.to(states)[:, None]], dim=1)
    return longer, torch.cat([mask.expand(count, -1), mask.new_ones(count, BESIDE)], dim=1)


def check_width(dim: int, text_width: int) -> None:
    """Check that an image embedding can be combined with a text.

    Raises:
        SettingError: it has another width than T5's states.
    """
    if dim != text_width:
        raise SettingError(
            f"a text prompt with an image embedding of {dim} values",
            f"one of {text_width}, the width of this checkpoint's T5 states, to which it is appended",
            "Use an encoder of that width (ImageBind for AudioLDM 2), or leave the text out.",
        )
