"""The distance of a piece from its artwork's real music, with the distance from another artwork's music as control."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float64

from ...datasets.workers import spread
from ...errors import Art2MusError, EvaluationError
from ...measure.pairs.distances import distances
from ...measure.pairs.divergence import kl_of_classes, spectral_kl_2024
from ...types import Step
from ..records import SystemGroup
from ..results import Measure
from ..study import COMPARED_RATE, Study
from .statistics import Score, averaged, deranged, widened

__all__ = ["distance"]

Samples = Float[np.ndarray, " _"]

CONTROL = "The longer sound is cut to the shorter. The control is the distance from another artwork's real music."


def _measure(key: str, title: str, note: str, unit: str = "", *, higher: bool = False) -> Measure:
    return Measure(f"distance:{key}", title, "distance", "higher" if higher else "lower", f"{note} {CONTROL}", unit)


MEASURES = {
    "log_spectral": _measure("log-spectral", "Log-spectral distance", "LSD of power spectra.", "dB"),
    "mel_cepstral": _measure("mel-cepstral", "Mel-cepstral distance", "MCD, frame by frame.", "dB"),
    "mel_cepstral_warped": _measure("mel-cepstral-warped", "Mel-cepstral distance, warped", "MCD after DTW.", "dB"),
    "mel_cosine": _measure("mel-cosine", "Mel cosine", "Cosine of mel frames above their floor.", higher=True),
    "multi_resolution": _measure(
        "multi-resolution", "Multi-resolution STFT distance", "Spectral convergence and log magnitude, three windows."
    ),
    "spectral_kl_2024": _measure(
        "spectral-kl-2024",
        "Spectral KL of Art2Mus 2024",
        "The KL divergence defined by Art2Mus 2024; comparable only with itself.",
        "nat",
    ),
}
CLASSES = _measure("kl-of-classes", "KL of classes", "Divergence of a classifier's class probabilities.", "nat")


def distance(study: Study, group: SystemGroup) -> Iterator[Score]:
    """Signal distances and, with a classifier, the KL of classes, of pieces whose artwork has real music."""
    part = group.restricted(study.collection.reference)
    if part.pieces:
        yield from widened(group, part, _distance(study, part))


def _distance(study: Study, group: SystemGroup) -> Iterator[Score]:
    real = [piece.subject.music for piece in group.pieces if piece.subject.music]
    others = _others(study, group, real)
    values = _distances(study, group, [*zip(group.paths, real, strict=True), *zip(group.paths, others, strict=False)])
    count = len(group.pieces)
    for key, measure in MEASURES.items():
        yield averaged(study, group, measure, values[key][:count], values[key][count:])
    if study.classifier:
        classes = study.probabilities(group.paths)
        control = kl_of_classes(study.probabilities(others), classes) if others else ()
        yield averaged(study, group, CLASSES, kl_of_classes(study.probabilities(real), classes), control)


def _others(study: Study, group: SystemGroup, real: list[Path]) -> list[Path]:
    """The real music of another artwork for each piece; empty for a single artwork."""
    owners = group.owners
    order = deranged(owners, study.seed)
    if order is None:
        return []
    first = np.unique(owners, return_index=True)[1]
    return [real[first[order[owner]]] for owner in owners]


def _distances(
    study: Study, group: SystemGroup, pairs: list[tuple[Path, Path]]
) -> dict[str, Float64[np.ndarray, " pairs"]]:
    found = []
    given = ((piece, real, study.sound(piece), study.sound(real)) for piece, real in pairs)
    for done, values in enumerate(spread(_distances_of, given, study.workers), start=1):
        found.append(values)
        if study.on_step:
            study.on_step(Step(f"compare {group.title}", done, len(pairs)))
    return {key: np.array([values[key] for values in found], np.float64) for key in MEASURES}


def _distances_of(given: tuple[Path, Path, Samples, Samples]) -> dict[str, float]:
    path, other, piece, real = given
    try:
        found = vars(distances(piece, real, COMPARED_RATE))
    except Art2MusError as error:
        raise EvaluationError(
            f"{path.name} compared with {other}: {error.came}", error.expected, error.remedy
        ) from error
    try:
        return {**found, "spectral_kl_2024": spectral_kl_2024(real, piece)}
    except EvaluationError:  # undefined for silence, which the faults report
        return {**found, "spectral_kl_2024": math.nan}
