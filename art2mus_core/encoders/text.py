"""AudioLDM2's two text encoders: CLAP hears a text as it would hear the sound, FLAN-T5 reads it word by word.

They are called as the published pipeline calls them (Liu et al. 2024; `encode_prompt` of diffusers' AudioLDM2Pipeline), but
for one thing: CLAP's input is padded to the longest text of a batch, not to 512 tokens. Padding is masked, so only time is
saved.
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

WORDS = ("shared.weight", "encoder.embed_tokens.weight")
"""T5's table of words under its two names; files hold either, or both."""

BUFFERS = ("position_ids", "token_type_ids")
"""Counters of CLAP's text tower, which some files hold among the weights."""


class ClapText(nn.Module):
    """The text tower of CLAP.

    Args:
        tokenizer: RoBERTa's.
        network: text in, embedding out.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, network: ClapTextModelWithProjection) -> None:
        super().__init__()
        self.tokenizer, self.network = tokenizer, network

    def embed(self, texts: Sequence[str]) -> Float[Tensor, "batch dim"]:
        """[B, D], each of length 1."""
        ids, mask = _tokens(self.tokenizer, texts, self.network, None)
        return F.normalize(self.network(input_ids=ids, attention_mask=mask).text_embeds, dim=-1)


class T5Text(nn.Module):
    """The encoder of FLAN-T5.

    Args:
        tokenizer: T5's.
        network: text in, one state a token out.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, network: T5EncoderModel) -> None:
        super().__init__()
        self.tokenizer, self.network = tokenizer, network

    def read(
        self, texts: Sequence[str], length: int | None = None
    ) -> tuple[Float[Tensor, "batch length width"], Bool[Tensor, "batch length"]]:
        """States and their mask, true where they count.

        Args:
            texts: B of them.
            length: tokens to cut or fill up every text to, the end-of-text token among them; without it, the longest
                text decides.
        """
        ids, mask = _tokens(self.tokenizer, texts, self.network, length)
        return self.network(input_ids=ids, attention_mask=mask).last_hidden_state, mask.bool()


def check_text_encoders(folder: Path) -> None:
    """Refuse a checkpoint that cannot read text.

    Raises:
        CheckpointError: a text encoder or a tokenizer is not there.
    """
    missing = [name for name in COMPONENTS if not (folder / name).is_dir()]
    if missing:
        raise CheckpointError(
            f"{folder} has no {', no '.join(missing)}",
            f"a checkpoint with text encoders: {', '.join(COMPONENTS)}",
            "Use a published one (`art2mus fetch audioldm2`), or leave the text out.",
        )


def load_clap_text(folder: Path, *, dtype: torch.dtype) -> ClapText:
    """The text half of a checkpoint's CLAP (`text_encoder`, `tokenizer`).

    Raises:
        CheckpointError: a file is missing or damaged, or the weights are not those of the configuration.
    """
    tokenizer = _load_tokenizer(folder, "tokenizer")
    network = load_component(folder, "text_encoder", _build_clap_text, dtype=dtype, unused=_is_no_clap_text)
    _check_vocabulary(folder, "tokenizer", tokenizer, network)
    config: Any = network.config
    positions = config.max_position_embeddings - config.pad_token_id - 1
    _limit(folder, "tokenizer", tokenizer, positions)
    return ClapText(tokenizer, network)


def load_t5(folder: Path, *, dtype: torch.dtype) -> T5Text:
    """A checkpoint's FLAN-T5 (`text_encoder_2`, `tokenizer_2`); in float32 for float16, in which it overflows.

    Raises:
        CheckpointError: a file is missing or damaged, or the weights are not those of the configuration.
    """
    tokenizer = _load_tokenizer(folder, "tokenizer_2")
    kept, other = _names_of_words(weights_file(folder, "text_encoder_2"))

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
    """Only ClapConfig hands the size and the activation of the projection down to the text's configuration."""
    text_config: Any = ClapConfig(**config).text_config
    network = ClapTextModelWithProjection(text_config)
    embeddings = network.text_model.embeddings
    positions = torch.arange(network.config.max_position_embeddings, device="cpu")[None]
    for name, values in zip(BUFFERS, (positions, torch.zeros_like(positions)), strict=True):
        embeddings.register_buffer(name, values, persistent=False)
    return network


def _is_no_clap_text(key: str) -> bool:
    return key.startswith(("audio_", "logit_scale_")) or key.endswith(BUFFERS)


def _names_of_words(path: Path) -> tuple[str, str]:
    """The name under which a file holds T5's table of words, and the name that is not needed then."""
    with opened(path) as file:
        return WORDS if WORDS[0] in set(file.keys()) else (WORDS[1], WORDS[0])


def _load_tokenizer(folder: Path, name: str) -> PreTrainedTokenizerBase:
    """The tokenizer as it is stored: transformers' own classes build it anew and leave out normalisers they don't know."""
    path, config = folder / name / "tokenizer.json", folder / name / "tokenizer_config.json"
    if not path.is_file():
        raise CheckpointError(f"{path} is missing", "a tokenizer", "Install or download the checkpoint again.")
    try:
        said = json.loads(config.read_text(encoding="utf-8"))
        pad = said.get("pad_token", "<pad>")
        return PreTrainedTokenizerFast(
            tokenizer_file=str(path),
            pad_token=pad["content"] if isinstance(pad, dict) else pad,
            model_max_length=said.get("model_max_length"),
        )
    except Exception as error:  # a damaged file makes the tokenizers library raise a bare Exception
        reason = " ".join(str(error).split())
        raise CheckpointError(
            f"{folder / name} holds no tokenizer that can be opened ({type(error).__name__}: {reason})",
            "tokenizer.json, and tokenizer_config.json beside it",
            "Install or download the checkpoint again.",
        ) from error


def _check_vocabulary(folder: Path, name: str, tokenizer: PreTrainedTokenizerBase, network: nn.Module) -> None:
    known = network.get_input_embeddings().num_embeddings  # type: ignore[operator]
    if len(tokenizer) > known:
        raise CheckpointError(
            f"{folder / name} knows {len(tokenizer)} tokens",
            f"at most the {known} of its text encoder",
            "Use tokenizer and text encoder of one checkpoint.",
        )


def _limit(folder: Path, name: str, tokenizer: PreTrainedTokenizerBase, positions: object) -> None:
    """Let texts be cut where the tokenizer says or the network's positions end, whichever comes first.

    RoBERTa numbers its positions from the one behind the padding's on; T5 has none and may say how many it was trained on.
    """
    lengths = [length for length in (tokenizer.model_max_length, positions) if _is_length(length)]
    if not lengths:
        raise CheckpointError(
            f"{folder / name} does not say how long a text may be",
            "model_max_length in its tokenizer_config.json, a positive whole number",
            "Install or download the checkpoint again.",
        )
    tokenizer.model_max_length = min(lengths)


def _is_length(value: object) -> TypeGuard[int]:
    """Whether a length is one; numbers beyond the limit are how transformers writes that none is known."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < LARGE_INTEGER


def _tokens(
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
    network: ClapTextModelWithProjection | T5EncoderModel,
    length: int | None,
) -> tuple[Int[Tensor, "batch length"], Int[Tensor, "batch length"]]:
    padding: bool | str = True if length is None else "max_length"
    batch = tokenizer(list(texts), padding=padding, max_length=length, truncation=True, return_tensors="pt")
    return batch["input_ids"].to(network.device), batch["attention_mask"].to(network.device)
