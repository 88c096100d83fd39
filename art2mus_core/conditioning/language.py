"""AudioLDM2's language model: GPT-2 that goes on from a prompt, not in words but in its own hidden states.

Source: Liu et al. 2024, "AudioLDM 2: Learning Holistic Audio Generation with Self-supervised Pretraining", section 3.2.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from ..checkpoints.folder import check_component, load_component, weights_file
from ..checkpoints.strict import listed
from ..checkpoints.tensors import opened
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
"""How GPT-2's weights begin in a GPT2LMHeadModel, which is what diffusers saves; published ones have no such beginning."""

LAST_NORM = ("ln_f.weight", "ln_f.bias")
"""GPT-2's last layer: small, and different in any two models that were trained apart."""


def is_word_embedding(key: str) -> bool:
    """Whether a weight of a published GPT-2 is one that :class:`~art2mus_core.networks.gpt2.GPT2` has no place for.

    Beside the table of words (and the head, which is the same table) these are the causal masks that old versions stored.
    """
    return key.removeprefix(HEADED).startswith(("wte.", "lm_head.")) or key.endswith(
        (".attn.bias", ".attn.masked_bias")
    )


def load_language_model(folder: Path, *, dtype: torch.dtype = torch.float32) -> GPT2:
    """A checkpoint's GPT-2, stored by itself or as the body of one with a head.

    Raises:
        CheckpointError: missing or damaged, or of another configuration.
    """
    return load_component(folder, "language_model", GPT2, dtype=dtype, unused=is_word_embedding, prefix=HEADED)


def check_language_model(folder: Path) -> None:
    """Compare a checkpoint's GPT-2 with the header of its weights, of which none is read.

    Raises:
        CheckpointError: as :func:`load_language_model`, but for values that are not finite.
    """
    check_component(folder, "language_model", GPT2, unused=is_word_embedding, prefix=HEADED)


def fingerprint(folder: Path) -> str:
    """What tells a checkpoint's GPT-2 from others: the same for its weights in float32 and in float16.

    Only the last norm is read: twelve hexadecimal digits of the sha256 over its weight and bias in float16, little endian.

    Raises:
        CheckpointError: the weights are missing or damaged, or lack the last norm.
    """
    digest = hashlib.sha256()
    path = weights_file(folder, "language_model")
    with opened(path) as file:
        keys = {key.removeprefix(HEADED): key for key in file.keys()}  # noqa: SIM118
        if missing := [key for key in LAST_NORM if key not in keys]:
            raise CheckpointError(
                f"{path} lacks {listed(missing)} and holds {listed(sorted(keys))}",
                "the weights of a GPT-2",
                "Download the checkpoint again.",
            )
        for key in LAST_NORM:
            digest.update(file.get_tensor(keys[key]).to(torch.float16).numpy().tobytes())
    return digest.hexdigest()[:12]


def roll_out(language_model: GPT2, prompt: PromptTokens, length: int) -> LanguageOfAudio:
    """Go on from a prompt for `length` steps; each step's last hidden state is the next step's input.

    As in AudioLDM2, positions count every prompt token, masked or not, and the last one speaks even if it is masked:
    shorter prompts of a batch are better padded in front. Gradients flow from the language back to the
    prompt and to the weights.

    Args:
        language_model: GPT-2 of width W.
        prompt: [B, n, W].
        length: steps, `AudioGrid.language_tokens`.

    Returns:
        [B, length, W].

    Raises:
        CheckpointError: the model has not so many positions.
    """
    weight = language_model.wpe.weight
    inputs, mask = prompt.values.to(weight), prompt.mask.to(weight.device, torch.bool)
    most, wanted = language_model.config["n_positions"], mask.shape[1] + length - 1
    if wanted > most:
        raise CheckpointError(
            f"a prompt of {mask.shape[1]} tokens and {length} of language for a GPT-2 of n_positions {most}",
            f"{wanted} positions or more",
            "Use an aligner of fewer tokens, fewer words, or another checkpoint.",
        )
    cache, spoken = None, []
    for _ in range(length):
        states, cache = language_model(inputs, mask, cache)
        inputs = states[:, -1:]
        mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
        spoken.append(inputs)
    return LanguageOfAudio(torch.cat(spoken, dim=1))
