"""Measures whether music follows the painting on held-out synthetic pairs, with signal features only.

    python benchmarks/quality.py DATA [--training DATASET] [--model FOLDER] [--count 200] [--guidance G ...] [--steps N] [--solver S]
        [--shuffled-aligner NAME] [--aligners FILE ...] [--precision auto] [--only SYSTEM ...] [--first TREE] [--no-level] [--out FOLDER]

DATA is a dataset with held-out splits, or, with `--training`, one whose pairs the model was not trained on at all; then the music of
DATASET's held-out splits, of the same length, is what the Frechet distance is measured to. Needs librosa (`pip install librosa`).

Every system makes one piece a pair:
  real          the pair's own music
  recomposed    the same character, another seed: the upper limit of following
  reconstructed real music through VAE and vocoder: the upper limit of sound quality
  audio prior   the real music's embedding through the projection head, with the first guidance given
  aligner       the painting through the image aligner, with each guidance given
  shuffled      an aligner trained on shuffled pairs, with the first guidance given
  substituted   the painting's embedding in place of the music's, through the projection head, without any aligner
  FILE          the painting through each of `--aligners`, with the first guidance given
  unconditional without an artwork
  first edition the painting through a checked-out tree of an earlier edition (`--first`), with its weights, code and defaults;
                kept in `--out`

Scores: two-alternative forced choice (share of other pairs' music that is farther from the piece than its own pair's music),
and the same after assigning pieces to other paintings; rank correlations with the intended character; share of spectral peaks
in tune; pulse, repetition, level range and ending (`hearing.py`); tonic and key as intended, by a vote (`keys.py`); Frechet distance
of pocket's audio embeddings, which hear the mean of the channels, to real music that none of the systems made. Every piece is measured
at its own rate with all its channels. With `--no-level` this edition's pieces keep the level as generated, like the composed music.
Intervals are 95 % bootstrap intervals over pairs; the differences between this edition's aligner and the first edition are resampled
with the same pairs on both sides. The table goes to standard error, one JSON document to the last line of standard output.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hearing import ENDED, measured  # beside this script
from keys import elected, librosa, tonic_of
from scipy import stats
from trees import ask

from art2mus_core.aligners.head import ProjectionHead
from art2mus_core.audio.reading import read_audio
from art2mus_core.character import CHARACTERS, Character
from art2mus_core.checkpoints.folder import load_component
from art2mus_core.checkpoints.names import locate
from art2mus_core.cli.devices import choose_precision
from art2mus_core.conditioning.constants import conditions
from art2mus_core.conditioning.language import roll_out
from art2mus_core.datasets.manifest import Pair
from art2mus_core.datasets.reading import read_pairs
from art2mus_core.datasets.synthetic.rendering import compose
from art2mus_core.encoders.pocket import PocketAudioEncoder, PocketSoundEncoder
from art2mus_core.images.reading import read_artwork
from art2mus_core.measure.sets.frechet import frechet_distance
from art2mus_core.pipelines import load
from art2mus_core.types import Embedding, LanguageOfAudio, Waveform

BATCH = 8
RESAMPLES = 1000


def character_of(pair: Pair) -> Character:
    values = {name: pair.character[name] for name in CHARACTERS}
    return Character(**values, tonic=int(pair.character["tonic"]))


class Bench:
    """Held-out pairs of a dataset, and the systems to compare."""

    def __init__(
        self, data: Path, training: Path | None, model: str, count: int, precision: str, **settings: Any
    ) -> None:
        dtype = choose_precision(precision, torch.device("cpu"))
        self.chosen = settings
        self.data, self.pipeline = data, load(model, dtype=dtype)
        pairs = read_pairs(data)
        shortest = min(pair.seconds for pair in pairs)
        self.pairs = [pair for pair in pairs if (training or pair.split == "test") and pair.seconds == shortest][:count]
        held = {"validation", "test"} if training else {"validation"}
        others = [pair for pair in read_pairs(training or data) if pair.split in held and pair.seconds == shortest]
        self.others = [(training or data) / pair.music for pair in others]
        self.parts, self.grid = self.pipeline.parts, self.pipeline.parts.grid
        folder = locate(model)
        tower = load_component(folder, "audio_encoder", PocketAudioEncoder.from_config)
        self.tower = PocketSoundEncoder(tower, self.grid)
        self.head = load_component(folder, "projection_model", ProjectionHead.from_config)

    def real(self) -> Iterator[Waveform]:
        for pair in self.pairs:
            yield read_audio(self.data / pair.music, mono=False)

    def reference(self) -> np.ndarray:
        """Embeddings of held-out music, float64 [pairs, dim]."""
        return np.stack([self.embed(read_audio(path, mono=False)) for path in self.others])

    def recomposed(self) -> Iterator[Waveform]:
        rate, channels = self.grid.sample_rate, self.grid.channels
        for pair in self.pairs:
            sound = compose(character_of(pair), 900_000_000 + (pair.seed or 0), pair.seconds, rate, channels)
            yield Waveform(torch.from_numpy(sound)[None], rate)

    @torch.no_grad()
    def reconstructed(self) -> Iterator[Waveform]:
        for pair in self.pairs:
            sound = read_audio(self.data / pair.music, self.grid.sample_rate, mono=False)
            yield self.pipeline.decode(self.pipeline.encode(sound)).cut(pair.seconds)

    def _language(self, embedding: Embedding, by: Callable) -> LanguageOfAudio:
        return roll_out(self.parts.language_model, by(embedding), self.grid.language_tokens)

    @torch.no_grad()
    def _generated(self, languages: Callable[[list[Pair]], LanguageOfAudio], guidance: float) -> Iterator[Waveform]:
        for start in range(0, len(self.pairs), BATCH):
            pairs = self.pairs[start : start + BATCH]
            positive, negative = conditions(languages(pairs), self.parts.constants)
            settings = self.pipeline.settings(seconds=pairs[0].seconds, guidance=guidance, **self.chosen)
            seeds = [pair.seed or 0 for pair in pairs]
            yield from self.pipeline.perform((positive, negative), settings, seeds)

    def aligned(self, guidance: float, aligner: object = None) -> Iterator[Waveform]:
        chosen = aligner or self.parts.aligner

        def languages(pairs: list[Pair]) -> LanguageOfAudio:
            artworks = [read_artwork(self.data / pair.artwork) for pair in pairs]
            return self._language(self.parts.encoder.encode(artworks), chosen.align)

        return self._generated(languages, guidance)

    def audio_prior(self, guidance: float) -> Iterator[Waveform]:
        def languages(pairs: list[Pair]) -> LanguageOfAudio:
            sounds = [read_audio(self.data / pair.music, mono=False) for pair in pairs]
            heard = torch.cat([self.tower.encode(sound).values for sound in sounds])
            return self._language(Embedding(heard, self.parts.encoder.space), self.head.align)

        return self._generated(languages, guidance)

    def unconditional(self) -> Iterator[Waveform]:
        def languages(pairs: list[Pair]) -> LanguageOfAudio:
            return LanguageOfAudio(self.parts.constants.unconditional_language.expand(len(pairs), -1, -1))

        return self._generated(languages, 1.0)

    def first_edition(self, tree: Path, out: Path) -> Iterator[Waveform]:
        job = {
            "artworks": [str((self.data / pair.artwork).resolve()) for pair in self.pairs],
            "seeds": [pair.seed or 0 for pair in self.pairs],
            "seconds": self.pairs[0].seconds,
            "dtype": str(self.parts.dtype).removeprefix("torch."),
        }
        note, made = out / "made.json", {"tree": str(tree.resolve()), "job": job}
        found = json.loads(note.read_text(encoding="utf-8")) if note.is_file() else {}
        if found.get("made") != made:
            out.mkdir(parents=True, exist_ok=True)
            found = {"made": made, "rate": ask(tree, "pieces", **job, out=str(out))}
            note.write_text(json.dumps(found), encoding="utf-8")
        for number in range(len(self.pairs)):
            yield Waveform(torch.from_numpy(np.load(out / f"{number}.npy"))[None], found["rate"])

    @torch.no_grad()
    def embed(self, sound: Waveform) -> np.ndarray:
        return self.tower.encode(sound).values[0].double().numpy()


WEIGHTS = (*[1.0] * 6, *[12**-0.5] * 12)
"""Weights of the standardised features in a distance; the twelve of the chroma together count as one feature."""


def feature_vector(music: dict[str, Any]) -> np.ndarray:
    """log(onset rate + 0.5), loudness, brightness, mode, register, flatness and chroma."""
    own = (music[name] for name in ("loudness", "brightness", "mode", "register", "flatness"))
    return np.array([math.log(music["onset_rate"] + 0.5), *own, *music["chroma"]])


def forced_choice(made: np.ndarray, real: np.ndarray) -> np.ndarray:
    """For each piece, the share of other pairs' music that is farther away than its own pair's music."""
    distance = np.linalg.norm(made[:, None] - real[None], axis=-1)
    own = np.diag(distance)[:, None]
    better = (own < distance) + 0.5 * (own == distance)
    return (better.sum(1) - 0.5) / (len(made) - 1)


def interval(score: Callable[[np.ndarray], float], count: int) -> list[float]:
    """The score over all pairs, and its 95 % bootstrap interval."""
    rng = np.random.default_rng(0)
    draws = [score(rng.integers(count, size=count)) for _ in range(RESAMPLES)]
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return [round(float(x), 3) for x in (score(np.arange(count)), low, high)]


Statistic = Callable[[np.ndarray], float]
"""A score over some pairs, given by their numbers."""


def scores(
    rows: list[dict[str, Any]], real: list[dict[str, Any]], cause: dict[str, np.ndarray], keys: np.ndarray
) -> dict[str, Statistic]:
    vectors, wanted = (np.stack([feature_vector(row) for row in side]) for side in (rows, real))
    scale = np.asarray(WEIGHTS) / (wanted.std(0) + 1e-9)
    vectors, wanted = vectors * scale, wanted * scale
    own, shuffled = forced_choice(vectors, wanted), forced_choice(np.roll(vectors, 7, axis=0), wanted)

    def follows(field: str, character: str) -> Statistic:
        values = np.array([row[field] for row in rows])
        return lambda i: float(stats.spearmanr(values[i], cause[character][i])[0])

    def averaged(of: Callable[[dict[str, Any]], float], average: Callable[[np.ndarray], Any]) -> Statistic:
        values = np.array([of(row) for row in rows], np.float64)
        return lambda i: float(average(values[i]))

    tonic_right = np.array([tonic_of(row["keys"]) for row in rows]) == keys % 12
    key_right = np.array([elected(row["keys"]) for row in rows]) == keys
    return {
        "2AFC": lambda i: float(own[i].mean()),
        "2AFC shuffled": lambda i: float(shuffled[i].mean()),
        "onsets~arousal": follows("onset_rate", "arousal"),
        "loudness~arousal": follows("loudness", "arousal"),
        "brightness~warmth": follows("brightness", "warmth"),
        "mode~valence": follows("mode", "valence"),
        "register~height": follows("register", "height"),
        "in tune": averaged(lambda row: row["in_tune"], np.nanmean),
        "pulse": averaged(lambda row: row["pulse"], np.nanmedian),
        "repetition": averaged(lambda row: row["repetition"], np.nanmean),
        "level range": averaged(lambda row: row["range"], np.nanmedian),
        "ended": averaged(lambda row: row["ending"] >= ENDED, np.mean),
        "tonic": lambda i: float(tonic_right[i].mean()),
        "key": lambda i: float(key_right[i].mean()),
    }


def differences(this: dict[str, Statistic], first: dict[str, Statistic], count: int) -> dict[str, list[float]]:
    """How much larger each score of this edition is than the first edition's."""
    return {name: interval(lambda i, name=name: this[name](i) - first[name](i), count) for name in this}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--training", type=Path, default=None, help="the dataset of the training, if not DATA")
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--guidance", type=float, nargs="*", default=None)
    parser.add_argument("--steps", type=int, default=None)
    parser.add_argument("--solver", default=None)
    parser.add_argument("--shuffled-aligner", default=None)
    parser.add_argument("--aligners", type=Path, nargs="*", default=[], help="files of further aligners")
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--no-level", action="store_true", help="leave out the level stage")
    parser.add_argument("--first", type=Path, default=None, help="a checked-out tree of an earlier edition")
    parser.add_argument("--out", type=Path, default=None, help="folder that keeps the first edition's music")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    librosa()
    settings = {"steps": chosen.steps, "solver": chosen.solver, "level": False if chosen.no_level else None}
    bench = Bench(chosen.data, chosen.training, chosen.model, chosen.count, chosen.precision, **settings)
    guidances = chosen.guidance or [bench.parts.defaults.guidance]
    first = guidances[0]
    systems: dict[str, Callable[[], Iterator[Waveform]]] = {
        "real": bench.real,
        "recomposed": bench.recomposed,
        "reconstructed": bench.reconstructed,
        f"audio prior, guidance {first:g}": lambda: bench.audio_prior(first),
        "unconditional": bench.unconditional,
    }
    for guidance in guidances:
        systems[f"aligner, guidance {guidance:g}"] = lambda g=guidance: bench.aligned(g)
    named = {path.stem: str(path) for path in chosen.aligners}
    if chosen.shuffled_aligner:
        named[f"shuffled-pairs aligner, guidance {first:g}"] = chosen.shuffled_aligner
    networks = {name: load(chosen.model, aligner=own).parts.aligner for name, own in named.items()}
    for name, network in {"substituted": bench.head, **networks}.items():
        systems[name] = lambda network=network: bench.aligned(first, network)
    place = tempfile.TemporaryDirectory()
    if chosen.first:
        systems["first edition"] = lambda: bench.first_edition(chosen.first, chosen.out or Path(place.name))
    keys = np.array([pair.key for pair in bench.pairs])
    cause = {name: np.array([pair.character[name] for pair in bench.pairs]) for name in CHARACTERS}
    report, followed, real_rows, reference = {}, {}, None, bench.reference()
    with place, ProcessPoolExecutor(2, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        for name, system in systems.items():
            if chosen.only and name != "real" and not any(part in name for part in chosen.only):
                continue
            start = time.monotonic()
            sounds = list(system())
            pieces = ([sound.samples[0].numpy() for sound in sounds], [sound.sample_rate for sound in sounds])
            rows = list(pool.map(measured, *pieces, chunksize=8))
            embeddings = np.stack([bench.embed(sound) for sound in sounds])
            real_rows = rows if real_rows is None else real_rows
            followed[name] = scores(rows, real_rows, cause, keys)
            report[name] = {
                **{score: interval(of, len(rows)) for score, of in followed[name].items()},
                "Frechet": round(frechet_distance(embeddings, reference), 4),
                "seconds": round(time.monotonic() - start, 1),
            }
            print(name.ljust(28), json.dumps(report[name]), file=sys.stderr, flush=True)
    earlier = followed.get("first edition")
    compared = {name: own for name, own in followed.items() if earlier and name.startswith("aligner")}
    gaps = {name: differences(own, earlier, len(bench.pairs)) for name, own in compared.items()}
    for name, gap in gaps.items():
        print(f"{name} less first edition".ljust(28), json.dumps(gap), file=sys.stderr)
    print(json.dumps({"pairs": len(bench.pairs), "systems": report, "differences": gaps}))


if __name__ == "__main__":
    main()
