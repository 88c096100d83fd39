"""The rows about pulse, form, key, timbre and faults of two editions' music, with those of training music."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from clustering import WIDEST, clusters, large
from contrasts import Statistic, compared, plain  # beside this script
from edition_table import Row
from hearing import ENDED, Heard
from keys import elected, intended_key, is_minor, tonic_of

from art2mus_core.datasets.manifest import Pair, read_manifest
from art2mus_core.measure.sets.intervals import Interval, bootstrap

SECONDS = 10.0
"""Length of the pieces that are compared."""

Pooled = Callable[[np.ndarray], float]
"""A statistic of values [seeds, paintings]."""


@dataclass(frozen=True)
class Training:
    """Composed music of a dataset: its pieces as one seed's, and the key of each."""

    heard: Heard
    keys: np.ndarray


def training_pairs(data: Path, count: int) -> list[Pair]:
    """The first pairs whose music has the length of the compared pieces."""
    return [pair for pair in read_manifest(data) if pair.seconds == SECONDS][:count]


def share(values: np.ndarray) -> float:
    """The mean without NaN; NaN of nothing."""
    return float(np.nanmean(values)) if (~np.isnan(values)).any() else math.nan


def median(values: np.ndarray) -> float:
    return float(np.nanmedian(values)) if (~np.isnan(values)).any() else math.nan


def over(statistic: Pooled, values: np.ndarray) -> Statistic:
    """The statistic of some paintings, each with its pieces of all seeds."""
    return lambda rows: statistic(values[:, rows])


class Compared:
    """Rows of one statistic of three sets of music: the first edition's, this edition's, and training music or none."""

    def __init__(self, heard: list[Heard], training: Training | None) -> None:
        self.sets = [*heard, *([training.heard] if training else [])]
        self.count = heard[0]["pulse"].shape[1]

    def row(self, title: str, values: list[np.ndarray], statistic: Pooled, aim: str = "") -> Row:
        """Values [seeds, paintings] of every set; NaN where a piece has none."""
        known = [str(int((~np.isnan(each)).sum())) for each in values[:2]]
        first, this, *more = (over(statistic, each) for each in values)
        row = compared(title, " / ".join(dict.fromkeys(known)), (first, this), self.count, aim=aim)
        return replace(row, training=bootstrap(more[0], values[2].shape[1]) if more else None)

    def of(self, title: str, name: str, statistic: Pooled, aim: str = "") -> Row:
        return self.row(title, [each[name] for each in self.sets], statistic, aim)

    def worst(self, title: str, name: str, aim: str = "") -> Row:
        values = [float(each[name].max()) for each in self.sets]
        row = plain(title, "", *values[:2], aim)
        return replace(row, training=Interval(values[2]) if len(values) > 2 else None)

    def each(self, function: Callable[[dict[str, Any]], float]) -> list[np.ndarray]:
        return [side.each(function).astype(np.float64) for side in self.sets]


def form_rows(sets: Compared) -> Iterator[Row]:
    yield sets.of("pulse, median", "pulse", median, "≥ .65")
    repeated = sets.of("repetition, mean", "repetition", share)
    yield repeated
    if repeated.training:
        ratio = [
            Interval(*(x / repeated.training.value for x in (each.value, each.low, each.high)))
            for each in (repeated.first, repeated.this, repeated.difference, repeated.training)
        ]
        yield Row("repetition, of the training music's", repeated.n, *ratio[:3], "≥ .75", ratio[3])
    yield sets.of("returning onsets, mean", "returns", share)
    yield sets.of("returning onsets with beats in random order", "returns_shuffled", share)
    yield sets.of("level range, median, dB", "range", median, "≥ 10")
    yield sets.row("ended, share", sets.each(lambda piece: piece["ending"] >= ENDED), share, "≥ .80")


def key_rows(sets: Compared, wanted: list[np.ndarray], tonics: list[np.ndarray]) -> Iterator[Row]:
    """Rows by the keys [paintings] that each set's music is meant to have: NaN where the mode is the seed's."""
    elections = sets.each(lambda piece: elected(piece["keys"]))
    minor = sets.each(lambda piece: is_minor(piece["keys"]))
    heard_tonics = sets.each(lambda piece: tonic_of(piece["keys"]))

    def right(heard: list[np.ndarray], meant: list[np.ndarray]) -> list[np.ndarray]:
        return [np.where(np.isnan(m), np.nan, h == m) for h, m in zip(heard, meant, strict=True)]

    modes = [np.where(np.isnan(each), np.nan, each >= 12) for each in wanted]
    yield sets.row("tonic as meant, by a vote of five", right(heard_tonics, tonics), share, "≥ .75")
    yield sets.row("major or minor as meant", right(minor, modes), share)
    yield sets.row("key (both) as meant", right(elections, wanted), share, "≥ .80, training ≥ .90")
    seeds = [len(each) for each in minor[:2]]
    for title, others, aim in (
        ("no change of mode over seeds", 0, "≥ .85"),
        ("at most one seed in another mode", 1, ""),
    ):
        kept = [(np.minimum(each.sum(0), len(each) - each.sum(0)) <= others)[None].astype(float) for each in minor[:2]]
        first, this = (over(share, each) for each in kept)
        n = f"{sets.count}, seeds {seeds[0]} / {seeds[1]}"
        yield compared(f"{title}, share of paintings", n, (first, this), sets.count, aim=aim)


def timbre_rows(sets: Compared) -> Iterator[Row]:
    timbres = [np.array([piece["timbre"] for take in each.rows for piece in take]) for each in sets.sets]
    for widest in WIDEST:
        labels = [
            clusters(each, widest).reshape(len(side.rows), -1) for each, side in zip(timbres, sets.sets, strict=True)
        ]
        yield sets.row(
            f"clusters of timbre, {widest:g} dB apart", labels, lambda drawn: float(len(large(drawn))), "≥ 3"
        )
        yield sets.row(
            f"share of the largest, {widest:g} dB", labels, lambda drawn: np.bincount(drawn.ravel()).max() / drawn.size
        )


def fault_rows(sets: Compared) -> Iterator[Row]:
    yield sets.of("in tune, share of peaks", "in_tune", share, "as before")
    yield sets.worst("clicks in a piece, most", "clicks", "0")
    yield sets.row("pieces with a click, share", sets.each(lambda piece: piece["clicks"] > 0), share, "0")
    yield sets.worst("clipping, largest share of samples", "clipping", "0")
    yield sets.worst("DC offset, largest", "dc", "0")
    yield sets.worst("highest peak, dBFS", "peak", "< 0")


def music_rows(
    heard: list[Heard], characters: list[list[dict[str, float]]], training: Training | None
) -> Iterator[Row]:
    """All rows of this file; `characters` are those that each edition's music is meant to have."""
    sets = Compared(heard, training)
    found = [[intended_key(each) for each in side] for side in characters]
    wanted = [np.array([math.nan if key is None else key for key in side], np.float64) for side in found]
    tonics = [np.array([each["tonic"] for each in side], np.float64) for side in characters]
    if training:
        wanted.append(training.keys.astype(np.float64))
        tonics.append(training.keys % 12.0)
    yield from form_rows(sets)
    yield from key_rows(sets, wanted, tonics)
    yield from timbre_rows(sets)
    yield from fault_rows(sets)
