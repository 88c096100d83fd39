"""Measures how each score reacts to damage of known strength: does it get worse as the damage increases?

    python benchmarks/damage.py [--pieces 40] [--workers 2] [--out TABLE.md]

Pieces are composed for paintings and damaged at four increasing strengths; strength 0 is undamaged. Pairwise distances compare
a damaged piece with the original. FAD and KAD compare all pieces with the music of as many other paintings. Agreement compares
pieces with paintings. Musical measurements count by their change, faults by their value. A score is `monotone` if every step
makes it worse on average. Otherwise the table has Spearman's correlation of its mean with the strength, or `blind` if it does
not change. The table goes to standard error (and into --out), one JSON document to the last line of standard output.
Needs librosa (`pip install librosa`).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy.signal import butter, sosfiltfilt
from scipy.stats import spearmanr

from art2mus_core.character import character
from art2mus_core.datasets.synthetic.painting import paint
from art2mus_core.datasets.synthetic.rendering import compose
from art2mus_core.datasets.workers import spread
from art2mus_core.evaluation.embedders.opening import open_embedder
from art2mus_core.evaluation.embedders.roles import ArtworkEmbedder
from art2mus_core.measure.pairs.distances import distances
from art2mus_core.measure.pairs.divergence import spectral_kl_2024
from art2mus_core.measure.pictures import measure
from art2mus_core.measure.sets.frechet import frechet_distance
from art2mus_core.measure.sets.kernel import kernel_distance
from art2mus_core.measure.sets.matching import agreement
from art2mus_core.measure.sound.faults import faults
from art2mus_core.measure.sound.music import FACTS, measure_samples
from art2mus_core.types import Waveform

RATE = 16_000

EMBEDDER = "pocket"
FALLING = ("mel cosine", "agreement with the painting", "agreement with itself")
"""Metrics for which a lower value is worse."""

BLIND = 5e-6
"""Metrics that change by less are `blind`."""


def add_noise(sound: np.ndarray, ratio: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, np.sqrt(np.mean(sound**2)), len(sound))
    return sound + noise * 10 ** (-ratio / 20)


def low_pass(sound: np.ndarray, hertz: float) -> np.ndarray:
    return sosfiltfilt(butter(8, hertz, fs=RATE, output="sos"), sound)


def shift_time(sound: np.ndarray, milliseconds: float) -> np.ndarray:
    return np.roll(sound, round(milliseconds / 1000 * RATE))


def shift_pitch(sound: np.ndarray, semitones: float) -> np.ndarray:
    import librosa  # noqa: PLC0415 - the tests of this file do without it

    return librosa.effects.pitch_shift(sound, sr=RATE, n_steps=semitones)


def shuffle(sound: np.ndarray, pieces: float) -> np.ndarray:
    """Shuffle equal segments; none keeps its position."""
    count = int(pieces)
    rng = np.random.default_rng(0)
    order = np.arange(count)
    while (order == np.arange(count)).any():
        order = rng.permutation(count)
    segments = np.array_split(sound, count)
    return np.concatenate([segments[index] for index in order])


def clip(sound: np.ndarray, over: float) -> np.ndarray:
    """Clip at a level below the peak and restore the RMS; a change of level is a separate kind of damage."""
    level = np.abs(sound).max() * 10 ** (-over / 20)
    cut = np.clip(sound, -level, level)
    return cut * np.sqrt(np.mean(sound**2) / np.mean(cut**2))


def turn_down(sound: np.ndarray, decibels: float) -> np.ndarray:
    return sound * 10 ** (-decibels / 20)


class Damage(NamedTuple):
    done: Callable[[np.ndarray, float], np.ndarray]
    strengths: tuple[float, ...]
    """Increasing."""
    unit: str


DAMAGES = {
    "noise": Damage(add_noise, (30, 20, 10, 0), "dB SNR"),
    "low-pass": Damage(low_pass, (6000, 4000, 2000, 1000), "Hz"),
    "time shift": Damage(shift_time, (10, 100, 500, 2000), "ms"),
    "pitch shift": Damage(shift_pitch, (0.25, 0.5, 1, 2), "semitones"),
    "shuffling": Damage(shuffle, (2, 4, 8, 16), "segments"),
    "clipping": Damage(clip, (3, 6, 12, 24), "dB over"),
    "gain": Damage(turn_down, (3, 6, 12, 24), "dB down"),
}
LEVELS = 4


@cache
def towers() -> ArtworkEmbedder:
    """The embedder, opened once per process."""
    found = open_embedder(EMBEDDER)
    assert isinstance(found, ArtworkEmbedder)  # noqa: S101
    return found


class Heard(NamedTuple):
    """One version of a piece: metrics by name, and its embedding."""

    values: dict[str, float]
    place: np.ndarray


def hear(sound: np.ndarray, clean: np.ndarray) -> Heard:
    """The metrics of one version that need no other piece; musical measurements unchanged."""
    found, far = faults(sound[None], RATE), distances(sound, clean, RATE)
    heard = measure_samples(sound[None], RATE)
    values = {
        "log-spectral distance": far.log_spectral,
        "mel-cepstral distance": far.mel_cepstral,
        "mel-cepstral distance, warped": far.mel_cepstral_warped,
        "multi-resolution distance": far.multi_resolution,
        "mel cosine": far.mel_cosine,
        "spectral KL of 2024": spectral_kl_2024(clean, sound),
        **{f"change of {name}": getattr(heard, name) for name in FACTS},
        **{name: getattr(found, name) for name in ("silence", "clipping", "repetition")},
    }
    waveform = Waveform(torch.from_numpy(sound.astype(np.float32))[None, None], RATE)
    return Heard(values, towers().embed_sound(waveform).mean(0))


def work(kinds: tuple[str, ...], seed: int) -> tuple[np.ndarray, Heard, dict[str, list[Heard]]]:
    """The embedding of a painting, its undamaged piece, and its piece with each kind of damage at every strength."""
    torch.set_num_threads(1)
    artwork = paint(seed)
    clean = compose(character(measure(artwork)), seed, 10.0, RATE, 1)[0].astype(np.float64)
    damaged = {
        name: [hear(DAMAGES[name].done(clean, strength), clean) for strength in DAMAGES[name].strengths]
        for name in kinds
    }
    return towers().embed_artworks([artwork])[0], hear(clean, clean), damaged


def means(versions: list[Heard], clean: list[Heard], paintings: np.ndarray, others: np.ndarray) -> dict[str, float]:
    """All metrics for one version of all pieces."""
    values = {}
    for name in clean[0].values:
        each = np.array([version.values[name] for version in versions])
        if name.removeprefix("change of ") in FACTS:
            each = np.abs(each - np.array([own.values[name] for own in clean]))
        values[name] = float(np.nanmean(each))
    places, own = (np.stack([heard.place for heard in many]) for many in (versions, clean))
    return values | {
        f"FAD ({EMBEDDER})": frechet_distance(places, others),
        f"KAD ({EMBEDDER})": kernel_distance(places, others),
        "agreement with the painting": agreement(paintings, places).value,
        "agreement with itself": agreement(own, places).value,
    }


def verdict(name: str, values: list[float]) -> str:
    """`monotone`, `blind`, or the rank correlation of the metric with the strength."""
    worse = -np.array(values) if name in FALLING else np.array(values)
    if np.ptp(worse) < BLIND:
        return "blind"
    if (np.diff(worse) > 0).all():
        return "monotone"
    return f"{spearmanr(worse, np.arange(len(worse))).statistic:.2f}"


def table(found: dict[str, dict[str, list[float]]]) -> str:
    """Two Markdown tables: verdicts, and means at strength 0 and the four strengths."""
    heads = [f"{name} ({', '.join(f'{s:g}' for s in d.strengths)} {d.unit})" for name, d in DAMAGES.items()]
    lines = [f"| metric | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    lines += [f"| {name} | {' | '.join(verdict(name, row[d]) for d in DAMAGES)} |" for name, row in found.items()]
    lines += ["", f"| metric | {' | '.join(DAMAGES)} |", f"|---|{'---|' * len(heads)}"]
    for name, row in found.items():
        cells = [" ".join(f"{value:.3g}" for value in row[damage]) for damage in DAMAGES]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pieces", type=int, default=40)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path)
    chosen = parser.parse_args()
    seeds = range(chosen.pieces)
    paintings, clean, damaged = zip(*spread(partial(work, tuple(DAMAGES)), seeds, chosen.workers), strict=True)
    beyond = range(chosen.pieces, 2 * chosen.pieces)
    others = np.stack([heard.place for _, heard, _ in spread(partial(work, ()), beyond, chosen.workers)])
    score = partial(means, clean=list(clean), paintings=np.stack(paintings), others=others)
    none = score(list(clean))
    found: dict[str, dict[str, list[float]]] = {name: {} for name in none}
    for damage in DAMAGES:
        steps = [none, *(score([piece[damage][level] for piece in damaged]) for level in range(LEVELS))]
        for name in none:
            found[name][damage] = [step[name] for step in steps]
    text = table(found)
    print(text, file=sys.stderr)
    if chosen.out:
        chosen.out.write_text(f"{text}\n", encoding="utf-8")
    verdicts = {name: {damage: verdict(name, values) for damage, values in row.items()} for name, row in found.items()}
    print(json.dumps({"pieces": chosen.pieces, "verdicts": verdicts, "means": found}))


if __name__ == "__main__":
    main()
