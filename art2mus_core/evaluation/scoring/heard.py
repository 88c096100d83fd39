"""What is heard in the music, whatever the artworks are, and what is wrong with it: means over artworks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

from ...measure.sound.faults import LOOPED, SILENT
from ...measure.sound.music import FACTS
from ..results import Measure
from ..study import Row, Study
from .found import Found, figure, mean_over_artworks

__all__ = ["faulty", "heard"]


def heard(study: Study, row: Row) -> Iterator[Found]:
    """Means over artworks of every fact."""
    facts = study.facts(row)
    for name, about in FACTS.items():
        values = np.array([getattr(each, name) for each in facts], np.float64)
        interval, n = mean_over_artworks(study, row, values)
        yield Found(
            Measure(f"heard:{name}", about.title, "heard", "", about.note, about.unit), figure(interval, n), values
        )


def _measure(key: str, title: str, note: str, unit: str = "", better: Literal["lower", ""] = "lower") -> Measure:
    return Measure(f"fault:{key}", title, "faults", better, note, unit)


MEASURES = {
    "silence": _measure("silence", "Silence", f"Share of windows of 50 ms below {SILENT:g} dBFS."),
    "clipping": _measure("clipping", "Clipping", "Share of samples on flat tops."),
    "dc": _measure("dc", "DC offset", "Largest mean of a channel; full scale is 1."),
    "peak": _measure("peak", "Peak", "Largest sample.", "dBFS", ""),
    "repetition": _measure(
        "repetition", "Repetition", "Correlation of the piece with itself later; 1 is a loop.", "", ""
    ),
    "looped": _measure("looped", "Loops", f"Share of pieces whose repetition reaches {LOOPED:g}."),
}


def faulty(study: Study, row: Row) -> Iterator[Found]:
    """Silence, clipping, DC, peak and loops: means over artworks."""
    found = study.faults(row)
    for key, measure in MEASURES.items():
        values = np.array([getattr(each, key) for each in found], np.float64)
        values[~np.isfinite(values)] = np.nan
        interval, n = mean_over_artworks(study, row, values)
        yield Found(measure, figure(interval, n), values)
