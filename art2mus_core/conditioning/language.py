"""AudioLDM2's language model: GPT-2 continues a prompt with its own hidden states instead of tokens.

Source: Liu et al. 2024, "AudioLDM 2: Learning Holistic Audio Generation with Self-supervised Pretraining", section 3.2.
"""

from __future__ import annotations

from pathlib import Path

import torch

from ..checkpoints.folder import check_component, load_component, weights_file
from ..checkpoints.strict import listed
from ..checkpoints.tensors import opened
from ..digests import half_digest
from ..errors import CheckpointError
from ..networks.gpt2 import GPT2
from ..types import LanguageOfAudio, PromptTokens

__all__ = [
    "check_language_model",
    "fingerprint",
    "is_word_embedding",
    "load_language_model",
    "roll_out",
]

HEADED = "transformer."
"""Prefix of GPT-2's keys in a GPT2LMHeadModel, which diffusers saves; published checkpoints have none."""

LAST_NORM = ("ln_f.weight", "ln_f.bias")
"""GPT-2's last layer, which is small and differs between any two trained models."""


def is_word_embedding(key: str) -> bool:
    """Whether :class:`~art2mus_core.networks.gpt2.GPT2` does not use a weight of a published GPT-2.

    These are the token embeddings, the head, which shares them, and causal masks stored by old versions of transformers.
    """
    return key.removeprefix(HEADED).startswith(("wte.", "lm_head.")) or key.endswith(
        (".attn.bias", ".attn.masked_bias")
    )


def load_language_model(folder: Path, *, dtype: torch.dtype = torch.float32) -> GPT2:
    """Load a checkpoint's GPT-2, stored with or without a language-modelling head.

    Raises:
        CheckpointError: weights are missing, damaged or differ from the configuration.
    """
    return load_component(folder, "language_model", GPT2, dtype=dtype, unused=is_word_embedding, prefix=HEADED)


def check_language_model(folder: Path) -> None:
    """Compare the header of a GPT-2's weights with its configuration; no weight is read.

    Raises:
        CheckpointError: as :func:`load_language_model`, except for values that are not finite.
    """
    check_component(folder, "language_model", GPT2, unused=is_word_embedding, prefix=HEADED)


def fingerprint(folder: Path) -> str:
    """Identifies a checkpoint's GPT-2; equal for its weights in float32 and in float16.

    Raises:
        CheckpointError: the weights are missing or damaged, or lack the last norm.
    """
    path = weights_file(folder, "language_model")
    with opened(path) as file:
        keys = {key.removeprefix(HEADED): key for key in file.keys()}  # noqa: SIM118
        if missing := [key for key in LAST_NORM if key not in keys]:
            raise CheckpointError(
                f"{path} lacks {listed(missing)} and contains {listed(sorted(keys))}",
                "the weights of a GPT-2",
                "Download the checkpoint again.",
            )
        return half_digest(file.get_tensor(keys[key]) for key in LAST_NORM)


def roll_out(language_model: GPT2, prompt: PromptTokens, length: int) -> LanguageOfAudio:
    """Continue a prompt for `length` steps; the last hidden state of a step is the input of the next.

    As in AudioLDM2, masked prompt tokens are counted as positions, and the last token's hidden state is used even if it is
    masked, so shorter prompts of a batch should be padded in front. Gradients flow back to the prompt and to the weights.

    Args:
        language_model: GPT-2 of width W.
        prompt: [B, n, W].
        length: steps, `AudioGrid.language_tokens`.

    Returns:
        [B, length, W].

    Raises:
        CheckpointError: the model has too few positions.
    """
    weight = language_model.wpe.weight
    inputs, mask = prompt.values.to(weight), prompt.mask.to(weight.device, torch.bool)
    most, wanted = language_model.config["n_positions"], mask.shape[1] + length - 1
    if wanted > most:
        raise CheckpointError(
            f"a prompt of {mask.shape[1]} tokens and {length} of language for a GPT-2 of n_positions {most}",
            f"{wanted} positions or more",
            "Use an aligner with fewer tokens, a shorter text, or another checkpoint.",
        )
    cache, language = None, []
    for _ in range(length):
        states, cache = language_model(inputs, mask, cache)
        inputs = states[:, -1:]
        mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
        language.append(inputs)
    return LanguageOfAudio(torch.cat(language, dim=1))
