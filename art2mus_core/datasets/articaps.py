"""A row of ArtiCaps, what a model may read of it apart from the target, and the table as Art2Music published it."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..placing import replacing
from .sources.tables import TABLES
from .tables import Table

__all__ = ["TEXT_PAIRS", "TextPairRow", "write_published"]


@dataclass(frozen=True)
class TextPairRow:
    """A pair of ArtiCaps: an utterance about an artwork, and the caption of a clip that is like it.

    A model that is to find or make the music reads the columns `input_...` and no others. Those named `target_...` are the target's; in
    the published code its label and keywords are in the input. Similarity and rank come from both and are no input.

    Attributes:
        id: unique in the table.
        utterance: id of the utterance.
        input_artwork: id of the artwork.
        input_text: what was said about it.
        input_emotion: that the speaker felt.
        caption: id of the caption.
        target_clip: id of the clip.
        target_text: the caption.
        target_keywords: aspects beside the caption.
        target_labels: classes of the clip.
        split: `train`, `validation` or `test`.
        similarity: cosine of the two texts' embeddings.
        rank: of the caption among those most similar to the utterance, from 1 on; None if they were assigned one to one.
    """

    id: str
    utterance: str
    input_artwork: str
    input_text: str
    input_emotion: str | None
    caption: str
    target_clip: str
    target_text: str
    target_keywords: tuple[str, ...]
    target_labels: tuple[str, ...]
    split: str
    similarity: float
    rank: int | None = None


TEXT_PAIRS = Table("articaps.parquet", TextPairRow)


def write_published(path: Path, rows: Iterable[TextPairRow]) -> None:
    """Write the table as Art2Music published it (CSV), which `read_articaps` reads.

    The published table names files. Here they are the artwork's id with `.jpg`, as in WikiArt's folders, and the clip's with `.npy`.
    If an utterance comes twice with one artwork and clip, the first one is written.
    """
    lines = dict[tuple[str, ...], tuple[str, ...]]()
    for row in rows:
        files = f"{row.input_artwork}.jpg", f"{row.target_clip}.npy"
        labels, keywords = str(list(row.target_labels)), str(list(row.target_keywords))
        line = row.input_text, row.input_emotion or "", labels, keywords, *files
        lines.setdefault((row.input_text, *files), line)
    with replacing(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([TABLES["Art2Music's pairs"], *lines.values()])
