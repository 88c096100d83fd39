"""Measure the composer: pieces for random characters, what is heard in them, and how fast they are made.

    python benchmarks/composing.py --count 200 --seconds 10 --workers 2 [--keep FOLDER]

Characters are uniform in all six values, tonics as those of paintings; the seed of piece n is `--first-seed` + n. Measures of sound are
those of `art2mus_core.measure.sound`; those of this file:

  pulse         largest autocorrelation of the rise of the log-compressed spectrum at lags of 0.25 to 2 s
  range         95th less 5th percentile of the levels of 50 ms in decibels
  ended         share of pieces whose last half second lies 10 dB below the median level of 50 ms
  repetition    likeness of bars: for each lag of whole bars up to half the piece, the mean correlation of beats' chroma and
                onsets; the largest, less the median over lags that are no whole bars. `shuffled` is the same with the beats of
                the piece in random order
  percussive    energy of the percussive part by median filters (Fitzgerald 2010), in decibels of the whole
  likeness      mean correlation of the onset strengths of different pieces
  width         energy of side relative to mid, in decibels; mono: decibels lost in the sum of both channels
  real time     seconds of music per second of one core, for composing and rendering together

`--keep` writes the pieces as FLAC, tagged with their tempo, and a table of their causes, for ears of another make.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import median_filter
from scipy.stats import spearmanr

from art2mus_core.audio.files import write_audio
from art2mus_core.character import TONICS, Character
from art2mus_core.datasets.synthetic.composing import compose_notes
from art2mus_core.datasets.synthetic.harmony import MODES
from art2mus_core.datasets.synthetic.rendering import RATE, render
from art2mus_core.datasets.workers import spread
from art2mus_core.measure.sound.faults import faults
from art2mus_core.measure.sound.music import measure_samples
from art2mus_core.measure.sound.onsets import onset_strength
from art2mus_core.measure.sound.spectra import spectra
from art2mus_core.types import Waveform

FRAME, HOP = 0.064, 0.016
CAUSES = (
    ("onset_rate", "arousal"),
    ("loudness", "arousal"),
    ("tempo_made", "arousal"),
    ("density", "arousal"),
    ("brightness", "warmth"),
    ("mode", "valence"),
    ("register", "height"),
    ("dynamics", "detachment"),
)


def character_of(seed: int) -> Character:
    rng = np.random.default_rng((seed, 99))
    return Character(*rng.random(6), tonic=int(rng.choice(TONICS)))


def made(task: tuple[int, float, Path | None]) -> dict[str, object]:
    """Compose, render and measure one piece."""
    seed, seconds, keep = task
    character = character_of(seed)
    began = time.process_time()
    score = compose_notes(character, seed, seconds)
    sound = render(score, character, seed)
    spent = time.process_time() - began
    if keep is not None:
        wave = Waveform(torch.from_numpy(sound)[None], RATE)
        write_audio(keep / f"{seed:05d}.flac", wave, tags={"bpm": f"{score.tempo:.3f}"}, cover=None)
    mid = sound.mean(0)
    spectrum = spectra(mid, 2 * round(FRAME * RATE / 2), round(HOP * RATE))
    strength = onset_strength(spectrum, RATE)
    beat = 60 / score.tempo
    row: dict[str, object] = {"seed": seed, "seconds": seconds, **asdict(character)}
    row |= {"band": score.band, "made": score.mode, "tempo_made": score.tempo, "meter": score.beats_per_bar}
    row |= {"form": score.form, "bars": score.bars, "strength": strength, "factor": seconds / spent}
    row |= {name: value for name, value in asdict(measure_samples(sound, RATE)).items() if name != "chroma"}
    row |= asdict(faults(sound, RATE)) | levels_of(mid, RATE) | width_of(sound)
    row["pulse"] = pulse_of(spectrum)
    row["percussive"] = percussive_share(spectrum)
    beats = beat_features(spectrum, beat, score.bars * score.beats_per_bar)
    row["bar_likeness"] = repetition(beats, score.beats_per_bar)
    row["shuffled"] = repetition(np.random.default_rng(seed).permutation(beats), score.beats_per_bar)
    return row


def pulse_of(spectrum: np.ndarray) -> float:
    levels = np.log1p(100 * spectrum / (spectrum.max() + 1e-9))
    rise = np.maximum(np.diff(levels, axis=0), 0).mean(1)
    rise = rise - rise.mean()
    likeness = np.correlate(rise, rise, "full")[len(rise) - 1 :]
    return float(likeness[int(0.25 / HOP) : int(2 / HOP)].max() / (likeness[0] + 1e-12))


def levels_of(mid: np.ndarray, rate: int) -> dict[str, float]:
    size = rate // 20
    power = (mid[: len(mid) // size * size].reshape(-1, size) ** 2).mean(1)
    decibels = 10 * np.log10(power + 1e-18)
    low, high = np.percentile(decibels, (5, 95))
    return {"range": float(high - low), "ending": float(np.median(decibels) - decibels[-10:].mean())}


def width_of(sound: np.ndarray) -> dict[str, float]:
    mid, side = (sound[0] + sound[1]) / 2, (sound[0] - sound[1]) / 2
    own, other = float((mid**2).mean()) + 1e-15, float((side**2).mean()) + 1e-15
    return {"width": 10 * np.log10(other / own), "mono": 10 * np.log10((own + other) / own)}


def percussive_share(spectrum: np.ndarray) -> float:
    power = spectrum[:, :800].astype(np.float64) ** 2
    across, along = median_filter(power, (1, 31)), median_filter(power, (31, 1))
    return float(10 * np.log10((power * (across**2 / (across**2 + along**2 + 1e-30))).sum() / power.sum()))


def beat_features(spectrum: np.ndarray, beat: float, beats: int, rate: int = RATE) -> np.ndarray:
    """Chroma and onsets in quarters of each beat, [beats, 4 * 13], each centred and at unit length."""
    hertz = np.fft.rfftfreq(2 * (spectrum.shape[1] - 1), 1 / rate)
    used = (hertz > 80) & (hertz < 2000)
    classes = (np.round(12 * np.log2(hertz[used] / 440)).astype(int) + 9) % 12
    chroma = spectrum[:, used] @ np.eye(12)[classes]
    strength = onset_strength(spectrum, rate)
    rows = []
    for index in range(4 * beats):
        first, last = (round((index + step) * beat / 4 / HOP) for step in (0, 1))
        cut = slice(first, max(first + 1, last))
        rows.append([*chroma[cut].mean(0), strength[cut].max()])
    features = np.array(rows)
    tones, onsets = features[:, :12], features[:, 12]
    tones = tones / (np.linalg.norm(tones, axis=1, keepdims=True) + 1e-9)
    tones, onsets = tones - tones.mean(0), onsets - onsets.mean()
    tones, onsets = (each / (np.sqrt((each**2).mean()) + 1e-9) for each in (tones, onsets))
    return np.concatenate([tones.reshape(beats, -1) / np.sqrt(12), onsets.reshape(beats, -1)], 1)


def likeness_at(beats: np.ndarray, lag: int) -> float:
    """Mean correlation of beats with those `lag` beats later."""
    return float((beats[lag:] * beats[:-lag]).sum(1).mean() / (beats**2).sum(1).mean())


def repetition(beats: np.ndarray, meter: int) -> float:
    lags = range(1, max(len(beats) // 2 + 1, meter + 1))
    like = {lag: likeness_at(beats, lag) for lag in lags if lag < len(beats)}
    bars = [value for lag, value in like.items() if lag % meter == 0]
    others = [value for lag, value in like.items() if lag % meter]
    return max(bars) - float(np.median(others)) if bars and others else float("nan")


def report(rows: list[dict[str, object]]) -> None:
    def column(name: str) -> np.ndarray:
        return np.array([row[name] for row in rows], float)

    print(f"{len(rows)} pieces of {rows[0]['seconds']:g} s")
    for name in ("pulse", "range", "bar_likeness", "shuffled", "percussive", "width", "mono", "dynamics", "repetition"):
        low, middle, high = np.nanpercentile(column(name), (5, 50, 95))
        print(f"  {name:14s} median {middle:7.2f}   5 % {low:7.2f}   95 % {high:7.2f}")
    print(f"  ended          {np.mean(column('ending') >= 10):.3f}")
    print(f"  LUFS           {column('loudness').min():.1f} to {column('loudness').max():.1f}")
    print(
        f"  faults         peak {column('peak').max():.2f} dBFS, DC {20 * np.log10(column('dc').max() + 1e-12):.0f} dB, "
        f"clipping {column('clipping').max():.5f}, silence {column('silence').mean():.3f}"
    )
    strengths = [np.asarray(row["strength"]) for row in rows]
    size = min(map(len, strengths))
    X = np.array([(each[:size] - each[:size].mean()) / (each[:size].std() + 1e-9) for each in strengths])
    G = X @ X.T / size
    print(f"  likeness       {G[~np.eye(len(G), dtype=bool)].mean():.3f}")
    for heard, cause in CAUSES:
        found = spearmanr(column(heard), column(cause), nan_policy="omit").statistic
        print(f"  rank correlation {heard:11s} ~ {cause:10s} {found:+.3f}")
    major = np.array([4 in MODES[str(row["made"])] for row in rows])
    right, tonic = (column("mode") > 0) == major, column("key") == column("tonic")
    print(f"  mode right {right.mean():.3f}, tonic right {tonic.mean():.3f}, both {(right & tonic).mean():.3f}")
    for mode, count in Counter(str(row["made"]) for row in rows).most_common():
        chosen = np.array([row["made"] == mode for row in rows])
        print(
            f"    {mode:11s} {count / len(rows):.2f}  mode right {right[chosen].mean():.2f}  tonic {tonic[chosen].mean():.2f}"
        )
    for band, count in Counter(str(row["band"]) for row in rows).most_common():
        chosen = np.array([row["band"] == band for row in rows])
        print(
            f"    {band:16s} {count / len(rows):.2f}  brightness {column('brightness')[chosen].mean():.2f}  "
            f"percussive {column('percussive')[chosen].mean():.1f}  pulse {np.median(column('pulse')[chosen]):.2f}  "
            f"range {np.median(column('range')[chosen]):.1f}  mode {right[chosen].mean():.2f}  tonic {tonic[chosen].mean():.2f}"
        )
    print(f"  real time      {len(rows) / (1 / column('factor')).sum():.0f} x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seconds", type=float, nargs="*", default=[10.0])
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="folder for the pieces and their causes")
    chosen = parser.parse_args()
    for seconds in chosen.seconds:
        keep = chosen.keep and chosen.keep / f"{seconds:g}"
        if keep:
            keep.mkdir(parents=True, exist_ok=True)
        tasks = [(chosen.first_seed + index, seconds, keep) for index in range(chosen.count)]
        rows = list(spread(made, tasks, chosen.workers))
        report(rows)
        if keep:
            names = [name for name in rows[0] if name != "strength"]
            with (keep / "causes.csv").open("w", newline="", encoding="utf-8") as file:
                table = csv.DictWriter(file, names, extrasaction="ignore")
                table.writeheader()
                table.writerows(rows)


if __name__ == "__main__":
    main()
