"""Makes the word encoder: vectors of word pieces from a large sentence encoder, and what reads moods in them from comments of known mood."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from ..character import CHARACTERS, Character
from ..checkpoints.folder import save_component
from ..datasets.synthetic.commenting import comment, draw_mood
from ..digests import tensor_digest
from ..encoders.sentences import SentenceEncoder
from ..encoders.words import AXES, VOCABULARY, WordEncoder, tokenizer_of, vocabulary_digest
from ..errors import CheckpointError, SettingError
from ..placing import place
from ..types import OnStep, Step

__all__ = ["distilled", "fit_words", "moods"]

PIECE = re.compile(r"(##)?[a-z]+")
"""Pieces that are kept: of plain letters, in the vocabulary's order, the frequent ones first."""

HELD, BATCH, RATE, LATER = 2_000, 256, 2e-3, 100
"""Comments for validation, batch and peak learning rate, steps until the peak."""

STATED = 0.3
"""Weight of the error of telling of which axes a comment speaks."""

DROPPED = 0.1
"""Share of the pieces that are left out of each comment while training."""

LEVELS = 127
"""Of a stored number on either side of 0."""


def distilled(
    sentences: SentenceEncoder, pieces: int, dim: int, on_step: OnStep | None = None
) -> tuple[list[str], Float[np.ndarray, "pieces dim"]]:
    """The first pieces of a sentence encoder's vocabulary, and the first principal components of their embeddings, with a variance of 1.

    Raises:
        CheckpointError: its vocabulary is not WordPiece, or has too few pieces of plain letters.
    """
    vocabulary = sentences.network.tokenizer.get_vocab()
    known = [piece for piece in sorted(vocabulary, key=vocabulary.__getitem__) if PIECE.fullmatch(piece)]
    if len(known) < pieces or not any(piece.startswith("##") for piece in known):
        raise CheckpointError(
            f"a sentence encoder with {len(known)} pieces of plain letters",
            f"at least {pieces}, in a WordPiece vocabulary",
            "Choose another one, such as all-MiniLM-L6-v2, or fewer pieces.",
        )
    chosen, parts = known[:pieces], []
    for start in range(0, pieces, 1024):
        parts.append(sentences.encode([piece.removeprefix("##") for piece in chosen[start : start + 1024]]))
        if on_step:
            on_step(Step("vectors", min(pieces, start + 1024), pieces))
    vectors = np.concatenate(parts).astype(float)
    vectors -= vectors.mean(0)
    *_, axes = np.linalg.svd(vectors, full_matrices=False)
    reduced = vectors @ axes[:dim].T
    return chosen, reduced / reduced.std()


def moods(count: int, seed: int) -> tuple[list[str], Float[np.ndarray, "count axes"]]:
    """Comments of viewers and their moods, NaN for axes of which a comment does not speak."""
    texts, values = [], np.full((count, AXES), np.nan)
    for index in range(count):
        rng = np.random.default_rng((seed, index, 6))
        mood = draw_mood(
            Character(**dict(zip(CHARACTERS, rng.random(len(CHARACTERS)).tolist(), strict=True)), tonic=0), rng
        )
        texts.append(comment(mood, rng))
        values[index] = [np.nan if value is None else value for value in vars(mood).values()]
    return texts, values


def fit_words(
    folder: Path,
    sentences: SentenceEncoder,
    sizes: dict[str, int],
    *,
    count: int = 60_000,
    steps: int = 1_500,
    seed: int = 0,
    on_step: OnStep | None = None,
) -> float:
    """Make the text encoder of a checkpoint folder, and save it.

    Args:
        folder: the checkpoint.
        sentences: the large sentence encoder.
        sizes: those of the configuration that differ from the defaults.
        count: number of comments.
        steps: of training.
        seed: of the comments and of the training.
        on_step: called after every part and step.

    Returns:
        The root mean squared error of the moods of comments that were left out, on the axes of which they speak.

    Raises:
        SettingError: too few comments.
        CheckpointError: as :func:`distilled`.
    """
    if count <= HELD:
        raise SettingError(f"{count} comments", f"more than {HELD}, which validate", "Ask for more.")
    torch.manual_seed(seed)
    encoder = WordEncoder({"model_type": "word_vectors", "space": "words", **sizes})
    pieces, vectors = distilled(sentences, encoder.config["pieces"], encoder.config["dim"], on_step)
    scale = np.abs(vectors).max(0) / LEVELS
    encoder.vectors.copy_(torch.from_numpy(np.round(vectors / scale)).to(torch.int8))
    encoder.scale.copy_(torch.from_numpy(scale))
    encoder.tokenizer = tokenizer_of(pieces)
    error = _train(encoder, *moods(count, seed), steps=steps, seed=seed, on_step=on_step)
    digest = tensor_digest(encoder.state_dict())
    named = {"space": f"words-{encoder.config['dim']}-{digest[:8]}", "vocabulary": vocabulary_digest(pieces)}
    config = {**encoder.config, **named}
    save_component(folder, "text_encoder", encoder, config, half=True)
    place(folder / "text_encoder" / VOCABULARY, ("\n".join(pieces) + "\n").encode())
    return error


def _train(
    encoder: WordEncoder,
    texts: Sequence[str],
    values: Float[np.ndarray, "count axes"],
    *,
    steps: int,
    seed: int,
    on_step: OnStep | None,
) -> float:
    """Train the encoder to read the mood; returns the error on the last comments."""
    optimiser = torch.optim.AdamW(encoder.parameters(), lr=RATE, weight_decay=0.02)
    ids, mask = encoder.read(texts)
    wanted, rng = torch.from_numpy(values).float(), np.random.default_rng(seed)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1, (step + 1) / LATER) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        rows = torch.from_numpy(rng.integers(len(texts) - HELD, size=BATCH))
        kept = mask[rows] & (torch.rand(mask[rows].shape) >= DROPPED)
        longest = 1 + int(mask[rows].sum(1).max())  # the end is a place of padding
        loss = _loss(*encoder.told(ids[rows, :longest], kept[:, :longest])[:2], wanted[rows])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if on_step:
            on_step(Step("training", step + 1, steps))
    encoder.eval()
    with torch.no_grad():
        mood = encoder.told(ids[-HELD:], mask[-HELD:])[0]
    return float(((mood + 1) / 2 - wanted[-HELD:]).square().nanmean().sqrt())


def _loss(
    mood: Float[Tensor, "batch axes"], spoken: Float[Tensor, "batch axes"], wanted: Float[Tensor, "batch axes"]
) -> Tensor:
    speaks = ~wanted.isnan()
    away = ((mood + 1) / 2 - wanted.nan_to_num()).square() * speaks
    stated = F.binary_cross_entropy_with_logits(spoken, speaks.float())
    return 4 * away.sum() / speaks.sum().clamp(min=1) + STATED * stated
