"""Measures whether character and music follow what people see in labelled paintings, with an earlier edition beside this one.

    git worktree add --detach TREE COMMIT
    python benchmarks/labelled_paintings.py FOLDER --first TREE [--part A|B|all] [--seeds 0] [--out FOLDER] [--time]
        [--model pocket] [--markdown] [--sheet OUT.jpg] [--ears FOLDER] [-- OPTION...]

FOLDER has pictures and LABELS.csv: file, part, artist, title, year, arousal and valence (1 to 5), warmth (cold, neutral, warm).
Each edition makes its music with its own code, weights and defaults (`art2mus compose`); options after `--` go to both. Music in
`--out` is reused if the edition, the pictures and the options are the same. *As generated* is music without the level stage, which
the first edition does not have.

An AUC is the share of pairs, one painting of each kind, in which the first kind has the larger value; .5 is chance. With several
seeds it is the mean of their AUCs. Intervals are 95 % bootstrap intervals over paintings. *Likeness* is the mean correlation of
the onset strengths of two paintings' music with one seed. `--ears` measures the music again with another program's
`ears.py FOLDER LABELS.csv`, which prints one JSON object. Time it with no other programs running. The table and what each edition's
music was made with go to standard error, the table with `--markdown` to standard output; one JSON document to the last line of
standard output.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from contact_sheet import draw_contact_sheet  # beside this script
from trees import PACK, ask, compose

from art2mus_core.audio.mel import MelTransform
from art2mus_core.audio.reading import read_audio, read_tags
from art2mus_core.checkpoints.grid import read_grid
from art2mus_core.checkpoints.names import locate
from art2mus_core.digests import joint_digest
from art2mus_core.figures.paper import save_image
from art2mus_core.images.reading import read_artwork
from art2mus_core.measure.pictures import measure as measure_picture
from art2mus_core.measure.sets.intervals import Interval, bootstrap
from art2mus_core.measure.sound.music import HOP, WINDOW, Music, measure_samples
from art2mus_core.measure.sound.onsets import onset_strength
from art2mus_core.measure.sound.spectra import spectra

FOLDER_OF = 24
"""Artworks in the folder whose composing is timed, and paintings on the sheet."""

OWN_TAGS = ("title", "artwork", "artwork_sha256", "seed", "gain_db", "encoder")
"""Tags that say nothing of an edition."""

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


@dataclass(frozen=True)
class Row:
    """One line of the table; without an interval if a value has no spread over paintings."""

    title: str
    n: str
    first: Interval
    this: Interval
    difference: Interval
    aim: str


class Edition:
    """A tree's characters for some paintings, and its music for them."""

    def __init__(self, tree: Path, model: str, paintings: list[Painting], out: Path) -> None:
        self.tree, self.model, self.out = tree.resolve(), model, out
        self.files = [str(painting.path.resolve()) for painting in paintings]
        found = ask(self.tree, "pictures", artworks=self.files, model=model)
        self.characters, self.by, self.milliseconds = (found[name] for name in ("characters", "by", "milliseconds"))
        code = [path for path in (self.tree / "art2mus_core").rglob("*") if path.is_file() and path.suffix != ".pyc"]
        weights = self.weights()
        chosen = [path for path in weights.rglob("*") if path.is_file()] if model != "pocket" else []
        self.digest = joint_digest([*sorted(code), *sorted(chosen), *map(Path, self.files)])

    def weights(self) -> Path:
        return self.tree / "art2mus_core" / "pocket" if self.model == "pocket" else Path(self.model).resolve()

    def encoder_megabytes(self) -> float:
        return sum(path.stat().st_size for path in (self.weights() / "image_encoder").glob("*.safetensors")) / 1e6

    def takes(self, seeds: list[int], options: list[str]) -> list[list[Path]]:
        """The files of the music of each seed."""
        return [self._music(seed, *options) for seed in seeds]

    def as_generated(self, seeds: list[int], options: list[str]) -> list[list[Path]]:
        """The files of the same music at the level as generated; an edition without a level stage has no other."""
        takes = self.takes(seeds, options)
        levelled = "gain_db" in read_tags(takes[0][0])
        return self.takes(seeds, [*options, "--no-level"]) if levelled else takes

    def _music(self, seed: int, *options: str) -> list[Path]:
        """The files of the music with a seed, composed unless they are there already."""
        chosen = ["--seed", str(seed), "--model", self.model, *options]
        folder = self.out / "_".join(["seed", str(seed), *(option.strip("-") for option in options)])
        made_with, settings = folder / "settings.json", json.dumps({"digest": self.digest, "options": chosen})
        if not made_with.is_file() or made_with.read_text(encoding="utf-8") != settings:
            shutil.rmtree(folder, ignore_errors=True)
            compose(self.tree, *self.files, "--out", str(folder), *chosen)
            made_with.write_text(settings, encoding="utf-8")
        return [folder / f"{Path(file).stem}.flac" for file in self.files]


