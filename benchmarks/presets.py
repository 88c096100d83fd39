"""Compare a model's presets: their cost, how their music follows the paintings, and how its measures differ from those of `exact`.

    python benchmarks/presets.py PICTURES [ROW ...] [--model pocket] [--count 24] [--seconds 12] [--seed 0]

PICTURES is a folder. A row is a preset, or a preset with other settings: `exact:steps=6,guided_below=0.9`. The first row is what the others
are compared with; by default all presets of the model are rows. A last row is the first with the next seed: as far apart are pieces
that are equally good. Columns:

  evaluations   of the denoiser for a piece, two for a step with guidance
  seconds       of processor time for a piece, all stages; the rows take turns, picture by picture
  agreement     of measured sound with the character that the image encoder sees, 0 to 1, as candidates are ranked
  choice        share of the other pieces that agree less with the painting than its own does; .5 by chance
  score         cosine of the audio embedding and the painting's embedding
  pulse, range, repetition   as in `composing.py` and `returning.py`
  apart         mean difference to the first row's piece of the same painting in the measures of `music.py`, in standard deviations of the
                first row over paintings
  frechet       Frechet distance to the first row's pieces, of the audio embeddings

Intervals in brackets are 95 % bootstrap intervals over paintings of the difference to the first row.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from composing import HOP, levels_of, pulse_of  # beside this script
from returning import returns_of

from art2mus_core.diffusion.schedules import schedule
from art2mus_core.images.listing import list_artworks
from art2mus_core.images.reading import read_artwork
from art2mus_core.measure.sets.frechet import frechet_distance
from art2mus_core.measure.sound.music import FACTS, Music, measure_samples
from art2mus_core.measure.sound.spectra import spectra
from art2mus_core.pipelines import load
from art2mus_core.pipelines.agreement import agreement
from art2mus_core.pipelines.settings import Settings

MEASURES = [name for name in FACTS if name != "tempo"]
"""The tempo by autocorrelation jumps between halves and doubles."""

SHOWN = ("agreement", "choice", "score", "pulse", "range", "repetition")
RESAMPLES = 2000


@dataclass
class Row:
    """The pieces of one row: their measures, one dictionary for each painting, and their audio embeddings."""

    name: str
    settings: dict[str, Any]
    seed: int
    pieces: list[dict[str, Any]] = field(default_factory=list)
    music: list[Music] = field(default_factory=list)
    embeddings: list[np.ndarray] = field(default_factory=list)
    seconds: float = 0.0

    @classmethod
    def of(cls, name: str, seed: int) -> Row:
        preset, _, more = name.partition(":")
        chosen = dict(each.split("=") for each in more.split(",")) if more else {}
        kinds = {name: type(value) for name, value in vars(Settings()).items()}
        return cls(name, {"preset": preset, **{key: kinds[key](value) for key, value in chosen.items()}}, seed)

    def column(self, name: str) -> np.ndarray:
        return np.array([piece[name] for piece in self.pieces], np.float64)


def evaluations(settings: Settings, config: dict[str, Any]) -> int:
    """Of the denoiser, for one piece."""
    visited = schedule(config, settings.solver, settings.steps).timesteps
    guided = visited < settings.guided_below * config["num_train_timesteps"]
    return len(visited) + (int(guided.sum()) if settings.guidance != 1 else 0)


def add_piece(row: Row, pipeline: Any, artwork: Any, seconds: float) -> None:
    """Compose one piece, and measure it."""
    started = time.process_time()
    (piece,) = pipeline.compose([artwork], seeds=[row.seed], seconds=seconds, **row.settings)
    row.seconds += time.process_time() - started
    samples, rate = piece.samples[0].numpy(), piece.sample_rate
    mid, music, hop = samples.mean(0), measure_samples(samples, rate), round(HOP * rate)
    with torch.inference_mode():
        heard, seen = pipeline.parts.audio_encoder.encode(piece).values, pipeline.embed([artwork]).values
    row.music.append(music)
    row.embeddings.append(heard[0].double().numpy())
    row.pieces.append(
        {
            **{name: value for name, value in asdict(music).items() if name in MEASURES},
            **levels_of(mid, rate),
            **returns_of(mid, rate, piece.plan.get("bpm", music.tempo)),
            "pulse": pulse_of(spectra(mid, 4 * hop, hop)),
            "agreement": agreement(pipeline.character(artwork), music),
            "score": float(torch.cosine_similarity(heard, seen)),
        }
    )


def add_choices(row: Row, characters: list[Any]) -> None:
    """The share of other pieces that agree less with each painting."""
    table = np.array([[agreement(character, music) for music in row.music] for character in characters])
    own = np.diag(table)[:, None]
    better = ((own > table) + 0.5 * (own == table)).sum(1) - 0.5
    for piece, share in zip(row.pieces, better / (len(table) - 1), strict=True):
        piece["choice"] = share


def interval(values: np.ndarray) -> str:
    """The mean, and its 95 % bootstrap interval, over paintings that have a value."""
    known = values[np.isfinite(values)]
    draws = np.random.default_rng(0).integers(len(known), size=(RESAMPLES, len(known)))
    low, high = np.percentile(known[draws].mean(1), (2.5, 97.5))
    return f"{known.mean():+.3f} [{low:+.3f}, {high:+.3f}]"


def apart(row: Row, first: Row) -> float:
    found = [np.abs(row.column(name) - first.column(name)) / first.column(name).std() for name in MEASURES]
    return float(np.nanmean(found))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("rows", nargs="*")
    parser.add_argument("--model", default="pocket")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    pipeline = load(chosen.model)
    names = chosen.rows or list(pipeline.parts.presets)
    rows = [Row.of(name, chosen.seed) for name in names] + [Row.of(names[0], chosen.seed + 1)]
    rows[-1].name += ", next seed"
    artworks = [read_artwork(path) for path in list_artworks(chosen.pictures)[: chosen.count]]
    pipeline.compose(artworks[:1], seconds=1.0)
    for artwork in artworks:
        for row in rows:
            add_piece(row, pipeline, artwork, chosen.seconds)
    characters = [pipeline.character(artwork) for artwork in artworks]
    first, config = rows[0], pipeline.parts.schedule
    for row in rows:
        add_choices(row, characters)
        settings = pipeline.settings(**row.settings)
        cost = f"{evaluations(settings, config)} evaluations, {row.seconds / len(artworks):.2f} s"
        far = f"apart {apart(row, first):.3f}, frechet {frechet_distance(np.stack(row.embeddings), np.stack(first.embeddings)):.4f}"
        print(f"{row.name}: {cost}, {far}")
        for name in SHOWN:
            change = "" if row is first else interval(row.column(name) - first.column(name))
            print(f"  {name:11}{np.nanmean(row.column(name)):8.3f}  {change}", flush=True)


if __name__ == "__main__":
    main()
