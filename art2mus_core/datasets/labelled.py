"""Paintings with labels of calm and agitation, sadness and joy: a folder of pictures with a `LABELS.csv`."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from ..errors import DatasetError
from ..types import Artwork

__all__ = ["LABELS", "LabelledPainting", "read_labels", "views"]

LABELS = "LABELS.csv"
COLUMNS = ("file", "arousal", "valence")
LOWEST, HIGHEST = 1.0, 5.0

SMALLEST_CROP, LARGEST_CROP = 0.7, 0.95
"""Sides of a crop relative to the painting's."""

BRIGHTNESS, CAST = 0.1, 0.04
"""Largest change of all values, as a factor, and standard deviation of each colour channel's shift (of 1)."""


@dataclass(frozen=True)
class LabelledPainting:
    """A painting's file with its labels, both 1 to 5: `arousal` from very calm to very agitated, `valence` from very sad to joyful."""

    path: Path
    arousal: float
    valence: float


def read_labels(folder: Path, part: str | None = None) -> list[LabelledPainting]:
    """The labelled paintings of a folder, in the order of the table.

    Args:
        folder: has `LABELS.csv`, with the columns file, arousal, valence and, for `part`, part.
        part: only the rows of this part; None for all.

    Raises:
        DatasetError: no table, no row, a missing or repeated column, a label outside 1..5, a file twice, or one that is not in the folder.
    """
    path = Path(folder) / LABELS
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            table.fieldnames = columns = [name.strip() for name in table.fieldnames or ()]
            rows = [
                {name: value.strip() if isinstance(value, str) else value for name, value in row.items()}
                for row in table
            ]
    except (OSError, ValueError, csv.Error) as error:
        raise DatasetError(
            f"{path} cannot be read ({error})",
            "a table of labels, with commas, in UTF-8",
            "Choose another folder, or save the table as CSV UTF-8.",
        ) from error
    if missing := [name for name in (*COLUMNS, *(["part"] if part is not None else [])) if name not in columns]:
        raise DatasetError(
            f"{path} without the column {' and '.join(missing)}; its columns are {' | '.join(columns) or 'none'}",
            ", ".join((*COLUMNS, *(["part"] if part is not None else []))),
            "Name the columns so in the first line, and separate them by commas.",
        )
    if len(set(columns)) < len(columns):
        raise DatasetError(
            f"{path} with a column twice: {' | '.join(columns)}", "every column once", "Rename or remove one of them."
        )
    chosen = [row for row in rows if part is None or row.get("part") == part]
    if not chosen:
        raise DatasetError(
            f"{path} without rows{'' if part is None else f' of part {part!r}'}",
            "one for each painting",
            "Check table and part.",
        )
    if twice := [file for file, count in Counter(str(Path(row["file"] or "")) for row in chosen).items() if count > 1]:
        raise DatasetError(f"{twice[0]} twice in {path}", "one row for each painting", "Remove the others.")
    return [_painting(Path(folder), row) for row in chosen]


def _painting(folder: Path, row: dict[str, str]) -> LabelledPainting:
    try:
        arousal, valence = (float(row[name]) for name in ("arousal", "valence"))
        file = folder / row["file"]
        inside = file.is_file() and file.parent == folder
        fits = inside and all(LOWEST <= label <= HIGHEST for label in (arousal, valence))
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise DatasetError(
            f"{row['file']!r} with arousal {row['arousal']!r} and valence {row['valence']!r} in {folder / LABELS}",
            f"a file in the folder, and labels from {LOWEST:g} to {HIGHEST:g}",
            "Correct the row.",
        )
    return LabelledPainting(file, arousal, valence)


def views(artwork: Artwork, count: int, rng: np.random.Generator) -> Iterator[Artwork]:
    """The artwork itself, then `count` views of it: crops, half of them mirrored, with slightly changed colours."""
    yield artwork
    height, width = artwork.pixels.shape[1:]
    for _ in range(count):
        share = rng.uniform(SMALLEST_CROP, LARGEST_CROP)
        h, w = max(1, round(height * share)), max(1, round(width * share))
        y, x = rng.integers(height - h + 1), rng.integers(width - w + 1)
        crop = artwork.pixels[:, y : y + h, x : x + w]
        if rng.random() < 0.5:
            crop = crop.flip(-1)
        factor = rng.uniform(1 - BRIGHTNESS, 1 + BRIGHTNESS)
        shift = torch.from_numpy(rng.normal(0, CAST * 255, (3, 1, 1))).float()
        yield Artwork((crop.float() * factor + shift).clamp(0, 255).round().to(torch.uint8), artwork.name)
