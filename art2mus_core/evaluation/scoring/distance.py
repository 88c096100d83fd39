"""How far a piece is from the artwork's own real music, beside how far it is from another artwork's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float64

from ...datasets.workers import spread
from ...errors import Art2MusError, EvaluationError
from ...measure.pairs.distances import distances
from ...measure.pairs.divergence import kl_of_classes, spectral_kl_2024
from ...types import Step
from ..results import Measure
from ..study import COMPARED, Row, Study
from .found import Found, by_artwork, deranged, figure, in_errors, mean_over_artworks, over

__all__ = ["distance"]

Samples = Float[np.ndarray, " _"]

OTHER = "Of two lengths the shorter counts. The control is the distance to another artwork's real music."


def _measure(key: str, title: str, note: str, unit: str = "", *, higher: bool = False) -> Measure:
    return Measure(f"distance:{key}", title, "distance", "higher" if higher else "lower", f"{note} {OTHER}", unit)


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
        "Its own home-made figure, which compares with nothing but itself.",
        "nat",
    ),
}
CLASSES = _measure("kl-of-classes", "KL of classes", "Divergence of what a classifier hears.", "nat")


@dataclass(frozen=True)
class _Pair:
    """A piece and a sound that it is compared with."""

    piece: Path
    real: Path


def distance(study: Study, row: Row) -> Iterator[Found]:
    """Signal distances and, with a classifier, the divergence of classes, of pieces whose artwork has real music."""
    part = row.having(study.collection.reference)
    if part.pieces:
        yield from (over(row, part, found) for found in _distance(study, part))


def _distance(study: Study, row: Row) -> Iterator[Found]:
    real = [piece.subject.music for piece in row.pieces if piece.subject.music]
    others = _others(study, row, real)
    values = _distances(study, row, [*map(_Pair, row.paths, real), *map(_Pair, row.paths, others)])
    count = len(row.pieces)
    for key, measure in MEASURES.items():
        yield _compared(study, row, measure, values[key][:count], values[key][count:])
    if study.classifier:
        said = study.probabilities(row.paths)
        shuffled = kl_of_classes(study.probabilities(others), said) if others else np.zeros(0)
        yield _compared(study, row, CLASSES, kl_of_classes(study.probabilities(real), said), shuffled)


def _others(study: Study, row: Row, real: list[Path]) -> list[Path]:
    """The real music of another artwork for each piece; nothing for a single artwork."""
    owners = row.owners
    order = deranged(owners, study.seed)
    if order is None:
        return []
    first = np.unique(owners, return_index=True)[1]
    return [real[first[order[owner]]] for owner in owners]


def _compared(study: Study, row: Row, measure: Measure, own: np.ndarray, other: np.ndarray) -> Found:
    interval, n = mean_over_artworks(study, row, own)
    if not other.size:
        return Found(measure, figure(interval, n), own)
    means, others = by_artwork(own, row.owners), by_artwork(other, row.owners)
    apart = means - others
    both = ~np.isnan(apart)
    if not both.any():
        return Found(measure, figure(interval, n), own)
    error = float(apart[both].std(ddof=1)) / math.sqrt(both.sum()) if both.sum() > 1 else math.nan
    control = float(others[both].mean())
    gap = in_errors(float(means[both].mean()), control, error)
    return Found(measure, figure(interval, n, control, gap), own)


def _distances(study: Study, row: Row, pairs: list[_Pair]) -> dict[str, Float64[np.ndarray, " pairs"]]:
    found = []
    given = ((pair, study.sound(pair.piece), study.sound(pair.real)) for pair in pairs)
    for done, values in enumerate(spread(_distances_of, given, study.workers), start=1):
        found.append(values)
        if study.on_step:
            study.on_step(Step(f"compare {row.title}", done, len(pairs)))
    return {key: np.array([values[key] for values in found], np.float64) for key in MEASURES}


def _distances_of(given: tuple[_Pair, Samples, Samples]) -> dict[str, float]:
    pair, piece, real = given
    try:
        found = vars(distances(piece, real, COMPARED))
    except Art2MusError as error:
        raise EvaluationError(
            f"{pair.piece.name} beside {pair.real}: {error.came}", error.expected, error.remedy
        ) from error
    try:
        return {**found, "spectral_kl_2024": spectral_kl_2024(real, piece)}
    except EvaluationError:  # it is not defined for silence, and a silent piece is told of among the faults
        return {**found, "spectral_kl_2024": math.nan}
