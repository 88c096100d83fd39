"""Matches utterances about artworks with captions of music by their sentence embeddings, as ArtiCaps does.

The published code of Art2Music writes the label and the keywords of the target clip into the text that its model reads, so the model is
told what it is to find. Here both sides stay apart, from splitting to the columns of the table.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DatasetError, SettingError
from ..placing import replacing
from ..retrieval.blocks import pair_scores
from ..retrieval.caps import Cap
from ..types import OnStep
from .articaps import TEXT_PAIRS, TextPairRow
from .choosing import Choice, Side, capped, choose_pairs
from .items import Text
from .manifest import SPLITS
from .shards import Spread
from .sources import TEXT_SOURCES
from .splitting import group_texts
from .text_embedding import EmbeddedTexts, embed_texts

__all__ = ["MATCHING", "TextRule", "match", "read_texts"]

MATCHING = "articaps.json"

DECIMALS = 6
"""Of similarities: a text alone and the same text in a batch differ by less than a tenth of the last one."""

QUANTILES = (0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1)
RANDOM = 20_000
"""Pairs drawn at random, with whose similarities those of the chosen pairs can be compared."""

SHOWN = 10
"""Best and worst pairs that are told."""


@dataclass(frozen=True)
class TextRule(Choice):
    """How utterances and captions are matched.

    Attributes:
        per_artwork: most pairs of an artwork; None for any number.
        per_clip: most pairs of a clip.
        per_emotion: most pairs of an emotion.
        validation: share of the utterances, and of the captions, that is held out for validation.
        test: share that is held out for testing.
        seed: of the splits, and of the random pairs.
    """

    per_artwork: int | None = None
    per_clip: int | None = None
    per_emotion: int | None = None
    validation: float = 0.05
    test: float = 0.05
    seed: int = 0


def read_texts(place: Path, source: str) -> list[Text]:
    """The texts of a source.

    Args:
        place: the source's folder, or its table if that has another name than the published one.
        source: its layout, a name in `sources`.

    Raises:
        SettingError: an unknown layout.
        DatasetError: the source is not there, contradicts its layout, or lists nothing.
    """
    if source not in TEXT_SOURCES:
        raise SettingError(f"a source {source!r} of texts", f"one of {', '.join(TEXT_SOURCES)}", "Check the name.")
    read = TEXT_SOURCES[source]
    texts = list(read(place.parent, place) if place.is_file() else read(place))
    if not texts:
        raise DatasetError(f"no texts in {place}", "at least one", "Check the table and the source.")
    return texts


def match(
    folder: Path,
    utterances: Sequence[Text],
    captions: Sequence[Text],
    model: Path,
    rule: TextRule,
    *,
    spread: Spread,
    duplicates: Iterable[Sequence[str]] = (),
    device: str = "cpu",
    on_step: OnStep | None = None,
) -> dict[str, Any]:
    """Write `articaps.parquet`, and `articaps.json` with what was found. An interrupted run resumes.

    Args:
        folder: the dataset.
        utterances: about artworks.
        captions: of clips of music.
        model: folder of a sentence encoder.
        rule: how pairs are chosen.
        spread: the engine.
        duplicates: groups of artworks' ids that a published list calls duplicates.
        device: of the encoder.
        on_step: called with the number of texts, then within the searches.

    Returns:
        The content of `articaps.json`.

    Raises:
        SettingError: an unknown mode or a number out of range.
        CheckpointError: no such model.
        DatasetError: texts that cannot be embedded, or no pair.
    """
    rule.check()
    said = embed_texts(
        folder, "utterances", [each.text for each in utterances], model, spread, device=device, on_step=on_step
    )
    heard = embed_texts(
        folder, "captions", [each.text for each in captions], model, spread, device=device, on_step=on_step
    )
    here, there = _side(utterances, said, duplicates, rule), _side(captions, heard, (), rule)
    told: dict[str, Any] = {"rule": asdict(rule), "utterances": said.counts, "captions": heard.counts, "splits": {}}
    rows = list[TextPairRow]()
    for name in SPLITS:
        queries, base = here.part(name), there.part(name)
        facts: dict[str, Any] = {"utterances": len(queries.rows), "captions": len(base.rows), "pairs": 0}
        if queries.rows and base.rows:
            caps = _caps(queries, base, rule)
            chosen = choose_pairs(queries, base, rule, caps, facts, decimals=DECIMALS, on_step=on_step)
            facts |= {"pairs": len(chosen), "captions used": len({pair.base for pair in chosen})}
            for query, caption, cosine, rank in chosen:
                texts = queries.rows[query], base.rows[caption]
                rows.append(_row(f"{len(rows):06d}", *texts, name, similarity=cosine, rank=rank))
        told["splits"][name] = facts
    if not rows:
        raise DatasetError(
            f"no pair among {len(here.rows)} utterances and {len(there.rows)} captions",
            "at least one",
            "Lower --floor, or add texts.",
        )
    told |= _found(rows, _random(here, there, rule.seed))
    told["united"] = {"utterances": here.groups.united, "captions": there.groups.united}
    TEXT_PAIRS.write(folder / TEXT_PAIRS.file, rows)
    with replacing(folder / MATCHING) as partial:
        partial.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return told


def _side(texts: Sequence[Text], embedded: EmbeddedTexts, duplicates: Iterable[Sequence[str]], rule: TextRule) -> Side:
    rows = [text for text in texts if text.text in embedded.vectors]
    vectors = np.stack([embedded.vectors[text.text] for text in rows])
    shares = {"validation": rule.validation, "test": rule.test}
    return Side.of(rows, vectors, group_texts(rows, duplicates), shares, rule.seed)


def _caps(here: Side, there: Side, rule: TextRule) -> list[Cap]:
    works, clips = ([text.about for text in side.rows] for side in (here, there))
    emotions = [text.emotion or "" for text in here.rows]
    return capped(
        ("queries", works, rule.per_artwork), ("base", clips, rule.per_clip), ("queries", emotions, rule.per_emotion)
    )


def _row(name: str, said: Text, heard: Text, split: str, *, similarity: float, rank: int | None) -> TextPairRow:
    return TextPairRow(
        id=name,
        utterance=said.id,
        input_artwork=said.about,
        input_text=said.text,
        input_emotion=said.emotion,
        caption=heard.id,
        target_clip=heard.about,
        target_text=heard.text,
        target_keywords=heard.keywords,
        target_labels=heard.labels,
        split=split,
        similarity=similarity,
        rank=rank,
    )


def _random(here: Side, there: Side, seed: int) -> list[float]:
    """Cosines of pairs drawn at random."""
    drawn = np.random.default_rng(seed)
    places = (drawn.integers(0, len(side.rows), RANDOM) for side in (here, there))
    return pair_scores(here.vectors, there.vectors, *places).tolist()


def _found(rows: Sequence[TextPairRow], random: Sequence[float]) -> dict[str, Any]:
    """Counts of emotions, quantiles of similarity beside those of random pairs, and the most and the least similar pairs."""
    ordered = sorted(rows, key=lambda row: -row.similarity)
    similarities = {"pairs": [row.similarity for row in rows], "random pairs": random}
    return {
        "emotions": dict(Counter(row.input_emotion or "" for row in rows).most_common()),
        "similarity": {
            name: {f"{at:g}": round(float(np.quantile(values, at)), DECIMALS) for at in QUANTILES}
            for name, values in similarities.items()
        },
        "best": [_shown(row) for row in ordered[:SHOWN]],
        "worst": [_shown(row) for row in ordered[::-1][:SHOWN]],
    }


def _shown(row: TextPairRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "similarity": row.similarity,
        "emotion": row.input_emotion,
        "utterance": row.input_text,
        "caption": row.target_text,
    }
