"""Editions of the project: the characters that a tree's code sees in paintings, its music for them, and the size of its files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from contrasts import Painting  # beside this script
from trees import ask, compose

from art2mus_core.audio.reading import read_tags
from art2mus_core.digests import joint_digest

OWN_TAGS = ("title", "artwork", "artwork_sha256", "seed", "gain_db", "encoder", "bpm")
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

    def megabytes(self) -> tuple[float, float]:
        """The weights of the image encoder, and all others."""
        encoder = sum(path.stat().st_size for path in (self.weights() / "image_encoder").glob("*.safetensors"))
        return encoder / 1e6, sum(
            path.stat().st_size for path in self.weights().glob("*/*.safetensors")
        ) / 1e6 - encoder / 1e6

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
