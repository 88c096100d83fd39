"""How well each measure of `art2mus_core/measure/sound` agrees with known sounds and with other implementations.

    python benchmarks/definitions.py OUT                     # writes OUT/*.wav and truth.json, and measures the sounds
    python benchmarks/definitions.py OUT --music FOLDER...   # also measures excerpts of 10 s from the sounds in these folders
    PYTHON benchmarks/definitions_references.py OUT          # in an environment of its own; writes OUT/references.json
    python benchmarks/definitions.py OUT --music FOLDER...   # again: the table now includes the references

Known sounds are composed pieces, whose score is known, and plain ones: trains of clicks and notes, cadences in all keys (half of
them do not begin on the tonic), the signals of EBU Tech 3341, sines, chords, and steps of level. Rows of `composed` and `plain`
compare with the true values: rank correlation and median error; for tempo also the share within 4 %; for mode the AUC of major
over minor and the share with the right sign; for key the share found. Rows of other folders give the rank correlation of our
measures with each reference.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr

from art2mus_core.audio.files import write_audio
from art2mus_core.audio.reading import read_audio
from art2mus_core.character import Character
from art2mus_core.datasets.synthetic.composing import compose_notes
from art2mus_core.datasets.synthetic.rendering import render
from art2mus_core.evaluation.collection import SOUNDS
from art2mus_core.measure.sound.music import measure
from art2mus_core.types import Waveform

RATE = 44_100
MEASURES = ("onset_rate", "tempo", "loudness", "dynamics", "brightness", "register", "density", "mode", "key")
RICH, DULL = [1 / (k + 1) for k in range(20)], [1.0, 0.3, 0.1, 0.03]
MAJOR = ("mixolydian", "ionian", "lydian")

Known = dict[str, tuple[np.ndarray, dict[str, float]]]


def tone(pitch: float, seconds: float, partials: list[float], attack: float, decay: float) -> np.ndarray:
    t = np.arange(round(seconds * RATE)) / RATE
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    wave = sum(
        a * np.sin(2 * np.pi * (k + 1) * hertz * t + k) for k, a in enumerate(partials) if (k + 1) * hertz < 20_000
    )
    return wave * np.minimum(1, t / attack) * np.minimum(1, (seconds - t) / 0.02) * np.exp(-decay * t)


def sine(level: float, seconds: float, hertz: float = 997.0) -> np.ndarray:
    return 10 ** (level / 20) * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


def composed(count: int) -> Known:
    """Composed pieces of 10 s, with the values that follow from their notes."""
    rng, found = np.random.default_rng(0), {}
    for seed in range(count):
        character = Character(*rng.random(6), tonic=int(rng.integers(12)))
        score = compose_notes(character, seed, 10.0)
        starts: list[float] = []
        for start in sorted(score.start(note) for note in score.notes):
            starts += [start] if start < 9.95 and (not starts or start - starts[-1] > 0.05) else []
        notes = [note for note in score.notes if note.part != "percussion"]
        lengths = np.array([min(score.duration(note), 10 - score.start(note)) for note in notes])
        loud = lengths * [note.velocity for note in notes]
        known = {"onset_rate": len(starts) / 10, "tempo": score.tempo, "mode": 1 if score.mode in MAJOR else -1}
        known |= {"key": score.tonic, "register": float(np.average([note.pitch for note in notes], weights=loud))}
        found[f"composed-{seed:02d}"] = (
            render(score, character, seed, RATE, 1)[0],
            known | {"density": float(lengths.sum() / 10)},
        )
    return found


def trains() -> Known:
    """Clicks and notes at a known rate: plucked, soft, under a held chord, in noise."""
    found = {}
    for rate in (1, 1.5, 2, 3, 4, 5, 6, 8):
        for kind in ("click", "pluck", "soft", "pad", "noisy"):
            rng, sound = np.random.default_rng(int(rate * 10)), np.zeros(11 * RATE)
            for index in range(int(10 * rate)):
                pitch = 60 + int(rng.choice([0, 2, 4, 5, 7, 9, 11, 12]))
                if kind == "click":
                    wave = rng.normal(0, 1, 800) * np.exp(-np.arange(800) / 150)
                else:
                    wave = tone(
                        pitch,
                        min(1.4 / rate, 1.0),
                        DULL if kind == "soft" else RICH,
                        0.04 if kind == "soft" else 0.004,
                        3,
                    )
                at = round((index + 0.3) / rate * RATE)
                sound[at : at + len(wave)] += 0.1 * wave
            sound = sound[: 10 * RATE]
            sound += 0.02 * sum(tone(p, 10, RICH, 0.3, 0) for p in (48, 55, 64)) if kind == "pad" else 0
            sound += 0.005 * rng.normal(0, 1, len(sound)) if kind == "noisy" else 0
            known = {"onset_rate": int(10 * rate) / 10} | ({"tempo": 60 * rate} if rate <= 3 else {})
            found[f"plain-train-{kind}-{rate}"] = (sound, known)
    return found


def cadences() -> Known:
    """Five chords and a melody in every key; odd tonics begin on the sixth degree."""
    found = {}
    for tonic in range(12):
        for mode in (1, -1):
            rng, sound, third = np.random.default_rng(tonic * 2 + mode + 1), np.zeros(11 * RATE), 4 if mode > 0 else 3
            scale = (0, 2, 4, 5, 7, 9, 11) if mode > 0 else (0, 2, 3, 5, 7, 8, 11)
            chords = [(0, third), (5, third), (7, 4), (0, third), (9, 3) if mode > 0 else (8, 4)]
            for place, which in enumerate((4, 1, 2, 3, 1) if tonic % 2 else (0, 1, 2, 3, 0)):
                up, step = chords[which]
                notes = [(tone(36 + tonic + up + p, 2.2, DULL, 0.02, 0.8), 0.0, 0.08) for p in (0, 12, 12 + step, 19)]
                for beat in range(4):
                    own = scale[rng.integers(7)] if beat else up + (0, step, 7)[rng.integers(3)]
                    notes.append((tone(60 + tonic + own, 0.6, RICH, 0.005, 3), beat / 2, 0.05))
                for wave, late, level in notes:
                    at = round((2 * place + late) * RATE)
                    sound[at : at + len(wave)] += level * wave
            found[f"plain-key-{tonic:02d}-{mode}"] = (sound[: 10 * RATE], {"mode": mode, "key": tonic})
    return found


def steady() -> Known:
    """EBU Tech 3341 (cases 1 to 5, shorter), sines of a known centroid, chords, steps of level."""
    cases = {
        "1": ((-23, 10),),
        "2": ((-33, 10),),
        "3": ((-36, 5), (-23, 20), (-36, 5)),
        "4": ((-72, 5), (-36, 5), (-23, 20), (-36, 5), (-72, 5)),
        "5": ((-26, 20), (-20, 20.1), (-26, 20)),
    }
    found: Known = {}
    for name, parts in cases.items():
        sound = np.concatenate([sine(*part) for part in parts])
        found[f"plain-loudness-{name}"] = (np.stack([sound, sound]), {"loudness": -33 if name == "2" else -23})
    for parts in (((200, 1),), ((500, 1), (3000, 0.5)), ((1000, 1), (11_000, 1)), ((2000, 1), (14_000, 0.5))):
        centroid = sum(a * f for f, a in parts) / sum(a for _, a in parts)
        found[f"plain-centroid-{'-'.join(str(f) for f, _ in parts)}"] = (
            0.1 * sum(a * sine(0, 5, f) for f, a in parts),
            {"brightness": math.log2(centroid)},
        )
    for count in range(1, 7):
        for base in (40, 52, 64):
            pitches = [base + up for up in (0, 7, 12, 16, 19, 24)[:count]]
            sound = 0.05 * sum(tone(pitch, 5, DULL, 0.02, 0.1) for pitch in pitches)
            found[f"plain-chord-{base}-{count}"] = (sound, {"register": float(np.mean(pitches)), "density": count})
    for step in (0, 6, 12, 20, 30):
        sound = np.concatenate([sine(-10 - (step if index % 2 else 0), 2.5, 440) for index in range(8)])
        found[f"plain-step-{step}"] = (sound, {"dynamics": step})
    return found


def make(out: Path, folders: list[Path]) -> dict[str, dict[str, float]]:
    """Write the sounds to a folder; returns the true values of each by name."""
    out.mkdir(parents=True, exist_ok=True)
    sounds = composed(60) | trains() | cadences() | steady()
    for name, (samples, _) in sounds.items():
        wave = torch.from_numpy(np.atleast_2d(samples)).float()[None]
        write_audio(out / f"{name}.wav", Waveform(wave, RATE), tags={}, cover=None)
    for folder in folders:
        for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in SOUNDS):
            sound = read_audio(path, mono=False)
            cuts, size = int(sound.seconds // 10), 10 * sound.sample_rate
            for index in np.unique(np.linspace(0, cuts - 1, min(cuts, 6)).astype(int)):
                part = Waveform(sound.samples[..., index * size : (index + 1) * size], sound.sample_rate)
                write_audio(out / f"{folder.name}-{path.stem}-{index}.wav", part, tags={}, cover=None)
    truth = {name: known for name, (_, known) in sounds.items()}
    (out / "truth.json").write_text(json.dumps(truth))
    return truth


def rank(a: np.ndarray, b: np.ndarray) -> float:
    known = np.isfinite(a) & np.isfinite(b)
    varied = known.sum() > 3 and np.ptp(a[known]) > 0 and np.ptp(b[known]) > 0
    return float(spearmanr(a[known], b[known]).statistic) if varied else math.nan


def agreement(quantity: str, values: np.ndarray, truth: np.ndarray) -> str:
    """How well measured values agree with the true ones, as a cell of the table."""
    if quantity == "key":
        return f"found {np.mean(values == truth):.2f}"
    if quantity == "mode":
        major, minor = values[truth > 0][:, None], values[truth < 0]
        return f"AUC {np.mean(major > minor) + 0.5 * np.mean(major == minor):.2f}, right {np.mean(np.sign(values) == truth):.2f}"
    cell = f"rank {rank(values, truth):.2f}, error {np.nanmedian(np.abs(values - truth)):.2f}"
    near = np.mean(np.abs(values / truth - 1) <= 0.04) if quantity == "tempo" else None
    return cell if near is None else f"{cell}, within 4 % {near:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--music", type=Path, nargs="*", default=[])
    chosen = parser.parse_args()
    truth = make(chosen.out, chosen.music)
    paths = sorted(chosen.out.glob("*.wav"))
    found = {
        path.stem: {f"{name}.ours": float(getattr(measure(read_audio(path, mono=False)), name)) for name in MEASURES}
        for path in paths
    }
    others = chosen.out / "references.json"
    for name, row in json.loads(others.read_text()).items() if others.is_file() else ():
        found.setdefault(name, {}).update(row)
    table = {}
    for quantity in MEASURES:
        columns = sorted({column for row in found.values() for column in row if column.split(".")[0] == quantity})
        for group in ("composed", "plain", *(folder.name for folder in chosen.music)):
            names = [name for name in found if name.startswith(f"{group}-")]
            known = [name for name in names if quantity in truth.get(name, {})]
            for column in columns:
                values = {name: found[name].get(column, math.nan) for name in names}
                if known:
                    right = np.array([truth[name][quantity] for name in known], float)
                    cell = agreement(quantity, np.array([values[name] for name in known]), right)
                elif group in ("composed", "plain") or column.endswith(".ours") or quantity == "key":
                    continue
                else:
                    ours = np.array([found[name][f"{quantity}.ours"] for name in names])
                    cell = f"rank with ours {rank(ours, np.array([values[name] for name in names])):.2f}"
                table[f"{quantity} · {group} · {column.split('.')[1]}"] = cell
    for row, cell in table.items():
        print(f"{row:55s} {cell}", file=sys.stderr)
    print(json.dumps(table))


if __name__ == "__main__":
    main()
