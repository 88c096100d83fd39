"""How many kinds of timbre a set of pieces has.

Pieces are merged by average linkage until kinds are farther apart than some decibels: root mean square over the means and standard
deviations of all bands. The number of kinds is not chosen for each set, so that sets can be compared: pieces that sound alike are one
cluster, however many they are. At 6 dB the first edition's pieces for 32 paintings make two kinds, one of them with four fifths of
the pieces, as others heard; music of the composer's seven bands makes four.
"""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

WIDEST = 5.0, 6.0, 7.0
"""Decibels; the count is shown for each."""

SMALLEST = 0.05
"""Least share of the pieces of a cluster that counts."""


def clusters(timbres: np.ndarray, widest: float) -> np.ndarray:
    """The cluster of each piece, counted from 0, of timbres [pieces, 2 * bands]; clusters are at least `widest` decibels apart."""
    if len(timbres) < 2:
        return np.zeros(len(timbres), int)
    return fcluster(linkage(timbres / timbres.shape[1] ** 0.5, "average"), widest, "distance") - 1


def large(labels: np.ndarray) -> np.ndarray:
    """The clusters with at least `SMALLEST` of the pieces."""
    found, counts = np.unique(labels, return_counts=True)
    return found[counts >= SMALLEST * labels.size]
