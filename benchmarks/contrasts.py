"""Which labelled paintings are of one kind and which of another, and how well values of their music tell them apart."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from edition_table import Row  # beside this script

from art2mus_core.images.reading import read_artwork
from art2mus_core.measure.pictures import measure as measure_picture
from art2mus_core.measure.sets.intervals import Interval, bootstrap

Statistic = Callable[[np.ndarray], float]
"""A function of the numbers of paintings, which may repeat."""


@dataclass(frozen=True)
class Painting:
    """A picture, and what someone sees in it."""

    path: Path
    title: str
    arousal: int
    valence: int
    warmth: str


def read_labels(folder: Path, part: str) -> list[Painting]:
    with (folder / "LABELS.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if part in {"all", row["part"]}]
    return [
        Painting(
            folder / row["file"],
            f"{row['artist']}: {row['title']}, {row['year']}",
            int(row["arousal"]),
            int(row["valence"]),
            row["warmth"],
        )
        for row in rows
    ]


def auc(upper: np.ndarray, lower: np.ndarray) -> float:
    """The share of pairs in which the first is larger, ties counted half; NaN without a pair."""
    a, b = upper[~np.isnan(upper)], lower[~np.isnan(lower)]
    return float(((a[:, None] > b).mean() + (a[:, None] >= b).mean()) / 2) if a.size and b.size else math.nan


def separation(values: np.ndarray, upper: np.ndarray, lower: np.ndarray, rows: np.ndarray) -> float:
    """Mean AUC over seeds of `values` [seeds, paintings], of the paintings marked `upper` against those marked `lower`."""
    drawn = values[:, rows]
    return float(np.mean([auc(one[upper[rows]], one[lower[rows]]) for one in drawn]))


def correlations(strengths: np.ndarray) -> np.ndarray:
    """Pearson correlations of the onset strengths of all pairs of pieces, [pieces, pieces]; 0 with a piece without onsets."""
    centred = strengths - strengths.mean(1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    unit = centred / np.where(lengths > 0, lengths, 1)
    return unit @ unit.T


def likeness(matrices: list[np.ndarray], rows: np.ndarray) -> float:
    """Mean correlation over pairs of different paintings, and over seeds; NaN without a pair."""
    other = rows[:, None] != rows
    return (
        float(np.mean([matrix[np.ix_(rows, rows)][other].mean() for matrix in matrices])) if other.any() else math.nan
    )


def compared(title: str, n: str, sides: tuple[Statistic, Statistic], count: int, *, aim: str) -> Row:
    """A row whose difference is resampled with the same paintings on both sides."""
    first, this = sides
    both = (first, this, lambda rows: this(rows) - first(rows))
    return Row(title, n, *(bootstrap(each, count) for each in both), aim)


def plain(title: str, n: str, first: float, this: float, aim: str) -> Row:
    return Row(title, n, Interval(first), Interval(this), Interval(this - first), aim)


class Contrasts:
    """Which paintings are of the one kind and which of the other, by the labels and by lightness."""

    def __init__(self, paintings: list[Painting]) -> None:
        arousal, valence = (np.array([getattr(each, name) for each in paintings]) for name in ("arousal", "valence"))
        warmth = np.array([each.warmth for each in paintings])
        lightness = np.array([measure_picture(read_artwork(each.path)).lightness for each in paintings])
        low, high = np.quantile(lightness, [1 / 3, 2 / 3])
        self.count = len(paintings)
        self.sides = {
            "agitated against calm": (arousal >= 4, arousal <= 2),
            "joyful against sad": (valence >= 4, valence <= 2),
            "cold against warm": (warmth == "cold", warmth == "warm"),
            "light against dark": (lightness >= high, lightness <= low),
        }

    def row(self, what: str, kinds: str, values: list[np.ndarray], aim: str) -> Row:
        """The AUC of values of the first and of this edition, [seeds, paintings] each."""
        upper, lower = self.sides[kinds]
        first, this = (partial(separation, side, upper, lower) for side in values)
        n = f"{upper.sum()} / {lower.sum()}"
        return compared(f"{what}, {kinds}", n, (first, this), self.count, aim=aim)
