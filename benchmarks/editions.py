"""Editions of the project: the characters that a tree's code sees in paintings, its music for them, and the measures of this music."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from contrasts import Painting  # beside this script
from trees import ask, compose

from art2mus_core.audio.reading import read_audio, read_tags
from art2mus_core.digests import joint_digest
from art2mus_core.measure.sound.music import HOP, WINDOW, Music, measure_samples
from art2mus_core.measure.sound.onsets import onset_strength
from art2mus_core.measure.sound.spectra import spectra

OWN_TAGS = ("title", "artwork", "artwork_sha256", "seed", "gain_db", "encoder")
"""Tags that say nothing of an edition."""


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


def settings_of(piece: Path) -> dict[str, str]:
    """What a piece was made with, by its tags."""
    return {name: value for name, value in read_tags(piece).items() if name not in OWN_TAGS}


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
