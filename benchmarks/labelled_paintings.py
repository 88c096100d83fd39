"""Measures whether character and music follow what people see in labelled paintings, and the music's pulse, form, key and timbre, with an
earlier edition beside this one.

    git worktree add --detach TREE COMMIT
    python benchmarks/labelled_paintings.py FOLDER --first TREE [--part A|B|all] [--seeds 0 ...] [--first-seeds 0 ...] [--out FOLDER]
        [--model pocket] [--training DATA] [--as-generated] [--markdown] [--sheet OUT.jpg] [--ears FOLDER] [-- OPTION...]

FOLDER has pictures and LABELS.csv: file, part, artist, title, year, arousal and valence (1 to 5), warmth (cold, neutral, warm).
Each edition makes its music with its own code, weights and defaults (`art2mus compose`); options after `--` go to both. Music in
`--out` is reused if the edition, the pictures and the options are the same, and so are its measures. `--training` measures the first
200 pieces of a dataset beside it. `--as-generated` composes once more without the level stage, which the first edition does not have.
Needs librosa (`pip install librosa`).

An AUC is the share of pairs, one painting of each kind, in which the first kind has the larger value; .5 is chance. With several
seeds it is the mean of their AUCs. Intervals are 95 % bootstrap intervals over paintings, each with its pieces of all seeds.
*Likeness* is the mean correlation of the onset strengths of two paintings' music with one seed. The other measures are described in
`hearing.py`, `composing.py`, `returning.py`, `keys.py`, `timbres.py` and `clustering.py`. `--ears` measures the music again with another program's `ears.py FOLDER
LABELS.csv`, which prints one JSON object. The table and what each edition's music was made with go to standard error, the table with
`--markdown` to standard output; one JSON document to the last line of standard output.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from contact_sheet import draw_contact_sheet  # beside this script
from contrasts import Contrasts, Painting, compared, correlations, likeness, plain, read_labels
from edition_table import Row, listed, markdown
from editions import Edition, settings_of
from hearing import Heard, hear
from keys import librosa
from music_rows import Training, music_rows, training_pairs
from trees import PACK

from art2mus_core.audio.mel import MelTransform
from art2mus_core.audio.reading import read_audio
from art2mus_core.checkpoints.grid import read_grid
from art2mus_core.checkpoints.names import locate
from art2mus_core.figures.paper import save_image
from art2mus_core.images.reading import read_artwork

SHOWN = 24
"""Paintings on the sheet."""

CHARACTER = (
    ("intended arousal", "arousal", "agitated against calm", "≥ .93"),
    ("intended valence", "valence", "joyful against sad", "≥ .72"),
)
HEARD = (
    ("onset rate", "onset_rate", "agitated against calm", "≥ .88"),
    ("LUFS", "loudness", "agitated against calm", ""),
    ("brightness", "brightness", "agitated against calm", ""),
    ("mode", "mode", "joyful against sad", "≥ .68"),
    ("mode by librosa's chroma", "major", "joyful against sad", ""),
    ("brightness", "brightness", "cold against warm", "no worse"),
    ("register", "register", "light against dark", "no worse"),
    ("brightness", "brightness", "light against dark", "no worse"),
)
"""What is compared: its name in the table, its field, the kinds of paintings, and the aim."""


def rows_of(contrasts: Contrasts, editions: list[Edition], heard: list[Heard]) -> Iterator[Row]:
    """The rows about character, music and the image encoder."""
    count = contrasts.count
    for what, name, kinds, aim in CHARACTER:
        values = [np.array([[each[name] for each in edition.characters]]) for edition in editions]
        yield contrasts.row(what, kinds, values, aim)
    for what, name, kinds, aim in HEARD:
        yield contrasts.row(what, kinds, [side[name] for side in heard], aim)
    first, this = (partial(likeness, [correlations(one) for one in side.strengths]) for side in heard)
    yield compared("likeness of onsets at one seed", str(count), (first, this), count, aim="≤ .03")
    yield from loudness_rows(contrasts, "LUFS", [side["loudness"] for side in heard], "≥ -30")
    yield plain("image encoder, ms a picture", str(count), *(each.milliseconds for each in editions), "≤ 90")
    first, this = (each.megabytes() for each in editions)
    yield plain("image encoder's file, MB", "", first[0], this[0], "≤ 13")
    yield plain("files of all other weights, MB", "", first[1], this[1], "≤ 45")


def loudness_rows(contrasts: Contrasts, what: str, levels: list[np.ndarray], aim: str) -> Iterator[Row]:
    yield plain(f"lowest {what}", str(contrasts.count), *(float(each.min()) for each in levels), aim)
    yield plain(f"highest {what}", str(contrasts.count), *(float(each.max()) for each in levels), "")


def as_generated(contrasts: Contrasts, levels: list[np.ndarray]) -> Iterator[Row]:
    """The rows about loudness before the level stage."""
    yield contrasts.row("LUFS as generated", "agitated against calm", levels, "")
    yield from loudness_rows(contrasts, "LUFS as generated", levels, "")


def draw_sheet(paintings: list[Painting], edition: Edition, heard: Heard, takes: list[Path], path: Path) -> None:
    """Paintings in the order of their intended arousal, evenly chosen by its rank, with the music of the first seed."""
    order = sorted(range(len(paintings)), key=lambda index: edition.characters[index]["arousal"])
    places = np.unique(np.linspace(0, len(order) - 1, min(SHOWN, len(order))).round().astype(int))
    transform = MelTransform(read_grid(locate(edition.model)))
    tiles = []
    for index in (order[place] for place in places):
        own, music = edition.characters[index], heard.rows[0][index]
        sound = read_audio(takes[index], transform.grid.sample_rate)
        caption = (
            f"{paintings[index].title}\narousal {own['arousal']:.2f}, valence {own['valence']:.2f}; "
            f"{music['onset_rate']:.1f} onsets a second, {music['loudness']:.0f} LUFS"
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
    parser.add_argument(
        "--first-seeds", type=int, nargs="+", default=None, help="the earlier edition's, if not the same"
    )
    parser.add_argument("--model", default="pocket", help="this edition's model")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--training", type=Path, default=None, help="a dataset whose music is measured too")
    parser.add_argument("--training-count", type=int, default=200)
    parser.add_argument("--as-generated", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--sheet", type=Path, default=None)
    parser.add_argument("--ears", type=Path, default=None)
    typed = sys.argv[1:]
    split = typed.index("--") if "--" in typed else len(typed)
    return parser.parse_args(typed[:split]), typed[split + 1 :]


def main() -> None:
    chosen, options = chosen_arguments()
    librosa()
    paintings = read_labels(chosen.folder, chosen.part)
    contrasts = Contrasts(paintings)
    with tempfile.TemporaryDirectory() as place:
        out = chosen.out or Path(place)
        editions = [
            Edition(chosen.first, "pocket", paintings, out / "first"),
            Edition(PACK, chosen.model, paintings, out / "this"),
        ]
        seeds = [chosen.first_seeds or chosen.seeds, chosen.seeds]
        takes = [edition.takes(own, options) for edition, own in zip(editions, seeds, strict=True)]
        pairs = training_pairs(chosen.training, chosen.training_count) if chosen.training else []
        with ProcessPoolExecutor(2, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            heard = [hear(pool, side, out / "heard") for side in takes]
            music = [[chosen.training / pair.music for pair in pairs]]
            training = (
                Training(hear(pool, music, out / "heard"), np.array([pair.key for pair in pairs])) if pairs else None
            )
            rows = [
                *rows_of(contrasts, editions, heard),
                *music_rows(heard, [edition.characters for edition in editions], training),
            ]
            if chosen.as_generated:
                soft = [each.as_generated(own, options) for each, own in zip(editions, seeds, strict=True)]
                rows += as_generated(contrasts, [hear(pool, side, out / "heard")["loudness"] for side in soft])
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
    settings = {"part": chosen.part, "paintings": len(paintings), "seeds": seeds, "options": options}
    print(json.dumps({**settings, "rows": [listed(row) for row in rows], "notes": notes}))


if __name__ == "__main__":
    main()
