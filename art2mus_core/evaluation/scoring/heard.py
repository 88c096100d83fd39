"""What is heard in the music, whatever the artworks are: a system that says the same of all has no spread."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ...measure.sound.music import FACTS
from ..results import Measure
from ..study import Row, Study
from .found import Found, figure, mean_over_artworks

__all__ = ["heard"]


def heard(study: Study, row: Row) -> Iterator[Found]:
    """Means over artworks of every fact."""
    facts = study.facts(row)
    for name, about in FACTS.items():
        values = np.array([getattr(each, name) for each in facts], np.float64)
        interval, n = mean_over_artworks(study, row, values)
        yield Found(
            Measure(f"heard:{name}", about.title, "heard", "", about.note, about.unit), figure(interval, n), values
        )
