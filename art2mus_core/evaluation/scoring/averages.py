"""Means over artworks of the musical measurements and the audio faults of pieces, whatever their artworks are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from ...measure.sound.faults import LOOPED, SILENT
from ...measure.sound.music import FACTS
from ..records import SystemGroup
from ..results import Measure
from ..study import Study
from .statistics import Score, averaged

__all__ = ["faults", "music"]


def music(study: Study, group: SystemGroup) -> Iterator[Score]:
    """Onset rate, loudness and the other measurements in :data:`FACTS`."""
    measured = study.music(group)
    for name, fact in FACTS.items():
        measure = Measure(f"heard:{name}", fact.title, "heard", "", fact.note, fact.unit)
        yield averaged(study, group, measure, [getattr(each, name) for each in measured])


def _measure(key: str, title: str, note: str, unit: str = "", better: Literal["lower", ""] = "lower") -> Measure:
    return Measure(f"fault:{key}", title, "faults", better, note, unit)


MEASURES = {
    "silence": _measure("silence", "Silence", f"Share of 50 ms windows below {SILENT:g} dBFS."),
    "clipping": _measure("clipping", "Clipping", "Share of samples on flat tops."),
    "dc": _measure("dc", "DC offset", "Largest mean of a channel; full scale is 1."),
    "peak": _measure("peak", "Peak", "Largest sample.", "dBFS", ""),
    "repetition": _measure(
        "repetition", "Repetition", "Correlation of the piece with a later part of itself; 1 is a loop.", "", ""
    ),
    "looped": _measure("looped", "Loops", f"Share of pieces whose repetition is {LOOPED:g} or more."),
}


def faults(study: Study, group: SystemGroup) -> Iterator[Score]:
    """Silence, clipping, DC offset, peak and loops."""
    found = study.faults(group)
    for key, measure in MEASURES.items():
        values = np.array([getattr(each, key) for each in found], np.float64)
        yield averaged(study, group, measure, np.where(np.isfinite(values), values, np.nan))
