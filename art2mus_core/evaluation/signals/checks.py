"""What every measure asks of a piece."""

from __future__ import annotations

import numpy as np

from ...errors import AudioError

__all__ = ["SHORTEST", "check_samples"]

SHORTEST = 1.0
"""Seconds; of less there is no rhythm to speak of, and no loop."""


def check_samples(samples: np.ndarray, rate: int) -> None:
    """Refuse what cannot be measured; samples are along the last axis.

    Raises:
        AudioError: less than a second, or samples that are not finite.
    """
    if not np.isfinite(samples).all():
        bad = int(np.count_nonzero(~np.isfinite(samples)))
        raise AudioError(
            f"{bad} of {samples.size} samples that are NaN or infinite", "finite samples", "Compose the piece again."
        )
    seconds = samples.shape[-1] / rate
    if seconds < SHORTEST:
        raise AudioError(f"a piece of {seconds:.2f} s", f"{SHORTEST:.0f} s or more", "Leave it out, or make it longer.")
