"""AudioLDM2's language model: GPT-2 that goes on from a prompt, not in words but in its own hidden states.

Source: Liu et al. 2024, "AudioLDM 2: Learning Holistic Audio Generation with Self-supervised Pretraining", section 3.2.
"""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import __version__
from transformers.models.gpt2.configuration_gpt2 import GPT2Config
from transformers.models.gpt2.modeling_gpt2 import GPT2Model

from ..checkpoints.folder import check_component, load_component, weights_file
from ..checkpoints.strict import listed
from ..checkpoints.tensors import opened
from ..errors import CheckpointError
from ..types import LanguageOfAudio, PromptTokens

__all__ = [
    "build_language_model",
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

CACHE_NAMES = ("cache", "past_key_values")
"""Of GPT-2's key-value cache: since transformers 5.24, and before."""


def build_language_model(config: dict[str, Any]) -> GPT2Model:
    """GPT-2 without its table of words, which is never used: prompts are embeddings."""
    wordless = {"vocab_size": 1, "bos_token_id": None, "eos_token_id": None}
    model = GPT2Model(GPT2Config(**{**config, **wordless}))
    model.set_input_embeddings(nn.Identity())
    return model


def is_word_embedding(key: str) -> bool:
    """Whether a weight of a published GPT-2 is one that :func:`build_language_model` leaves out.

    Beside the table of words (and the head, which is the same table) these are the causal masks that old versions stored.
    """
    return key.removeprefix(HEADED).startswith(("wte.", "lm_head.")) or key.endswith(
        (".attn.bias", ".attn.masked_bias")
    )


def load_language_model(folder: Path, *, dtype: torch.dtype = torch.float32) -> GPT2Model:
    """A checkpoint's GPT-2, stored by itself or as the body of one with a head.

    Raises:
        CheckpointError: missing or damaged, or of another configuration.
    """
    return load_component(
        folder, "language_model", build_language_model, dtype=dtype, unused=is_word_embedding, prefix=HEADED
    )


def check_language_model(folder: Path) -> None:
    """Compare a checkpoint's GPT-2 with the header of its weights, of which none is read.

    Raises:
        CheckpointError: as :func:`load_language_model`, but for values that are not finite.
    """
    check_component(folder, "language_model", build_language_model, unused=is_word_embedding, prefix=HEADED)


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


def roll_out(language_model: GPT2Model, prompt: PromptTokens, length: int) -> LanguageOfAudio:
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
    """
    weight, cache = language_model.wpe.weight, _cache_name(language_model)
    inputs, mask = prompt.values.to(weight), prompt.mask.to(weight.device, torch.long)
    past, spoken = None, []
    for _ in range(length):
        output = language_model(inputs_embeds=inputs, attention_mask=mask, use_cache=True, **{cache: past})
        inputs, past = output.last_hidden_state[:, -1:], output[cache]
        mask = torch.cat([mask, mask.new_ones(len(mask), 1)], dim=1)
        spoken.append(inputs)
    return LanguageOfAudio(torch.cat(spoken, dim=1))


def _cache_name(language_model: GPT2Model) -> str:
    """What this version of transformers calls the attention's cache, as an argument and in the output.

    It is read from the signature, because GPT-2 takes names it doesn't know without a word, and then forgets the prompt.
    """
    takes = inspect.signature(language_model.forward).parameters
    if found := next((name for name in CACHE_NAMES if name in takes), None):
        return found
    raise CheckpointError(
        f"GPT-2 of transformers {__version__} takes {listed(list(takes))}",
        f"one of {', '.join(CACHE_NAMES)}",
        "Update art2mus, or install an older transformers.",
    )
