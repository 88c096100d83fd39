"""Embeds texts with a sentence encoder, in shards of vectors; each distinct text once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from ..encoders.sentences import SentenceEncoder, load_sentence_encoder, sentence_encoder_digest
from ..errors import DatasetError
from ..types import OnStep
from .shards import Shards, Spread
from .vectors import Embedded, read_shard, write_shard

__all__ = ["TEXTS", "EmbeddedTexts", "embed_texts"]

TEXTS = "texts"
"""Folder of the shards in a dataset."""

BATCH = 128
"""Texts of a job."""


@dataclass(frozen=True)
class EmbeddedTexts:
    """The embeddings of texts.

    Attributes:
        vectors: of each text that has one, [D].
        counts: the number of texts, of distinct ones, of vectors, and of texts with each kind of fault.
    """

    vectors: dict[str, Float32[np.ndarray, " dim"]]
    counts: dict[str, int]


def embed_texts(
    folder: Path,
    kind: str,
    texts: Iterable[str],
    model: Path,
    spread: Spread,
    *,
    device: str = "cpu",
    on_step: OnStep | None = None,
) -> EmbeddedTexts:
    """Embed texts, in shards. An interrupted run resumes; another model makes them again.

    A text that is longer than the model reads has a fault: the model would pass over its end without a word. So has a text
    without any word that the model knows.

    Args:
        folder: the dataset.
        kind: of the texts, the name of their folder.
        texts: those that come again are embedded once.
        model: folder of a sentence encoder.
        spread: the engine.
        device: of the encoder.
        on_step: called with the number of distinct texts.

    Raises:
        CheckpointError: no such model.
        DatasetError: no text has a vector.
    """
    every = list(texts)
    distinct = list(dict.fromkeys(every))
    about = {"space": TEXTS, "encoder": sentence_encoder_digest(model)}
    shards = Shards[str, Embedded](
        folder / TEXTS / kind, ".parquet", partial(write_shard, about), read_shard, lambda text: text, about
    )
    work = partial(_embedded, model, about["encoder"], device)
    shards.run(distinct, len(distinct), work, spread, stage=f"embed {kind}", batch=BATCH, on_step=on_step)
    found = {result.id: result.vector for result in shards.results(len(distinct)) if result.vector is not None}
    faults = shards.faults(len(distinct))
    if not found:
        raise DatasetError(
            f"none of {len(distinct)} {kind} can be embedded ({', '.join(faults) or 'there are none'})",
            "texts that the model can read",
            "Check the table, or choose another model.",
        )
    counts = {"rows": len(every), "distinct": len(distinct), "vectors": len(found), **dict(faults.most_common())}
    return EmbeddedTexts(found, counts)


def _embedded(model: Path, digest: str, device: str, texts: Sequence[str]) -> list[Embedded]:
    encoder = _encoder(model, digest, device)
    return [
        _checked(encoder, text, tokens, vector)
        for text, tokens, vector in zip(texts, encoder.tokens(texts), encoder.encode(texts), strict=True)
    ]


def _checked(encoder: SentenceEncoder, text: str, tokens: int, vector: Float32[np.ndarray, " dim"]) -> Embedded:
    fault = None
    if tokens > encoder.longest:
        fault = f"long: {tokens} tokens, of which the model reads {encoder.longest:g}"
    elif not (np.isfinite(vector).all() and vector.any()):
        fault = "unknown: no word that the model knows"
    return Embedded(text, hashlib.sha256(text.encode()).hexdigest(), None if fault else vector, fault)


@lru_cache(maxsize=1)
def _encoder(model: Path, digest: str, device: str) -> SentenceEncoder:  # noqa: ARG001  another model in one folder
    return load_sentence_encoder(model, device=device)
