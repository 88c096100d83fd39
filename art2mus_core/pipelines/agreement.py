"""How well the measured sound of a piece agrees with the character of its artwork. No embedding takes part, so it can check one."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from ..character import Character
from ..measure.sound.music import Music
from ..placing import place

__all__ = ["MEASURES", "agreement", "write_music_table"]

MEASURES = {"arousal": "onset_rate", "valence": "mode", "warmth": "brightness", "height": "register"}
"""The measure in which a character is heard best; brightness falls with warmth, the others rise."""

FALLING = "warmth"
LEVELS = 41

TABLE = Path(__file__).parents[1] / "configs" / "music.json"


def agreement(intended: Character, music: Music) -> float:
    """1 - the mean distance of four characters from the percentiles of their measures among composed pieces; 0 to 1.

    A measure that a piece does not have, as in silence, is as far away as possible.
    """
    distances = [abs(getattr(intended, name) - level) for name, level in _heard(music).items()]
    return 1 - sum(1.0 if math.isnan(distance) else distance for distance in distances) / len(distances)


def _heard(music: Music) -> dict[str, float]:
    """The level 0..1 of each character of :data:`MEASURES` by its measure."""
    table, levels = _table(), np.linspace(0, 1, LEVELS)
    heard = {
        name: float(np.interp(getattr(music, measure), table[measure], levels)) for name, measure in MEASURES.items()
    }
    return {**heard, FALLING: 1 - heard[FALLING]}


@cache
def _table() -> dict[str, np.ndarray]:
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    return {measure: np.asarray(table[measure]) for measure in MEASURES.values()}


def write_music_table(pieces: Sequence[Music], path: Path, *, no_replace: bool = False) -> None:
    """Write the quantiles of composed pieces' measures."""
    levels = np.linspace(0, 1, LEVELS)
    table = {
        measure: np.round(np.quantile([getattr(piece, measure) for piece in pieces], levels), 4).tolist()
        for measure in MEASURES.values()
    }
    place(path, f"{json.dumps(table)}\n".encode(), no_replace=no_replace)
