"""Measures whether music follows the words and the picture, each alone, with signal features only.

    python benchmarks/comments.py [--model art2music] [--comments comments.csv] [--pictures 8] [--balance 0.5]
        [--steps N] [--guidance G] [--drawn N] [--out FOLDER]

COMMENTS (the file beside this script by default; negations.csv, too) has comments that were written apart from those of training, with the
columns text, kind (felt or seen), energy (high, low or empty) and light (bright, dark or empty). With --drawn, N comments for each end of each
axis are drawn in the way of the training's: settings are chosen on these, and judged on the others.

Words: every comment on every picture at one seed, without the level stage. An answer is right if, of two pieces that differ in nothing but
the comment, the one with the comment of high energy has more onsets a second (or the bright one more brightness). The control gives each
piece another comment than its label's, by a fixed exchange of all comments.

Pictures: painted pictures, a third each at both ends of the character that the image encoder sees in them (arousal for onsets; height less
warmth for brightness), with each of a few comments; an answer is right if, of two pieces with the same comment and seed, that of
the upper picture measures more. The control exchanges pictures.

Intervals are 95 % bootstrap intervals over comments or over pictures. The table goes to standard error, one JSON document to the last line
of standard output.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from art2mus_core.audio.files import write_audio
from art2mus_core.character import Character
from art2mus_core.datasets.synthetic.commenting import Mood, comment
from art2mus_core.datasets.synthetic.painting import paint
from art2mus_core.datasets.synthetic.wording import KINDS
from art2mus_core.measure.sound.music import measure_samples
from art2mus_core.pipelines import load
from art2mus_core.types import Artwork

FIRST = 90_000_000
"""Seed of the first picture; no dataset of the documentation begins there."""

CANDIDATES, ENDS = 90, 3
"""Painted pictures of which the ends are taken, and the part of them at each end, as one over it."""

AXES = {"energy": ("onset_rate", "high", "low"), "light": ("brightness", "bright", "dark")}
PLAIN = ("", "the frame is new", "we came by bus", "oil on canvas, says the label")
"""Comments beside which pictures are exchanged."""

AT_ONCE, RESAMPLES = 8, 2_000

ENDS_OF_MOODS = 0.08, 0.92
"""Of drawn comments."""


class Player:
    """Composes and measures; every piece once."""

    def __init__(self, model: str, settings: dict[str, Any], out: Path | None) -> None:
        self.pipeline, self.settings, self.out = load(model), settings, out
        self.found: dict[tuple[str, str], dict[str, float]] = {}

    def measured(self, works: list[tuple[Artwork, str]]) -> list[dict[str, float]]:
        """The measurements of pieces for pictures and comments."""
        missing = [work for work in works if (work[0].sha256, work[1]) not in self.found]
        for start in range(0, len(missing), AT_ONCE):
            part = missing[start : start + AT_ONCE]
            pieces = self.pipeline.compose(  # type: ignore[call-arg]  # of the route with comments
                [art for art, _ in part],
                comments=[[words] if words else [] for _, words in part],
                level=False,
                **self.settings,
            )
            for (art, words), piece in zip(part, pieces, strict=True):
                music = measure_samples(piece.samples[0].double().numpy(), piece.sample_rate)
                self.found[art.sha256, words] = {name: getattr(music, name) for name, *_ in AXES.values()}
                if self.out:
                    write_audio(self.out / f"{len(self.found):04d}.flac", piece, tags={"comment": words}, cover=None)
            print(f"{len(self.found)} pieces", end="\r", file=sys.stderr)
        return [self.found[art.sha256, words] for art, words in works]


def drawn(count: int) -> list[dict[str, str]]:
    """Comments at both ends of both axes, made as those of training, from seeds that no training has."""
    rows = []
    for axis, (_, upper, lower) in AXES.items():
        for index in range(2 * count):
            rng, kind = np.random.default_rng((FIRST, index, axis == "light")), KINDS[index // 2 % 2]
            text = comment(Mood(**{axis: ENDS_OF_MOODS[index % 2]}), rng, kind)
            rows.append({"text": text, "kind": kind, "energy": "", "light": "", axis: (lower, upper)[index % 2]})
    return rows


def right(upper: np.ndarray, lower: np.ndarray) -> float:
    """The share of pairs, one row of each, whose upper value is larger, over all columns; equal ones count half."""
    above = upper[:, None] - lower[None]
    return float(((above > 0) + 0.5 * (above == 0)).mean())


def interval(upper: np.ndarray, lower: np.ndarray) -> list[float]:
    """[share, low, high] by resampling the rows of both sides."""
    rng = np.random.default_rng(0)
    drawn = [
        right(upper[rng.integers(len(upper), size=len(upper))], lower[rng.integers(len(lower), size=len(lower))])
        for _ in range(RESAMPLES)
    ]
    return [right(upper, lower), *(float(each) for each in np.quantile(drawn, [0.025, 0.975]))]


def words_alone(player: Player, rows: list[dict[str, str]], pictures: list[Artwork]) -> dict[str, Any]:
    """The shares of right answers to comments, by axis and kind, with the control."""
    order = np.random.default_rng(1).permutation(len(rows))
    exchanged = np.empty_like(order)
    exchanged[order] = np.roll(order, 1)  # one circle: no comment keeps its place
    values = player.measured([(picture, row["text"]) for row in rows for picture in pictures])
    table = {
        name: np.array([each[name] for each in values]).reshape(len(rows), len(pictures)) for name, *_ in AXES.values()
    }
    found = {}
    for axis, (name, high, low) in AXES.items():
        for kind in ("all", "felt", "seen", "exchanged"):
            chosen = [kind in {"all", "exchanged", row["kind"]} for row in rows]
            sides = [
                np.array([at for at, row in enumerate(rows) if chosen[at] and row[axis] == side])
                for side in (high, low)
            ]
            places = [exchanged[side] if kind == "exchanged" else side for side in sides]
            found[f"words, {axis}, {kind}"] = interval(*(table[name][place] for place in places))
    return found


def pictures_alone(player: Player, pictures: list[Artwork]) -> dict[str, Any]:
    """The shares of right answers to pictures, by axis, with the control."""
    with torch.inference_mode():
        seen: list[Character] = player.pipeline.parts.encoder.characters(pictures)  # type: ignore[attr-defined]
    found = {}
    for axis, (name, *_) in AXES.items():
        rank = np.argsort([each.arousal if axis == "energy" else each.height - each.warmth for each in seen])
        count = len(rank) // ENDS
        sides = [[pictures[at] for at in part] for part in (rank[-count:], rank[:count])]
        values = [
            np.array(
                [[each[name] for each in player.measured([(art, words) for words in PLAIN])] for art in side], float
            )
            for side in sides
        ]
        found[f"pictures, {axis}, all"] = interval(*values)
        mixed = np.random.default_rng(2).permutation(np.concatenate(values))
        found[f"pictures, {axis}, exchanged"] = interval(mixed[:count], mixed[count:])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="art2music")
    parser.add_argument("--comments", type=Path, default=Path(__file__).with_name("comments.csv"))
    parser.add_argument("--pictures", type=int, default=8)
    parser.add_argument("--candidates", type=int, default=CANDIDATES)
    parser.add_argument("--balance", type=float, default=0.5)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--drawn", type=int, default=0)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    with chosen.comments.open(encoding="utf-8", newline="") as file:
        rows = drawn(chosen.drawn) or list(csv.DictReader(file))
    settings = {"balance": chosen.balance, "steps": chosen.steps, "guidance": chosen.guidance}
    player = Player(chosen.model, settings, chosen.out)
    painted = [paint(FIRST + seed) for seed in range(max(chosen.pictures, chosen.candidates))]
    found = words_alone(player, rows, painted[: chosen.pictures]) | pictures_alone(player, painted[: chosen.candidates])
    for name, (share, low, high) in found.items():
        print(f"{name:30} {share:.2f} [{low:.2f}, {high:.2f}]", file=sys.stderr)
    print(
        json.dumps(
            {"model": chosen.model, "comments": len(rows), "pictures": chosen.pictures, **settings, "found": found}
        )
    )


if __name__ == "__main__":
    main()
