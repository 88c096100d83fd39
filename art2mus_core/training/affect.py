"""Fits the image encoder's arousal and valence to labelled paintings: one ridge regression, in closed form.

A painting's arousal is the prior's (from the measured statistics), corrected by a linear function of the backbone's pooled features;
valence likewise. The penalty pulls the features' weights to 0 and the prior's weight to :data:`TRUST`, so with few paintings the result
stays near the literature. Each of the backbone's maps has the same share in the penalty, whatever its width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from ..character import character
from ..datasets.labelled import LabelledPainting, views
from ..encoders.efficientnet import EfficientNetEncoder, affect_inputs
from ..encoders.efficientnet_files import load_efficientnet, save_efficientnet
from ..errors import DatasetError, SettingError
from ..images.reading import read_artwork
from ..measure.pictures import measure
from ..measure.sets.correlation import spearman
from ..networks.efficientnet import pooled
from ..types import Artwork, OnStep, Step

__all__ = ["AffectFit", "Looks", "cross_validated", "fit_affect", "look_at", "ridge", "ridges"]

VIEWS = 6
"""Crops of each painting beside the painting itself."""

FOLDS, REPEATS = 8, 6
TRUST = 0.4
"""Weight of the prior in standard deviations of the labels: about its correlation with them."""

STRENGTHS = (0.01, 0.03, 0.1, 0.3, 1.0)
"""Ridge penalties among which cross-validation chooses, one for both labels."""

SPREAD = 1e-3
"""Added to the standard deviations of features; some never change."""

FEWEST = 16


@dataclass(frozen=True)
class Looks:
    """What the encoder sees in all views of all paintings.

    Attributes:
        features: [paintings, views, features], the whole painting first.
        prior: [paintings, views, 2], normal scores.
        labels: [paintings, 2], arousal and valence.
        widths: features of each map.
    """

    features: Float[np.ndarray, "paintings views features"]
    prior: Float[np.ndarray, "paintings views 2"]
    labels: Float[np.ndarray, "paintings 2"]
    widths: tuple[int, ...]


@dataclass(frozen=True)
class AffectFit:
    """A fit and its quality on paintings that were left out of it.

    Attributes:
        strength: the chosen penalty.
        predicted: [paintings, 2], mean prediction for each painting by fits without it, in standard deviations of the labels.
        correlation: rank correlation of arousal and of valence with their labels, by nested cross-validation.
    """

    strength: float
    predicted: Float[np.ndarray, "paintings 2"]
    correlation: tuple[float, float]


def fit_affect(
    folder: Path, paintings: Sequence[LabelledPainting], *, seed: int = 0, on_step: OnStep | None = None
) -> AffectFit:
    """Fit the image encoder of a checkpoint folder to labelled paintings, and save it.

    Args:
        folder: a checkpoint folder with an EfficientNet-Lite image encoder.
        paintings: at least 16.
        seed: seed of the crops and folds.
        on_step: called after every painting.

    Raises:
        SettingError: a negative seed.
        DatasetError: too few different paintings, or labels without variation.
        CheckpointError: the encoder is missing, damaged or of another kind.
    """
    if seed < 0:
        raise SettingError(f"seed {seed}", "0 or more", "Choose another seed.")
    encoder = load_efficientnet(folder)
    looks = look_at(encoder, paintings, seed=seed, on_step=on_step)
    fit = cross_validated(looks, seed=seed)
    weights, intercept = ridge(looks, fit.strength)
    # Normal scores among such paintings: their mean predictions for paintings that they have not seen become standard normal.
    mean, spread = fit.predicted.mean(0), fit.predicted.std(0)
    encoder.affect.weight.copy_(torch.from_numpy(weights / spread[:, None]))
    encoder.affect.bias.copy_(torch.from_numpy((intercept - mean) / spread))
    save_efficientnet(folder, encoder)
    return fit


def look_at(
    encoder: EfficientNetEncoder, paintings: Sequence[LabelledPainting], *, seed: int, on_step: OnStep | None = None
) -> Looks:
    """The features and the prior of each painting and its views.

    Raises:
        DatasetError: as :func:`fit_affect`.
        ArtworkError: a picture cannot be read.
    """
    labels = np.array([(each.arousal, each.valence) for each in paintings]).reshape(-1, 2)
    distinct = [len(set(side)) for side in labels.T]
    if len(paintings) < FEWEST or min(distinct) < 2:
        raise DatasetError(
            f"{len(paintings)} labelled paintings with {distinct[0]} different labels of arousal and {distinct[1]} of valence",
            f"at least {FEWEST} paintings, and at least 2 different labels of each",
            "Label more paintings.",
        )
    features, prior = [], []
    for index, painting in enumerate(paintings):
        rng = np.random.default_rng((seed, index))
        shown = list(views(read_artwork(painting.path), VIEWS, rng))
        with torch.inference_mode():
            features.append(np.stack([_features(encoder, view) for view in shown]))
        prior.append(affect_inputs([character(measure(view)) for view in shown]).numpy())
        if on_step:
            on_step(Step("paintings", index + 1, len(paintings)))
    if (different := len({each[0].tobytes() for each in features})) < FEWEST:
        raise DatasetError(
            f"{different} different pictures in {len(paintings)} files",
            f"at least {FEWEST} different pictures",
            "Replace the copies by other paintings.",
        )
    widths = tuple(2 * channels for channels in encoder.backbone.channels)
    return Looks(np.stack(features).astype(float), np.stack(prior).astype(float), labels, widths)


def _features(encoder: EfficientNetEncoder, view: Artwork) -> Float[np.ndarray, " features"]:
    return pooled(encoder.look([view]))[0].numpy()


def cross_validated(looks: Looks, *, seed: int) -> AffectFit:
    """The penalty that predicts left-out paintings best; all views of a painting are left out together.

    The correlation is of nested cross-validation: the penalty of each fold is chosen without the fold, by a cross-validation among
    the other paintings. The best of several penalties on the paintings that chose it would look better than it is.
    """
    standard = _standardised(looks)
    predicted, nested = np.zeros((len(STRENGTHS), *standard.shape)), np.zeros(standard.shape)
    rng, inner = np.random.default_rng(seed), np.random.default_rng((seed, 1))
    for _ in range(REPEATS):
        for left, rest in _folds(np.arange(len(standard)), rng):
            found = _predicted(looks, rest, left) / REPEATS
            predicted[:, left] += found
            among = np.zeros_like(predicted)
            for left_of_rest, others in _folds(rest, inner):
                among[:, left_of_rest] = _predicted(looks, others, left_of_rest)
            nested[left] += found[_best(among[:, rest], standard[rest])]
    best = _best(predicted, standard)
    first, second = (spearman(nested[:, side], looks.labels[:, side]) for side in (0, 1))
    return AffectFit(STRENGTHS[best], predicted[best], (first, second))


def _standardised(looks: Looks) -> Float[np.ndarray, "paintings 2"]:
    return (looks.labels - looks.labels.mean(0)) / looks.labels.std(0)


def _folds(rows: np.ndarray, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """The paintings of each fold, and the others."""
    order = rng.permutation(rows)
    return [(order[fold::FOLDS], np.setdiff1d(order, order[fold::FOLDS])) for fold in range(FOLDS)]


def _predicted(looks: Looks, rows: np.ndarray, left: np.ndarray) -> Float[np.ndarray, "strengths left 2"]:
    """Predictions for the paintings `left` by a fit of `rows` with each penalty."""
    inputs = np.concatenate([looks.features[left, 0], looks.prior[left, 0]], axis=1)
    return np.stack([inputs @ weights.T + intercept for weights, intercept in ridges(looks, STRENGTHS, rows)])


def _best(predicted: Float[np.ndarray, "strengths paintings 2"], standard: Float[np.ndarray, "paintings 2"]) -> int:
    """Index of the penalty with the smallest mean squared error."""
    return int(np.argmin([np.square(each - standard).mean() for each in predicted]))


def ridge(
    looks: Looks, strength: float, rows: np.ndarray | None = None
) -> tuple[Float[np.ndarray, "2 inputs"], Float[np.ndarray, " 2"]]:
    """Weights [2, features + 2] and intercepts that predict the labels in their standard deviations.

    Args:
        looks: what the encoder sees.
        strength: ridge penalty per view.
        rows: the paintings to fit; None for all.
    """
    return ridges(looks, [strength], np.arange(len(looks.labels)) if rows is None else rows)[0]


def ridges(
    looks: Looks, strengths: Sequence[float], rows: np.ndarray
) -> list[tuple[Float[np.ndarray, "2 inputs"], Float[np.ndarray, " 2"]]]:
    """:func:`ridge` with several penalties, which share nearly all of the work."""
    count = looks.features.shape[1]
    inputs = np.concatenate([looks.features[rows], looks.prior[rows]], axis=2).reshape(len(rows) * count, -1)
    labels = np.repeat(_standardised(looks)[rows], count, axis=0)
    mean, spread = inputs.mean(0), inputs.std(0) + SPREAD
    # Weights of inputs scaled to equal shares of the penalty; the priors are not scaled, and their weights pulled to TRUST.
    shares = np.concatenate([np.full(width, 1 / np.sqrt(width * len(looks.widths))) for width in looks.widths])
    scale = np.concatenate([shares / spread[: len(shares)], np.ones(2)])
    known = np.zeros((2, len(scale)))
    known[:, -2:] = TRUST * np.eye(2)
    scaled = (inputs - mean) * scale
    rest = labels - labels.mean(0) - scaled @ known.T
    kernel = scaled @ scaled.T
    found = []
    for strength in strengths:
        solved = np.linalg.solve(kernel + strength * count * np.eye(len(scaled)), rest)
        weights = (known + (scaled.T @ solved).T) * scale
        found.append((weights, labels.mean(0) - weights @ mean))
    return found
