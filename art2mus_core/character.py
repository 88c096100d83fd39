"""The musical character of a picture, from which the music of all synthetic pairs is composed.

The mapping from measured statistics follows the literature on colour, sound and affect:

==============  ============================================  ==========================================================
character       statistics                                    source
==============  ============================================  ==========================================================
arousal         saturation, contrast, edge density            Valdez & Mehrabian 1994; Machajdik & Hanbury 2010
valence         lightness, saturation, warmth                 Valdez & Mehrabian 1994; Palmer, Schloss, Xu & Prado-Leon
                                                              2013 (light, saturated, yellow <-> fast, major)
warmth          warm against cool hue, weighted by chroma     Whiteford, Schloss, Helwig & Palmer 2018
height          lightness, fine texture                       Marks 1974; Ward, Huckstep & Tsakanikos 2006 (light and
                                                              small <-> high pitch); Evans & Treisman 2010
tension         asymmetry, contrast                           Arnheim 1954; McManus 1980; Lerdahl & Krumhansl 2007
detachment      fine texture, edge density                    Ramachandran & Hubbard 2001; Spence 2011
tonic           dominant hue                                  Newton 1704 (seven colours, seven notes: red D ... violet C)
==============  ============================================  ==========================================================

For arousal and valence this is the prior. The bundled image encoder corrects both by what it sees in the picture
(:mod:`art2mus_core.encoders.efficientnet`); the other values follow from the statistics alone.

The effect of each character on the music: arousal -> onset rate, tempo, loudness, percussion; valence -> harmony, from dark minor
to bright major; warmth -> band and timbre, from glassy (cool) to mellow (warm); height -> register; tension -> sevenths, ninths,
suspensions and rare modes; detachment -> articulation, from legato to staccato; tonic -> the key.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np

from .measure.pictures import ImageStatistics, percentiles
from .placing import place

__all__ = ["CHARACTERS", "TONICS", "Character", "character", "raw_character", "write_quantiles"]

TONICS = (2, 4, 5, 7, 9, 11, 0)
"""Pitch classes of Newton's circle, D E F G A B C, for red, orange, yellow, green, blue, indigo and violet."""

HUE_EDGES = tuple(math.radians(degrees) for degrees in (-5, 45, 75, 115, 170, 250, 285))
"""The hue angle in OKLab at which each of the seven colours begins, from red on."""

CALIBRATION = Path(__file__).parent / "configs" / "character.json"


@dataclass(frozen=True)
class Character:
    """The musical character: six values, uniform over paintings in 0..1, and the pitch class of the tonic."""

    arousal: float
    valence: float
    warmth: float
    height: float
    tension: float
    detachment: float
    tonic: int

    def values(self) -> tuple[float, ...]:
        """The six continuous values, in the order of :data:`CHARACTERS`."""
        return tuple(getattr(self, name) for name in CHARACTERS)


CHARACTERS = tuple(field.name for field in fields(Character) if field.name != "tonic")


def raw_character(p: ImageStatistics) -> dict[str, float]:
    """Weighted means of statistics given as percentiles; not yet uniform over paintings."""
    return {
        "arousal": 0.30 * p.saturation + 0.30 * p.contrast + 0.40 * p.edge_density,
        "valence": 0.55 * p.lightness + 0.25 * p.saturation + 0.20 * p.warmth,
        "warmth": p.warmth,
        "height": 0.55 * p.lightness + 0.45 * (1 - p.texture_scale),
        "tension": 0.75 * (1 - p.symmetry) + 0.25 * p.contrast,
        "detachment": 0.65 * (1 - p.texture_scale) + 0.35 * p.edge_density,
    }


@cache
def _quantiles() -> dict[str, np.ndarray]:
    table = json.loads(CALIBRATION.read_text(encoding="utf-8"))
    return {name: np.asarray(table[name]) for name in CHARACTERS}


def tonic_of(hue: float) -> int:
    """The pitch class of a hue angle in radians."""
    turn = (hue - HUE_EDGES[0]) % (2 * math.pi) + HUE_EDGES[0]
    return TONICS[int(np.searchsorted(HUE_EDGES, turn, side="right")) - 1]


def character(statistics: ImageStatistics, *, arousal: float | None = None, valence: float | None = None) -> Character:
    """The musical character for a picture's measured statistics.

    Args:
        statistics: of the picture.
        arousal: 0..1, instead of the statistics' one.
        valence: 0..1, likewise.
    """
    p = percentiles(statistics)
    table = _quantiles()
    levels = np.linspace(0, 1, len(table["arousal"]))
    spread = {name: float(np.interp(value, table[name], levels)) for name, value in raw_character(p).items()}
    seen = {name: value for name, value in (("arousal", arousal), ("valence", valence)) if value is not None}
    return Character(**{**spread, **seen}, tonic=tonic_of(statistics.hue))


def write_quantiles(ranks: list[ImageStatistics], path: Path, *, no_replace: bool = False) -> None:
    """Write the quantiles of the raw characters of paintings, given the percentiles of their statistics."""
    raw = [raw_character(p) for p in ranks]
    levels = np.linspace(0, 1, 41)
    table = {name: np.round(np.quantile([row[name] for row in raw], levels), 5).tolist() for name in CHARACTERS}
    place(path, f"{json.dumps(table)}\n".encode(), no_replace=no_replace)
