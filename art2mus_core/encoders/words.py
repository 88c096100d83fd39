"""A small sentence encoder: vectors of word pieces, each mixed with its neighbours, their weighted mean, and the mood that they tell.

The vectors are those of a large sentence encoder for each piece alone, reduced to few dimensions (as Model2Vec, Tulkens & van Dongen
2024), so that words which no comment of the training had are near those that mean the same. Each piece tells a mood, which the words
around it scale: "very" up, "hardly" down, "not" to the other side. This is learnt from comments of known mood; see
:mod:`art2mus_core.training.words`. The mood of the text is part of its embedding: a fusion that sees few thousand comments reads it a
little better there than in the mean (docs/LOG.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from ..checkpoints.folder import load_component
from ..errors import CheckpointError, SettingError
from ..networks.options import completed
from ..types import Embedding
from .english import foreign_words

__all__ = ["AXES", "VOCABULARY", "WordEncoder", "load_word_encoder", "tokenizer_of", "vocabulary_digest"]

VOCABULARY = "vocab.txt"
"""File of the pieces, one in each line; those that continue a word begin with ##."""

UNKNOWN, MASKED, KERNEL = "[UNK]", -1e4, 3

REACH, GATES = 7, 8
"""Pieces from which the degree of the one in their middle is read, and hidden units that read it."""

AXES, SPAN = 3, 3.0
"""Energy, pleasure and light, and the largest value that an embedding has for each."""

DROPPED = 0.2
"""Share of the hidden units of the head that are left out while training."""

DEFAULTS: dict[str, Any] = {"pieces": 18_000, "dim": 80, "hidden_dim": 128, "longest": 256}


