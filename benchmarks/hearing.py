"""What is measured in a piece of music, over two processes, and kept beside it.

Measures are those of `art2mus_core.measure.sound`, of `composing.py` (pulse, level range, ending), `returning.py` (repetition), `keys.py`
(a vote on the key) and `timbres.py`; every piece is measured at its own rate.

Clicks are counted where the third difference exceeds `CLICK` times the medians of 5 ms before and after; attacks and noise do not, as
they go on.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from composing import HOP, levels_of, pulse_of  # beside this script
from keys import votes_of
from returning import returns_of
from timbres import timbre_of

import art2mus_core.measure.sound
from art2mus_core.audio.reading import read_audio
from art2mus_core.digests import joint_digest
from art2mus_core.measure.sound.faults import faults
from art2mus_core.measure.sound.music import HOP as ONSET_HOP
from art2mus_core.measure.sound.music import WINDOW, measure_samples
from art2mus_core.measure.sound.onsets import onset_strength
from art2mus_core.measure.sound.spectra import spectra

CODE = [
    *(Path(__file__).with_name(f"{name}.py") for name in ("hearing", "composing", "keys", "returning", "timbres")),
    *sorted(Path(art2mus_core.measure.sound.__path__[0]).glob("*.py")),
]
ENDED = 10.0
"""Decibels by which the last half second of a piece that ends lies below its median level."""

CLICK, AUDIBLE = 30.0, 1e-3
"""Least ratio to what surrounds a click, and least size relative to the peak."""


@dataclass(frozen=True)
class Heard:
    """Measures of the pieces of one edition: values [seeds, paintings], onset strengths [paintings, frames] for each seed."""

    rows: list[list[dict[str, Any]]]
    strengths: list[np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        return np.array([[piece[name] for piece in pieces] for pieces in self.rows], np.float64)

    def each(self, function: Any) -> np.ndarray:
        """A function's value of every piece, [seeds, paintings]."""
        return np.array([[function(piece) for piece in pieces] for pieces in self.rows])


def hear(pool: ProcessPoolExecutor, takes: list[list[Path]], kept: Path) -> Heard:
    """Measure the music of each seed; measures in the folder `kept` are used again."""
    kept.mkdir(parents=True, exist_ok=True)
    rows = [list(pool.map(partial(kept_measures, kept), take, chunksize=4)) for take in takes]
    least = min(len(row["strength"]) for take in rows for row in take)
    return Heard(rows, [np.array([row["strength"][:least] for row in take]) for take in rows])


def kept_measures(kept: Path, path: Path) -> dict[str, Any]:
    """The measures of a file, read again if neither it nor the code that measures has changed."""
    note = kept / f"{joint_digest([path, *CODE])[:32]}.json"
    if not note.is_file():
        sound = read_audio(path, mono=False)
        note.write_text(json.dumps(measured(sound.samples[0].numpy(), sound.sample_rate)), encoding="utf-8")
    return json.loads(note.read_text(encoding="utf-8"))


def measured(samples: np.ndarray, rate: int) -> dict[str, Any]:
    """The measures of samples [channels, N], as JSON has them."""
    mid = samples.mean(0)
    music, hop = measure_samples(samples, rate), round(HOP * rate)
    spectrum = spectra(mid, 4 * hop, hop)
    strength = onset_strength(spectra(mid, 2 * round(WINDOW * rate / 2), round(ONSET_HOP * rate)), rate)
    flaws = faults(samples, rate)
    return {
        **asdict(music),
        "clipping": flaws.clipping,
        "dc": flaws.dc,
        "peak": flaws.peak,
        "clicks": clicks(samples, rate),
        **levels_of(mid, rate),
        **returns_of(mid, rate, music.tempo),
        **votes_of(mid, rate, music),
        "pulse": pulse_of(spectrum),
        "strength": strength.round(5).tolist(),
        "timbre": timbre_of(mid, rate),
    }


def clicks(samples: np.ndarray, rate: int) -> int:
    """Milliseconds, over channels, with a sample that stands out of what comes before and after."""
    return sum(_clicks(channel, rate) for channel in samples)


def _clicks(channel: np.ndarray, rate: int) -> int:
    bend = np.abs(np.diff(channel.astype(np.float64), 3))
    size = rate // 1000
    blocks = bend[: len(bend) // size * size].reshape(-1, size)
    usual = np.median(np.lib.stride_tricks.sliding_window_view(np.median(blocks, 1), 5), 1)
    around = np.maximum(usual[:-8], usual[8:])  # blocks 6 to 2 before, and 2 to 6 after
    least = AUDIBLE * np.abs(channel).max()
    inner = blocks[6:-6].max(1)
    return int(((inner > CLICK * around) & (inner > least)).sum())
