"""How many kinds of timbre a set of pieces has.

Pieces are merged by average linkage until kinds are more than `WIDEST` decibels apart (root mean square over all bands of means and
standard deviations), which is about the distance of training music's bands. A number of clusters is not chosen for each set, so that
sets can be compared: pieces that sound alike are one cluster, however many they are.
"""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

WIDEST = 6.0

SMALLEST = 0.05
"""Least share of the pieces of a cluster that counts."""


def clusters(timbres: np.ndarray) -> np.ndarray:
    """The cluster of each piece, counted from 0, of timbres [pieces, 2 * bands]."""
    if len(timbres) < 2:
        return np.zeros(len(timbres), int)
    return fcluster(linkage(timbres / timbres.shape[1] ** 0.5, "average"), WIDEST, "distance") - 1


def large(labels: np.ndarray) -> np.ndarray:
    """The clusters with at least `SMALLEST` of the pieces."""
    found, counts = np.unique(labels, return_counts=True)
    return found[counts >= SMALLEST * len(labels)]