@dataclass(frozen=True)
class Heard:
    """Measures of the pieces of one edition: values [seeds, paintings], onset strengths [paintings, frames] for each seed."""

    music: list[list[Music]]
    strengths: list[np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        return np.array([[getattr(piece, name) for piece in pieces] for pieces in self.music], np.float64)


def listen(path: Path) -> tuple[Music, np.ndarray]:
    """The measures of a piece, and its onset strength."""
    sound = read_audio(path)
    samples, rate = sound.samples[0].numpy(), sound.sample_rate
    spectrum = spectra(samples.mean(0), 2 * round(WINDOW * rate / 2), round(HOP * rate))
    return measure_samples(samples, rate), onset_strength(spectrum, rate)


def hear(pool: ProcessPoolExecutor, takes: list[list[Path]]) -> Heard:
    pieces = [list(pool.map(listen, take, chunksize=4)) for take in takes]
    least = min(len(strength) for take in pieces for _, strength in take)
    strengths = [np.stack([strength[:least] for _, strength in take]) for take in pieces]
    return Heard([[music for music, _ in take] for take in pieces], strengths)


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


CHARACTER = (
    ("intended arousal", "arousal", "agitated against calm", "≥ .93"),
    ("intended valence", "valence", "joyful against sad", "≥ .72"),
)
HEARD = (
    ("onset rate", "onset_rate", "agitated against calm", "≥ .85"),
    ("LUFS", "loudness", "agitated against calm", ""),
    ("brightness", "brightness", "agitated against calm", ""),
    ("mode", "mode", "joyful against sad", ""),
    ("brightness", "brightness", "cold against warm", "no worse"),
    ("register", "register", "light against dark", "no worse"),
    ("brightness", "brightness", "light against dark", "no worse"),
)
"""What is compared: its name in the table, its field, the kinds of paintings, and the aim."""


def rows_of(
    contrasts: Contrasts, editions: list[Edition], heard: list[Heard], generated: list[np.ndarray]
) -> Iterator[Row]:
    """The rows about character, music (with its loudness as generated) and the image encoder."""
    count = contrasts.count
    for what, name, kinds, aim in CHARACTER:
        values = [np.array([[each[name] for each in edition.characters]]) for edition in editions]
        yield contrasts.row(what, kinds, values, aim)
    for what, name, kinds, aim in HEARD:
        yield contrasts.row(what, kinds, [side[name] for side in heard], aim)
    first, this = (partial(likeness, [correlations(one) for one in side.strengths]) for side in heard)
    yield compared("likeness of onsets at one seed", str(count), (first, this), count, aim="≤ .04")
    yield contrasts.row("LUFS as generated", "agitated against calm", generated, "")
    yield plain("lowest LUFS as generated", str(count), *(float(each.min()) for each in generated), "")
    levels = [side["loudness"] for side in heard]
    yield plain("lowest LUFS", str(count), *(float(each.min()) for each in levels), "≥ -30")
    yield plain("highest LUFS", str(count), *(float(each.max()) for each in levels), "")
    yield plain("image encoder, ms a picture", str(count), *(each.milliseconds for each in editions), "≤ 90")
    yield plain("image encoder's file, MB", "", *(each.encoder_megabytes() for each in editions), "≤ 13")


def times(editions: list[Edition], options: list[str], rounds: int = 5) -> Iterator[Row]:
    """Seconds of one piece (median of several, the editions in turn) and of a folder of pictures."""
    with tempfile.TemporaryDirectory() as place:
        names = [editions[0].files[index % len(editions[0].files)] for index in range(FOLDER_OF)]
        for index, name in enumerate(names):
            shutil.copy(name, Path(place, f"{index:03d}{Path(name).suffix}"))

        def seconds(edition: Edition, artworks: str, out: str) -> float:
            with tempfile.TemporaryDirectory() as made:
                return compose(
                    edition.tree, artworks, "--out", str(Path(made, out)), "--model", edition.model, *options
                )[0]

        turns = [[seconds(each, names[0], "piece.flac") for each in editions] for _ in range(rounds + 1)][1:]
        yield timed(
            "one piece, process start included, s", [statistics.median(each) for each in zip(*turns, strict=True)]
        )
        yield timed(f"a folder of {FOLDER_OF}, s", [seconds(each, place, "music") for each in editions])


def timed(title: str, seconds: list[float]) -> Row:
    first, this = seconds
    return plain(f"{title} ({this / first:.2f} of the first)", "", first, this, "≤ .55 of the first")


def shown(interval: Interval) -> str:
    """A value with two digits and its interval."""
    numbers = [f"{x:.{0 if abs(x) >= 100 else 1 if abs(x) >= 5 else 2}f}" for x in vars(interval).values()]
    value, low, high = (
        number.replace("0.", ".", 1) if number.lstrip("-").startswith("0.") else number for number in numbers[:3]
    )
    return value if math.isnan(interval.low) else f"{value} [{low}, {high}]"


def markdown(rows: list[Row]) -> str:
    lines = ["| | n | first edition | this edition | difference | aim |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {row.title} | {row.n} | {shown(row.first)} | {shown(row.this)} | {shown(row.difference)} | {row.aim} |"
        for row in rows
    ]
    return "\n".join(lines)


def listed(row: Row) -> dict[str, Any]:
    """A row for JSON: value, low and high of each side, or the value alone."""
    sides = {name: getattr(row, name) for name in ("first", "this", "difference")}
    kept = {
        name: [each.value, each.low, each.high] if not math.isnan(each.low) else [each.value]
        for name, each in sides.items()
    }
    rounded = {name: [None if math.isnan(x) else round(x, 4) for x in values] for name, values in kept.items()}
    return {"title": row.title, "n": row.n, **rounded, "aim": row.aim}


def settings_of(piece: Path) -> dict[str, str]:
    """What a piece was made with, by its tags."""
    return {name: value for name, value in read_tags(piece).items() if name not in OWN_TAGS}


def draw_sheet(paintings: list[Painting], edition: Edition, heard: Heard, takes: list[Path], path: Path) -> None:
    """Paintings in the order of their intended arousal, evenly chosen by its rank, with the music of the first seed."""
    order = sorted(range(len(paintings)), key=lambda index: edition.characters[index]["arousal"])
    places = np.unique(np.linspace(0, len(order) - 1, min(FOLDER_OF, len(order))).round().astype(int))
    transform = MelTransform(read_grid(locate(edition.model)))
    tiles = []
    for index in (order[place] for place in places):
        own, music = edition.characters[index], heard.music[0][index]
        sound = read_audio(takes[index], transform.grid.sample_rate)
        caption = (
            f"{paintings[index].title}\narousal {own['arousal']:.2f}, valence {own['valence']:.2f}; "
            f"{music.onset_rate:.1f} onsets a second, {music.loudness:.0f} LUFS"
        )
        tiles.append((read_artwork(paintings[index].path), transform(sound.samples[:, 0])[0], caption))
    save_image(draw_contact_sheet(tiles, columns=min(4, len(tiles))), path)


def other_ears(ears: Path, folder: Path, labels: Path) -> dict[str, Any]:
    """What another program measures of a folder of music."""
    command = [sys.executable, str(ears / "ears.py"), str(folder), str(labels)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    return json.loads(done.stdout.splitlines()[-1])


def chosen_arguments() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=Path, required=True, help="a checked-out tree of the earlier edition")
    parser.add_argument("--part", choices=["A", "B", "all"], default="B")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--model", default="pocket", help="this edition's model")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--time", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--sheet", type=Path, default=None)
    parser.add_argument("--ears", type=Path, default=None)
    typed = sys.argv[1:]
    split = typed.index("--") if "--" in typed else len(typed)
    return parser.parse_args(typed[:split]), typed[split + 1 :]


def main() -> None:
    chosen, options = chosen_arguments()
    paintings = read_labels(chosen.folder, chosen.part)
    contrasts = Contrasts(paintings)
    with tempfile.TemporaryDirectory() as place:
        out = chosen.out or Path(place)
        editions = [
            Edition(chosen.first, "pocket", paintings, out / "first"),
            Edition(PACK, chosen.model, paintings, out / "this"),
        ]
        takes = [edition.takes(chosen.seeds, options) for edition in editions]
        generated = [edition.as_generated(chosen.seeds, options) for edition in editions]
        with ProcessPoolExecutor(2, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            heard = [hear(pool, side) for side in takes]
            levels = [
                now["loudness"] if then == side else hear(pool, then)["loudness"]
                for now, side, then in zip(heard, takes, generated, strict=True)
            ]
        rows = [*rows_of(contrasts, editions, heard, levels), *(times(editions, options) if chosen.time else ())]
        notes = {
            name: {"characters by": edition.by, "made with": settings_of(side[0][0])}
            for name, edition, side in zip(("first", "this"), editions, takes, strict=True)
        }
        if chosen.ears:
            for name, side in zip(notes, takes, strict=True):
                notes[name]["ears"] = other_ears(chosen.ears, side[0][0].parent, chosen.folder / "LABELS.csv")
        if chosen.sheet:
            draw_sheet(paintings, editions[1], heard[1], takes[1][0], chosen.sheet)
    print(markdown(rows), file=sys.stdout if chosen.markdown else sys.stderr)
    for name, found in notes.items():
        print(f"{name} edition: {json.dumps(found)}", file=sys.stderr)
    settings = {"part": chosen.part, "paintings": len(paintings), "seeds": chosen.seeds, "options": options}
    print(json.dumps({**settings, "rows": [listed(row) for row in rows], "notes": notes}))


if __name__ == "__main__":
    main()