class WordEncoder(nn.Module):
    """Texts to embeddings [B, dim + AXES]; a text without known words has an embedding of zeros.

    The last numbers are the mood, from -`SPAN` to `SPAN` on each axis, and near 0 on an axis of which the text does not speak.

    Args:
        config: the content of `text_encoder/config.json`; `space` names the space of the embeddings, and `vocabulary` may have the
            digest of the pieces.

    Attributes:
        longest: pieces that are read of a text.
    """

    vectors: Tensor
    scale: Tensor

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = completed(config, "word encoder", defaults=DEFAULTS, fixed={"model_type": "word_vectors"})
        pieces, dim, hidden, self.longest = (self.config[size] for size in DEFAULTS)
        self.space = str(config["space"])
        self.register_buffer("vectors", torch.zeros(pieces, dim, dtype=torch.int8))
        self.register_buffer("scale", torch.ones(dim))
        self.widen = nn.Conv1d(dim, hidden, KERNEL, padding=KERNEL // 2)
        self.narrow = nn.Conv1d(hidden, dim, KERNEL, padding=KERNEL // 2)
        self.degree = nn.Sequential(nn.Conv1d(dim, GATES, REACH, padding=REACH // 2), nn.GELU(), nn.Conv1d(GATES, 1, 1))
        self.head = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Dropout(DROPPED), nn.Linear(2 * dim, 2 * AXES))
        for each in self.degree[-1].parameters():
            nn.init.zeros_(each)  # every piece counts as it is
        self.tokenizer: Any = None

    @property
    def dim(self) -> int:
        """Width of the embeddings."""
        return self.config["dim"] + AXES

    def encode(self, texts: list[str]) -> Embedding:
        """One embedding per text, on the device of the weights. Of a text only the first `longest` pieces are read.

        Raises:
            SettingError: no texts.
        """
        if not texts:
            raise SettingError("no texts", "at least one", "Write a text.")
        return Embedding(self(*self.read(texts)), self.space)

    def known(self, texts: Sequence[str]) -> list[int]:
        """The number of known pieces of each text, of any length."""
        return [len(self._ids(text)) for text in texts]

    def foreign(self, text: str) -> list[str]:
        """The words that are no whole pieces, of a text that hardly is English; see :func:`~.english.foreign_words`."""
        start = " ".join(text.split()[: 2 * self.longest])
        read, found = self.tokenizer.encode(start), dict[int, list[tuple[int, int]]]()
        for word, span in zip(read.word_ids, read.offsets, strict=True):
            found.setdefault(word, []).append(span)
        words = [(start[spans[0][0] : spans[-1][1]], len(spans)) for spans in found.values()]
        return foreign_words([(word, pieces) for word, pieces in words if word.isalpha()])

    def read(self, texts: Sequence[str]) -> tuple[Int[Tensor, "batch length"], Bool[Tensor, "batch length"]]:
        """The numbers of the known pieces of each text, and a mask that is false for padding.

        There is at least one place of padding, so that the last piece has the same neighbour whatever texts are read together.
        """
        read = [self._ids(text)[: self.longest] for text in texts]
        length = 1 + max(map(len, read))
        ids = torch.tensor([each + [0] * (length - len(each)) for each in read], device=self.scale.device)
        counts = torch.tensor([len(each) for each in read], device=ids.device)
        return ids, torch.arange(length, device=ids.device) < counts[:, None]

    def _ids(self, text: str) -> list[int]:
        """A text of any length is cut to what could be `longest` words first."""
        unknown = self.config["pieces"]
        start = " ".join(text.split()[: 2 * self.longest])
        return [each for each in self.tokenizer.encode(start).ids if each < unknown]

    def forward(
        self, ids: Int[Tensor, "batch length"], mask: Bool[Tensor, "batch length"]
    ) -> Float[Tensor, "batch _both"]:
        """The embeddings."""
        mood, spoken, mean = self.told(ids, mask)
        return torch.cat([mean, SPAN * mood.clamp(-1, 1) * spoken.sigmoid() * mask.any(-1, keepdim=True)], dim=-1)

    def told(
        self, ids: Int[Tensor, "batch length"], mask: Bool[Tensor, "batch length"]
    ) -> tuple[Float[Tensor, "batch axes"], Float[Tensor, "batch axes"], Float[Tensor, "batch dim"]]:
        """What texts tell: their moods, -1 to 1 but for large degrees; the logit of speaking of each axis at all; the mean of their pieces.

        Each axis is read where a piece speaks of it most, by a softmax over the pieces; the mean has the mean of these weights.
        """
        there = mask[..., None].to(self.scale)
        pieces = self.vectors[ids].to(self.scale) * self.scale * there
        mixed = pieces + self.narrow(F.gelu(self.widen(pieces.mT))).mT * there
        mood, spoken = self.head(mixed).chunk(2, dim=-1)
        spoken = spoken.masked_fill(~mask[..., None], MASKED)
        weights, degree = spoken.softmax(1), 1 + self.degree(pieces.mT).mT
        mean = (weights.mean(-1, keepdim=True) * mixed * there).sum(1)
        return (weights * degree * mood.tanh()).sum(1), spoken.amax(1), mean


def tokenizer_of(pieces: Sequence[str]) -> Any:  # noqa: ANN401
    """The tokenizer of BERT (WordPiece; Devlin et al. 2019) for these pieces, whose numbers are their places; another number is unknown."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers  # noqa: PLC0415

    words = {piece: place for place, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocab={**words, UNKNOWN: len(words)}, unk_token=UNKNOWN))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    return tokenizer


def vocabulary_digest(pieces: Sequence[str]) -> str:
    """sha256 of pieces in their order, in hexadecimal: the entry `vocabulary` of a configuration."""
    return hashlib.sha256("\n".join(pieces).encode()).hexdigest()


def load_word_encoder(folder: Path) -> WordEncoder:
    """Load the word encoder in a folder.

    Raises:
        CheckpointError: a file is missing or damaged, or does not match the others.
    """
    encoder = load_component(folder, ".", WordEncoder)
    path = folder / VOCABULARY
    try:
        pieces = path.read_text(encoding="utf-8").split()
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} cannot be read ({error})", "the pieces of its words", "Install the checkpoint again."
        ) from error
    if len(pieces) != len(set(pieces)) or len(pieces) != encoder.config["pieces"]:
        raise CheckpointError(
            f"{path} has {len(set(pieces))} different pieces",
            f"{encoder.config['pieces']}, one in each line, as in its config.json",
            "Install the checkpoint again.",
        )
    found = vocabulary_digest(pieces)
    if (stored := encoder.config.get("vocabulary", found)) != found:
        raise CheckpointError(
            f"{path} has other pieces, or the same in another order (sha256 {found[:12]})",
            f"those whose vectors are stored, in their order ({str(stored)[:12]} in config.json)",
            "Install the checkpoint again.",
        )
    encoder.tokenizer = tokenizer_of(pieces)
    return encoder
