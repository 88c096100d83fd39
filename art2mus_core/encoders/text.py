"""AudioLDM2's two text encoders: CLAP, which embeds a text in the space of sounds, and FLAN-T5, which encodes its tokens.

They are used as in the published pipeline (Liu et al. 2024; `encode_prompt` of diffusers' AudioLDM2Pipeline), except that CLAP's input
is padded to the longest text of a batch, not to 512 tokens. Padding is masked, so this only saves time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeGuard

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast
from transformers.models.clap.configuration_clap import ClapConfig
from transformers.models.clap.modeling_clap import ClapTextModelWithProjection
from transformers.models.t5.configuration_t5 import T5Config
from transformers.models.t5.modeling_t5 import T5EncoderModel
from transformers.tokenization_utils_base import LARGE_INTEGER

from ..checkpoints.folder import load_component, weights_file
from ..checkpoints.tensors import opened
from ..errors import CheckpointError

__all__ = ["ClapText", "T5Text", "check_text_encoders", "load_clap_text", "load_t5"]

COMPONENTS = ("text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2")

EMBEDDINGS = ("shared.weight", "encoder.embed_tokens.weight")
"""The two names of T5's token embeddings; files have either or both."""

BUFFERS = ("position_ids", "token_type_ids")
"""Counters of CLAP's text tower, which some files store with the weights."""


class _TextEncoder(nn.Module):
    """A network with its tokenizer."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, network: ClapTextModelWithProjection | T5EncoderModel
    ) -> None:
        super().__init__()
        self.tokenizer, self.network = tokenizer, network

    def _tokens(self, texts: Sequence[str], length: int | None = None) -> dict[str, Int[Tensor, "batch length"]]:
        padding: bool | str = True if length is None else "max_length"
        batch = self.tokenizer(list(texts), padding=padding, max_length=length, truncation=True, return_tensors="pt")
        return {name: batch[name].to(self.network.device) for name in ("input_ids", "attention_mask")}


class ClapText(_TextEncoder):
    """The text tower of CLAP."""

    def embed(self, texts: Sequence[str]) -> Float[Tensor, "batch dim"]:
        """Unit-norm embeddings, [B, D]."""
        return F.normalize(self.network(**self._tokens(texts)).text_embeds, dim=-1)


class T5Text(_TextEncoder):
    """The encoder of FLAN-T5."""

    def read(
        self, texts: Sequence[str], length: int | None = None
    ) -> tuple[Float[Tensor, "batch length width"], Bool[Tensor, "batch length"]]:
        """States and their mask, which is false for padding.

        Args:
            texts: B texts.
            length: number of tokens, including the end-of-text token, to which every text is cut or padded; by default that of
                the longest text.
        """
        tokens = self._tokens(texts, length)
        return self.network(**tokens).last_hidden_state, tokens["attention_mask"].bool()


def check_text_encoders(folder: Path) -> None:
    """Check that a checkpoint has text encoders.

    Raises:
        CheckpointError: a text encoder or a tokenizer is missing.
    """
    missing = [name for name in COMPONENTS if not (folder / name).is_dir()]
    if missing:
        raise CheckpointError(
            f"{folder} has no {', no '.join(missing)}",
            f"a checkpoint with text encoders: {', '.join(COMPONENTS)}",
            "Use a published one (`art2mus fetch audioldm2`); music for artworks needs no text.",
        )


def load_clap_text(folder: Path, *, dtype: torch.dtype) -> ClapText:
    """Load the text tower of a checkpoint's CLAP (`text_encoder`, `tokenizer`).

    Raises:
        CheckpointError: a file is missing or damaged, or weights and configuration differ.
    """
    tokenizer = _load_tokenizer(folder, "tokenizer")
    network = load_component(folder, "text_encoder", _build_clap_text, dtype=dtype, unused=_is_no_clap_text)
    _check_vocabulary(folder, "tokenizer", tokenizer, network)
    config: Any = network.config
    positions = config.max_position_embeddings - config.pad_token_id - 1
    _limit(folder, "tokenizer", tokenizer, positions)
    return ClapText(tokenizer, network)


def load_t5(folder: Path, *, dtype: torch.dtype) -> T5Text:
    """Load a checkpoint's FLAN-T5 (`text_encoder_2`, `tokenizer_2`); float16, in which it overflows, is replaced by float32.

    Raises:
        CheckpointError: a file is missing or damaged, or weights and configuration differ.
    """
    tokenizer = _load_tokenizer(folder, "tokenizer_2")
    with opened(weights_file(folder, "text_encoder_2")) as file:
        kept, other = EMBEDDINGS if EMBEDDINGS[0] in set(file.keys()) else EMBEDDINGS[::-1]

    def build(config: dict[str, Any]) -> T5EncoderModel:
        network = T5EncoderModel(T5Config(**config))
        owner, _, leaf = other.removesuffix(".weight").rpartition(".")
        setattr(network.get_submodule(owner), leaf, nn.Identity())
        return network

    network = load_component(
        folder,
        "text_encoder_2",
        build,
        dtype=torch.float32 if dtype == torch.float16 else dtype,
        unused=lambda key: key == other,
    )
    network.set_input_embeddings(network.get_submodule(kept.removesuffix(".weight")))
    _check_vocabulary(folder, "tokenizer_2", tokenizer, network)
    _limit(folder, "tokenizer_2", tokenizer, getattr(network.config, "n_positions", None))
    return T5Text(tokenizer, network)


def _build_clap_text(config: dict[str, Any]) -> ClapTextModelWithProjection:
    """Build the tower by way of ClapConfig, which copies the projection's size and activation into the text configuration."""
    text_config: Any = ClapConfig(**config).text_config
    network = ClapTextModelWithProjection(text_config)
    embeddings = network.text_model.embeddings
    positions = torch.arange(network.config.max_position_embeddings, device="cpu")[None]
    for name, values in zip(BUFFERS, (positions, torch.zeros_like(positions)), strict=True):
        embeddings.register_buffer(name, values, persistent=False)
    return network


