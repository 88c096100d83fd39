"""CLIP's text encoder (Radford et al. 2021; Cherti et al. 2023 for OpenCLIP), from a folder in transformers' layout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Encoding, Tokenizer
from torch import nn
from torch.nn import functional as F
from transformers import CLIPTextModelWithProjection

from ..checkpoints.folder import describes
from ..errors import CheckpointError, SettingError
from ..types import Embedding
from .clip import Tower, clip_space, load_tower, unfilled_tower

__all__ = ["ClipTextEncoder", "check_clip_text", "load_clip_text"]

TEXT = Tower(CLIPTextModelWithProjection, "text_config", ("vision_model.", "visual_projection."))

ANY_LARGEST = 2
"""As the end's number, old configurations have this and mean the largest number in a text."""


class ClipTextEncoder(nn.Module):
    """The text tower.

    Args:
        network: the tower with its projection.
        tokenizer: text to numbers, from the beginning's to the end's.
        space: name of the joint space.
        normalised: give embeddings unit norm; otherwise they are the projection as it is, which Art2Music 2025 was trained on.

    Attributes:
        longest: tokens that it reads of a text, beginning and end included.
    """

    def __init__(
        self, network: CLIPTextModelWithProjection, tokenizer: Tokenizer, space: str, *, normalised: bool
    ) -> None:
        super().__init__()
        self.network, self.tokenizer, self.space, self.normalised = network, tokenizer, space, normalised
        self.longest = int(network.config.max_position_embeddings)

    @property
    def dim(self) -> int:
        """Width of the embeddings."""
        return int(self.network.text_projection.out_features)

    def known(self, texts: Sequence[str]) -> list[int]:
        """The number of tokens of each text, beginning and end included; there is one for every letter of every script."""
        return [len(read) for read in self.tokenizer.encode_batch(list(texts))]

    def encode(self, texts: list[str]) -> Embedding:
        """One embedding per text, on the device and in the precision of the weights.

        Of a text with more than `longest` tokens only the first words are read, as many as fit.

        Raises:
            SettingError: no texts.
        """
        if not texts:
            raise SettingError("no texts", "at least one", "Write a text.")
        read = [_cut(each, self.longest) for each in self.tokenizer.encode_batch(texts)]
        # the network takes the state at the first end, which sees nothing after it
        padded = [ids + ids[-1:] * (max(map(len, read)) - len(ids)) for ids in read]
        values = self.network(input_ids=torch.tensor(padded, device=self.network.device)).text_embeds
        return Embedding(F.normalize(values, dim=-1) if self.normalised else values, self.space)


def _cut(read: Encoding, longest: int) -> list[int]:
    """The tokens of the beginning, of the first words and of the end; of a single word that is too long, its first tokens."""
    if len(read) <= longest:
        return read.ids
    words, count = read.word_ids, longest - 1
    while count > 1 and words[count] == words[count - 1]:
        count -= 1
    return read.ids[: count if count > 1 else longest - 1] + read.ids[-1:]


def load_clip_text(folder: Path, *, dtype: torch.dtype, normalised: bool = True) -> ClipTextEncoder:
    """Load the text encoder of a CLIP folder.

    Args:
        folder: with config.json, model.safetensors and tokenizer.json.
        dtype: precision of the tower.
        normalised: give embeddings unit norm.

    Raises:
        CheckpointError: a file is missing or damaged, of another architecture, or does not match the others.
    """
    network = load_tower(folder, TEXT, dtype=dtype)
    return ClipTextEncoder(network, _tokenizer(folder, network), clip_space(folder), normalised=normalised).eval()


def check_clip_text(folder: Path) -> None:
    """Check the files of the text tower without reading its weights.

    Raises:
        CheckpointError: as :func:`load_clip_text`, except for values that are not finite.
    """
    _tokenizer(folder, unfilled_tower(folder, TEXT))


def _tokenizer(folder: Path, network: Any) -> Tokenizer:  # noqa: ANN401 - transformers types its configurations loosely
    path, config = folder / "tokenizer.json", network.config
    if not path.is_file():
        raise CheckpointError(f"{path} is missing", "a whole CLIP checkpoint", "Download it again, with its tokenizer.")
    with describes(path, "a CLIP's tokenizer"):
        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        ends, size = tokenizer.encode("").ids, tokenizer.get_vocab_size()
    if len(ends) != 2 or size > config.vocab_size or config.eos_token_id not in {ANY_LARGEST, ends[-1]}:
        raise CheckpointError(
            f"{path} has {size} tokens and encodes an empty text as {ends}",
            f"at most {config.vocab_size} tokens, and a beginning and an end, as in config.json",
            "Use all files of one checkpoint, or download it again.",
        )
    return tokenizer
