"""Art2Music's pairs: a painting of ArtEmis with an utterance, and the mel spectrogram of a clip with its label and keywords.

The text that the published code gives to CLIP holds the label and the keywords of the target clip: what is to be found is told. Here
the utterance belongs to the painting and the keywords to the clip; don't join them in what a model reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ...errors import DatasetError
from ..items import Match, Text, check_path
from .parsing import Unique, parse_list
from .tables import find_file, read_table

__all__ = ["read_articaps"]

FILES = ("articaps.csv", "ArtiCaps.csv")


def read_articaps(folder: Path, table: Path | None = None) -> Iterator[Match]:
    """Yield the pairs in the order of the table, each with the text about the painting and the one about the clip.

    Args:
        folder: the folder of the table.
        table: the table itself, if it has another name.

    Raises:
        DatasetError: no table, another table, a path that leaves the folder, a broken list, or a pair twice with one utterance.
    """
    path = table or find_file(folder, *FILES)
    if path is None:
        raise DatasetError(
            f"no {' or '.join(FILES)} in {folder}", "Art2Music's table", "Check the folder, or name the table."
        )
    unique = Unique("pair", path)
    for number, row in read_table(path, "Art2Music's pairs"):
        where = f"row {number} of {path}"
        artwork, music = (check_path(row[name].strip(), where) for name in ("image_file", "mel_file"))
        utterance, caption = row["Art_Utterance"].strip(), row["audio_caption_keywords"].strip()
        unique.add(f"{artwork} and {music}: {utterance}", f"row {number}")
        keywords, labels = _listed(caption, where), row["audioset_label"].strip()
        yield Match(
            artwork=artwork,
            music=music,
            artwork_text=Text(
                id=f"utterance/{number}", about=artwork, text=utterance, emotion=row["painting_emotion"].strip() or None
            ),
            music_text=Text(
                id=f"caption/{number}",
                about=music,
                text=", ".join(keywords),
                keywords=keywords,
                labels=_listed(labels, where) if labels.startswith("[") else tuple(filter(None, [labels])),
            ),
        )


def _listed(cell: str, where: str) -> tuple[str, ...]:
    """Entries of a Python list, or of a text with commas, each once."""
    entries = parse_list(cell, where) if cell.startswith("[") else cell.split(",")
    return tuple(dict.fromkeys(filter(None, (str(each).strip() for each in entries))))