def _is_no_clap_text(key: str) -> bool:
    return key.startswith(("audio_", "logit_scale_")) or key.endswith(BUFFERS)


def _load_tokenizer(folder: Path, name: str) -> PreTrainedTokenizerBase:
    """Load the tokenizer as stored; transformers' own classes rebuild it without normalisers that they don't know."""
    path, config = folder / name / "tokenizer.json", folder / name / "tokenizer_config.json"
    if not path.is_file():
        raise CheckpointError(f"{path} is missing", "a tokenizer", "Install or download the checkpoint again.")
    try:
        stored = json.loads(config.read_text(encoding="utf-8"))
        pad = stored.get("pad_token", "<pad>")
        return PreTrainedTokenizerFast(
            tokenizer_file=str(path),
            pad_token=pad["content"] if isinstance(pad, dict) else pad,
            model_max_length=stored.get("model_max_length"),
        )
    except Exception as error:  # a damaged file makes the tokenizers library raise a bare Exception
        reason = " ".join(str(error).split())
        raise CheckpointError(
            f"{folder / name} has no tokenizer that can be loaded ({type(error).__name__}: {reason})",
            "tokenizer.json and tokenizer_config.json",
            "Install or download the checkpoint again.",
        ) from error


def _check_vocabulary(folder: Path, name: str, tokenizer: PreTrainedTokenizerBase, network: nn.Module) -> None:
    most = network.get_input_embeddings().num_embeddings  # type: ignore[operator]
    if len(tokenizer) > most:
        raise CheckpointError(
            f"{folder / name} has {len(tokenizer)} tokens",
            f"at most the {most} of its text encoder",
            "Use tokenizer and text encoder of one checkpoint.",
        )


def _limit(folder: Path, name: str, tokenizer: PreTrainedTokenizerBase, positions: object) -> None:
    """Limit texts to the tokenizer's maximum or the network's number of positions, whichever is less.

    RoBERTa's positions start after the padding's; T5 has none, but its configuration may have the number it was trained on.
    """
    lengths = [length for length in (tokenizer.model_max_length, positions) if _is_length(length)]
    if not lengths:
        raise CheckpointError(
            f"{folder / name} has no limit for the length of a text",
            "model_max_length in its tokenizer_config.json, a positive whole number",
            "Install or download the checkpoint again.",
        )
    tokenizer.model_max_length = min(lengths)


def _is_length(value: object) -> TypeGuard[int]:
    """Whether a value is a length; transformers uses numbers above the limit for an unknown one."""
    return type(value) is int and 0 < value < LARGE_INTEGER
