"""Text beside the picture: AudioLDM2's projection model, and how Art2Mus (2024) puts an artwork's tokens to those of a text.

GPT-2 goes on from [SOS CLAP EOS SOS_1 T5 .. EOS_1], followed by the image tokens where there is a picture. The denoiser's T5
slot holds the T5 states, followed by the image embedding itself as one more token.
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
"""Places that an artwork's embedding takes in the T5 slot behind a text."""

NEGATIVE_TOKENS = 1
"""T5 tokens of the negative prompt that GPT-2 sees where there is no text: as many as there are image embeddings. It is the
end-of-text token that is left."""


@dataclass(frozen=True)
class TextPrompt:
    """What one side of guidance is told, before GPT-2 has gone on from it.

    Attributes:
        prompt: GPT-2's, [B, n, W].
        text: the T5 slot's, [B, L, T].
        mask: true where a state counts.
    """

    prompt: PromptTokens
    text: Float[Tensor, "batch length text_width"]
    mask: Bool[Tensor, "batch length"]

    def condition(self, language_model: GPT2, length: int) -> Condition:
        """Let GPT-2 go on for `length` steps."""
        language = roll_out(language_model, self.prompt, length).values
        return Condition(language, self.text.to(language), self.mask.to(language.device))


def text_prompt(
    projection: ProjectionModel,
    clap: Float[Tensor, "batch clap_width"],
    states: Float[Tensor, "batch length text_width"],
    mask: Bool[Tensor, "batch length"],
) -> PromptTokens:
    """[SOS CLAP EOS SOS_1 T5 .. EOS_1], [B, L + 5, W]; of these only T5's padding does not count."""
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
    """The tokens of one text, and behind them those of each artwork: [B, n + m, W]."""
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
    """The T5 slot of text and artworks: the text's states, and each artwork's embedding as it is for one more.

    Raises:
        SettingError: an embedding is not as wide as a state.
    """
    count, dim = embedding.shape
    check_width(dim, states.shape[-1])
    longer = torch.cat([states.expand(count, -1, -1), embedding.to(states)[:, None]], dim=1)
    return longer, torch.cat([mask.expand(count, -1), mask.new_ones(count, BESIDE)], dim=1)


def check_width(dim: int, text_width: int) -> None:
    """Refuse an embedding that has no place beside a text.

    Raises:
        SettingError: it is not as wide as a state of T5.
    """
    if dim != text_width:
        raise SettingError(
            f"a text beside an image embedding of {dim} numbers",
            f"one of {text_width}, the width of this checkpoint's T5, in whose slot it takes a place",
            "Use an encoder of that width (ImageBind for AudioLDM 2), or leave the text out.",
        )
