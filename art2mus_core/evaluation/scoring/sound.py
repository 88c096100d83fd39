"""Does it sound like the music that it is meant to sound like? Frechet and kernel distances of embeddings."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from ...measure.sets.frechet import LEAST_FOR_INFINITY, Gaussian, frechet_distance, frechet_infinity, frechet_per_song
from ...measure.sets.intervals import Interval, bootstrap
from ...measure.sets.kernel import KernelTarget, kernel_distance, median_distance, polynomial_distance
from ..results import Figure, Measure
from ..study import Row, Study
from .found import Found, figure, mean_over_artworks

__all__ = ["background", "sound", "sound_notes"]

RESAMPLES = 100
"""Draws behind an interval of a distance of sets, each of which costs a decomposition."""

WITHIN = "Comparable within one report only."
Songs = Sequence[Float64[np.ndarray, "_ dim"]]


def background(study: Study) -> tuple[Sequence[Path], str]:
    """Sound files that sets are compared with, and what they are; none where there is neither background nor reference."""
    collection = study.collection
    if collection.background:
        return collection.background, f"the {len(collection.background)} sounds of the background"
    reference = tuple(collection.reference.values())
    return reference, f"the {len(reference)} sounds of the reference"


def sound(study: Study, row: Row) -> Iterator[Found]:
    """FAD, its limit for endless sets, FAD of each piece, and KAD, by every embedder."""
    paths, _ = background(study)
    if len(paths) < 2:
        return
    for name in study.embedders:
        real, songs = np.concatenate(study.heard(name, paths)), study.heard(name, row.paths)
        if len(real) > 1 and sum(map(len, songs)) > 1:
            yield from _frechet(study, row, name, songs, Gaussian.fit(real))
            yield from _kernel(study, row, name, songs, real)


def sound_notes(study: Study) -> Iterator[str]:
    """Where Frechet distances are of fewer windows than dimensions."""
    paths, _ = background(study)
    if len(paths) < 2:
        return
    for name in study.embedders:
        sets = [study.heard(name, paths), *(study.heard(name, row.paths) for row in study.rows)]
        fewest, dimensions = min(sum(map(len, songs)) for songs in sets), sets[0][0].shape[1]
        if fewest <= dimensions:
            yield (
                f"{name} has {dimensions} dimensions, and the smallest set {fewest} windows: covariances of so few are singular, "
                "and Frechet distances too large. Kernel distances have no such bias."
            )


def _frechet(study: Study, row: Row, name: str, songs: Songs, target: Gaussian) -> Iterator[Found]:
    rows, words = np.concatenate(songs), background(study)[1]
    figure_of_all = _over_artworks(study, row, songs, lambda drawn: frechet_distance(drawn, target))
    if figure_of_all.low is not None:  # no distance lies below 0
        figure_of_all = replace(figure_of_all, low=max(figure_of_all.low, 0.0))
    yield Found(_measure("frechet", "Frechet distance", name, f"FAD of embeddings to {words}. {WITHIN}"), figure_of_all)
    if len(rows) >= LEAST_FOR_INFINITY:
        limit = frechet_infinity(rows, target, seed=study.seed)
        note = "Extrapolated from subsets to endless sets; it means little where its fit is poor, or windows are few."
        measure = _measure("frechet-infinity", "Frechet distance at infinity", name, note)
        yield Found(measure, Figure(limit.value, row.artworks))
        note = "Share of the variance over subsets that the line of this extrapolation explains."
        measure = _measure("frechet-infinity-fit", "Fit of that extrapolation", name, note)
        yield Found(replace(measure, better=""), Figure(limit.r2, row.artworks))
    values = frechet_per_song(songs, target)
    note = f"Each piece's windows against {words}; a piece of one window counts as a point."
    yield Found(
        _measure("frechet-piece", "Frechet distance of a piece", name, note),
        figure(*mean_over_artworks(study, row, values)),
        values,
    )


def _kernel(study: Study, row: Row, name: str, songs: Songs, real: np.ndarray) -> Iterator[Found]:
    width = median_distance(real)
    if width > 0:
        target = KernelTarget.fit(real, bandwidth=width)
        note = f"KAD (100 times the unbiased MMD^2) of embeddings to {background(study)[1]}; around 0 for equal sets."
        yield Found(
            _measure("kernel", "Kernel distance", name, note),
            _over_artworks(study, row, songs, lambda drawn: kernel_distance(drawn, target)),
        )
    note = (
        f"Unbiased MMD^2 of embeddings to {background(study)[1]} with KID's kernel, which has no bandwidth to choose."
    )
    yield Found(
        _measure("polynomial", "Polynomial MMD", name, note),
        _over_artworks(study, row, songs, lambda drawn: polynomial_distance(drawn, real)),
    )


def _measure(key: str, title: str, name: str, note: str) -> Measure:
    return Measure(f"{key}:{name}", f"{title}, {name}", "sound", "lower", note)


def _over_artworks(study: Study, row: Row, songs: Songs, distance: Callable[[np.ndarray], float]) -> Figure:
    """The distance of all windows, and its interval.

    Drawing with replacement makes a set narrower and its distance larger: the interval's width is taken from the draws, its
    place from the distance itself.
    """
    interval = bootstrap(
        lambda rows: float(distance(np.concatenate([songs[index] for index in rows]))),
        len(songs),
        seed=study.seed,
        resamples=min(RESAMPLES, study.resamples),
        groups=row.owners,
    )
    if math.isnan(interval.low):
        return figure(interval, row.artworks)
    half = (interval.high - interval.low) / 2
    return figure(Interval(interval.value, interval.value - half, interval.value + half, interval.error), row.artworks)
