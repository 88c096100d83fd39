"""Measure whether phrases return in music, as its tempo says where they would.

    python benchmarks/phrases.py FOLDER [FOLDER ...] [--tempo BPM] [--seconds S] [--count N] [--workers 2]

A folder is a dataset, whose manifest has tempos and meters, or music with the tag `bpm`, as `art2mus compose` writes it; `--tempo` is for
music without either. Its first beat is at 0 s. A phrase has four bars: 16 beats, or 12 where a manifest says three beats a bar.

Phrase likeness is the likeness of beats (chroma and onsets, see `composing.py`) at a lag of phrases, less the median over lags
between 5 beats and the longest phrase lag that are whole bars neither of three nor of four beats. Columns:

  next          at one phrase: AA is alike, ABA is not
  best          at the best of one, two and three phrases: AABA and ABA are alike
  shuffled      `best` of the same beats in random order, which knows what the best of three gives by chance

At a lag, at least half a phrase of beats has a beat to compare with; pieces too short for one phrase lag are left out. A row has the
number of pieces and the medians with their 95 % bootstrap intervals.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from composing import FRAME, HOP, RATE, beat_features, likeness_at  # beside this script

from art2mus_core.audio.reading import read_audio, read_tags
from art2mus_core.datasets.manifest import MANIFEST, read_manifest
from art2mus_core.datasets.workers import spread
from art2mus_core.measure.sets.intervals import bootstrap
from art2mus_core.measure.sound.spectra import spectra

BARS = 4
MOST_PHRASES = 3
COLUMNS = ("next", "best", "shuffled")

Task = tuple[Path, float, int]
"""A file, its tempo in beats per minute, and beats in a bar."""


def phrase_likeness(beats: np.ndarray, meter: int) -> dict[str, float] | None:
    """`next` and `best` of a piece [beats, features]; None if it is shorter than a phrase and a half."""
    phrase = BARS * meter
    lags = [phrase * count for count in range(1, MOST_PHRASES + 1) if phrase * count + phrase // 2 <= len(beats)]
    if not lags:
        return None
    others = [lag for lag in range(5, lags[-1]) if lag % 3 and lag % 4]
    chance = float(np.median([likeness_at(beats, lag) for lag in others]))
    found = [likeness_at(beats, lag) - chance for lag in lags]
    return {"next": found[0], "best": max(found)}


def measured(task: Task) -> dict[str, float] | None:
    path, tempo, meter = task
    sound = read_audio(path, RATE).samples[0, 0].numpy()
    spectrum = spectra(sound, 2 * round(FRAME * RATE / 2), round(HOP * RATE))
    beats = beat_features(spectrum, 60 / tempo, int(len(sound) / RATE / (60 / tempo)))
    found = phrase_likeness(beats, meter)
    if found is None:
        return None
    shuffled = phrase_likeness(np.random.default_rng(len(sound)).permutation(beats), meter)
    return found | {"shuffled": shuffled["best"] if shuffled else float("nan")}


def tasks_of(folder: Path, tempo: float | None, seconds: float | None) -> list[Task]:
    """The music of a folder that has a tempo."""
    if (folder / MANIFEST).is_file():
        pairs = [pair for pair in read_manifest(folder) if seconds in {None, pair.seconds}]
        return [(folder / pair.music, pair.tempo, pair.beats_per_bar or 4) for pair in pairs if pair.tempo]
    tasks = []
    for path in sorted(folder.glob("*.flac")):
        known = tempo or float(read_tags(path).get("bpm", 0))
        tasks += [(path, known, 4)] if known else []
    return tasks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--tempo", type=float, help="beats a minute of music without the tag bpm")
    parser.add_argument("--seconds", type=float, help="only a dataset's pieces of this length")
    parser.add_argument("--count", type=int, help="only the first pieces of each folder")
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    print("| music | n | " + " | ".join(COLUMNS) + " |\n|---|---|" + "---|" * len(COLUMNS))
    for folder in chosen.folders:
        tasks = tasks_of(folder, chosen.tempo, chosen.seconds)[: chosen.count]
        rows = [row for row in spread(measured, tasks, chosen.workers) if row is not None]
        if not rows:
            raise SystemExit(f"{folder} has no music of a phrase and a half whose tempo is known")
        cells = []
        for name in COLUMNS:
            values = np.array([row[name] for row in rows])
            found = bootstrap(lambda drawn, values=values: float(np.median(values[drawn])), len(values))
            cells.append(f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]")
        print(f"| {folder.name} | {len(rows)} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
