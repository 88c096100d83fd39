"""Percentile tables of image statistics and of musical characters over populations of synthetic paintings.

No dataset uses the seeds of the two populations. The first gives the percentiles of the statistics, the second the quantiles of
the raw characters, with which characters are mapped to a uniform distribution over 0..1.
"""

from __future__ import annotations

import json
from pathlib import Path

from ...audio.reading import read_audio
from ...character import write_quantiles
from ...errors import DatasetError, SettingError
from ...measure.pictures import ImageStatistics, calibrate, measure, percentiles, write_table
from ...measure.sound.music import Music
from ...measure.sound.music import measure as measure_music
from ...pipelines.agreement import write_music_table
from ...types import OnStep, Step
from ..reading import read_pairs
from ..workers import spread
from .painting import paint

__all__ = ["CHARACTERS_FILE", "MUSIC_FILE", "STATISTICS_FILE", "make_music_table", "make_tables", "training_music"]

STATISTICS_FILE, CHARACTERS_FILE, MUSIC_FILE = "statistics.json", "character.json", "music.json"
FIRST_SEEDS = (10_000_000, 20_000_000)


def make_tables(
    folder: Path, count: int, *, workers: int = 1, no_replace: bool = False, on_step: OnStep | None = None
) -> None:
    """Paint and measure two populations of `count` paintings, and write both tables to `folder`.

    Raises:
        SettingError: fewer than two paintings.
        OutputError: `folder` cannot be written to; or, with `no_replace`, a table exists.
    """
    if count < 2:
        raise SettingError(f"count {count}", "at least 2 paintings", "Choose 4000, for example.")
    seeds = [first + index for first in FIRST_SEEDS for index in range(count)]
    measured = []
    for statistics in spread(_measured, seeds, workers):
        measured.append(statistics)
        if on_step:
            on_step(Step("measure", len(measured), len(seeds)))
    write_table(calibrate(measured[:count]), folder / STATISTICS_FILE, count, no_replace=no_replace)
    stored = json.loads((folder / STATISTICS_FILE).read_text(encoding="utf-8"))["quantiles"]
    table = {name: tuple(values) for name, values in stored.items()}  # rounded, as it will be read
    ranks = [percentiles(statistics, table) for statistics in measured[count:]]
    write_quantiles(ranks, folder / CHARACTERS_FILE, no_replace=no_replace)


def _measured(seed: int) -> ImageStatistics:
    return measure(paint(seed))


def make_music_table(
    folder: Path,
    data: Path,
    count: int,
    *,
    workers: int = 1,
    no_replace: bool = False,
    on_step: OnStep | None = None,
) -> None:
    """Measure the first `count` training pieces of a dataset, and write the quantiles of their measures to `folder`.

    Raises:
        DatasetError: no manifest, or fewer than two training pairs.
        OutputError: `folder` cannot be written to; or, with `no_replace`, the table exists.
    """
    pieces, measured = training_music(data)[:count], []
    for music in spread(_heard, pieces, workers):
        measured.append(music)
        if on_step:
            on_step(Step("music", len(measured), len(pieces)))
    write_music_table(measured, folder / MUSIC_FILE, no_replace=no_replace)


def training_music(data: Path) -> list[Path]:
    """The music of a dataset's training pairs.

    Raises:
        DatasetError: no manifest, or fewer than two training pairs.
    """
    pieces = [data / pair.music for pair in read_pairs(data) if pair.split == "train"]
    if len(pieces) < 2:
        raise DatasetError(f"{len(pieces)} training pairs in {data}", "at least 2", "Choose another dataset.")
    return pieces


def _heard(path: Path) -> Music:
    return measure_music(read_audio(path, mono=False))
