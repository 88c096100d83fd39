"""How close a system's sound is to real music: Frechet and kernel distances of sets of embeddings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from ...measure.sets.frechet import LEAST_FOR_INFINITY, Gaussian, frechet_distance, frechet_infinity, frechet_per_song
from ...measure.sets.intervals import bootstrap
from ...measure.sets.kernel import KernelTarget, kernel_distance, median_distance, polynomial_distance
from ..records import SystemGroup
from ..results import Measure, Result
from ..study import Study
from .statistics import Score, averaged, result_of

__all__ = ["background", "sound", "sound_notes"]

RESAMPLES = 100
"""Bootstrap resamples for distances of sets, each of which costs a decomposition."""

WITHIN = "Comparable within one report only."
Songs = Sequence[Float64[np.ndarray, "_ dim"]]


def background(study: Study) -> tuple[Sequence[Path], str]:
    """The sound files that sets are compared with, and their description; none without background and reference music."""
    collection = study.collection
    if collection.background:
        return collection.background, f"the {len(collection.background)} sounds of the background"
    reference = tuple(collection.reference.values())
    return reference, f"the {len(reference)} sounds of the reference"


def sound(study: Study, group: SystemGroup) -> Iterator[Score]:
    """FAD, its limit for infinite sets, FAD of each piece, and KAD, by every embedder."""
    paths, _ = background(study)
    if len(paths) < 2:
        return
    for name in study.embedders:
        real = np.concatenate(study.window_embeddings(name, paths))
        if len(real) > 1 and sum(map(len, study.window_embeddings(name, group.paths))) > 1:
            yield from _frechet(study, group, name, real)
            yield from _kernel(study, group, name, real)


def sound_notes(study: Study) -> Iterator[str]:
    """Notes on the background music, and on Frechet distances of fewer windows than dimensions."""
    paths, description = background(study)
    collection = study.collection
    if len(paths) < 2:
        yield "There are fewer than two sounds of background music: Frechet and kernel distances are not measured."
        return
    for name in study.embedders:
        sets = [
            study.window_embeddings(name, each) for each in (paths, *(group.paths for group in study.system_groups))
        ]
        fewest, dimensions = min(sum(map(len, songs)) for songs in sets), sets[0][0].shape[1]
        if fewest <= dimensions:
            yield (
                f"{name} has {dimensions} dimensions, and the smallest set {fewest} windows: covariances of so few are singular, "
                "and Frechet distances too large. Kernel distances have no such bias."
            )
    if not collection.background:
        yield f"Frechet and kernel distances are to {description}, which systems may have been made from."
        own = {subject.group for subject in collection.subjects.values() if subject.music}
        for group in collection.groups:
            if group not in own:
                yield f"No real music belongs to the group {group}: its Frechet and kernel distances are to other music."


def _frechet(study: Study, group: SystemGroup, name: str, real: np.ndarray) -> Iterator[Score]:
    songs, description = study.window_embeddings(name, group.paths), background(study)[1]
    windows, target = np.concatenate(songs), Gaussian.fit(real)
    result = _over_artworks(study, group, songs, lambda drawn: frechet_distance(drawn, target))
    if result.low is not None:  # a distance is never negative
        result = replace(result, low=max(result.low, 0.0))
    yield Score(_measure("frechet", "Frechet distance", name, f"FAD of embeddings to {description}. {WITHIN}"), result)
    if len(windows) >= LEAST_FOR_INFINITY:
        limit = frechet_infinity(windows, target, seed=study.seed)
        note = "Extrapolated from subsets to infinite sets; unreliable where the fit is poor, or windows are few."
        measure = _measure("frechet-infinity", "Frechet distance at infinity", name, note)
        yield Score(measure, Result(limit.value, group.artworks))
        note = "Share of the variance over subsets that the line of this extrapolation explains."
        measure = _measure("frechet-infinity-fit", "Fit of that extrapolation", name, note)
        yield Score(replace(measure, better=""), Result(limit.r2, group.artworks))
    note = f"Each piece's windows against {description}; a piece of one window counts as a point."
    measure = _measure("frechet-piece", "Frechet distance of a piece", name, note)
    yield averaged(study, group, measure, frechet_per_song(songs, target))


def _kernel(study: Study, group: SystemGroup, name: str, real: np.ndarray) -> Iterator[Score]:
    songs, description = study.window_embeddings(name, group.paths), background(study)[1]
    width = median_distance(real)
    if width > 0:
        target = KernelTarget.fit(real, bandwidth=width)
        note = f"KAD (100 times the unbiased MMD^2) of embeddings to {description}; around 0 for equal sets."
        result = _over_artworks(study, group, songs, lambda drawn: kernel_distance(drawn, target))
        yield Score(_measure("kernel", "Kernel distance", name, note), result)
    note = f"Unbiased MMD^2 of embeddings to {description} with KID's kernel, which has no bandwidth to choose."
    result = _over_artworks(study, group, songs, lambda drawn: polynomial_distance(drawn, real))
    yield Score(_measure("polynomial", "Polynomial MMD", name, note), result)


def _measure(key: str, title: str, name: str, note: str) -> Measure:
    return Measure(f"{key}:{name}", f"{title}, {name}", "sound", "lower", note)


def _over_artworks(study: Study, group: SystemGroup, songs: Songs, distance: Callable[[np.ndarray], float]) -> Result:
    """The distance of all windows, with its interval.

    Drawing with replacement makes a set narrower and its distance larger, so the interval has the width of the draws' interval
    and is centred on the distance.
    """
    interval = bootstrap(
        lambda rows: float(distance(np.concatenate([songs[index] for index in rows]))),
        len(songs),
        seed=study.seed,
        resamples=min(RESAMPLES, study.resamples),
        groups=group.owners,
    )
    half = (interval.high - interval.low) / 2
    centred = replace(interval, low=interval.value - half, high=interval.value + half)
    return result_of(centred, group.artworks)
