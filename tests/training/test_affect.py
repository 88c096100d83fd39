"""The fit of arousal and valence to labelled paintings."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from art2mus_core.character import character
from art2mus_core.checkpoints.folder import weights_file
from art2mus_core.checkpoints.tensors import read_metadata, read_tensors
from art2mus_core.datasets.labelled import LabelledPainting, read_labels
from art2mus_core.encoders.efficientnet_files import load_efficientnet
from art2mus_core.errors import ArtworkError, CheckpointError, DatasetError, SettingError
from art2mus_core.images.reading import read_artwork
from art2mus_core.measure.pictures import measure
from art2mus_core.measure.sets.correlation import spearman
from art2mus_core.training import affect
from art2mus_core.training.affect import (
    FEWEST,
    SPREAD,
    STRENGTHS,
    TRUST,
    VIEWS,
    AffectFit,
    Looks,
    cross_validated,
    fit_affect,
    look_at,
    ridge,
    ridges,
)
from art2mus_core.types import Step

WIDTHS = (6, 10)


def looks_of(paintings: int, views: int = 3, *, seed: int = 0, planted: float = 0.0) -> Looks:
    """Random features, of which the first two follow the labels if a signal is planted; views differ a little."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(1, 6, size=(paintings, 2)).astype(float)
    features = rng.normal(size=(paintings, 1, sum(WIDTHS))) + 0.1 * rng.normal(size=(paintings, views, sum(WIDTHS)))
    features[:, :, :2] += planted * (labels[:, None] - 3)
    features *= rng.uniform(0.5, 20, size=sum(WIDTHS))
    prior = rng.normal(size=(paintings, 1, 2)) + 0.1 * rng.normal(size=(paintings, views, 2))
    return Looks(features, prior, labels, WIDTHS)


def penalised(looks: Looks, strength: float, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same by the normal equations of all weights and the intercept, in the inputs' own units.

    Minimal: sum of squared errors + strength * views * sum over inputs of (weight - known)^2 / scale^2.
    """
    views = looks.features.shape[1]
    inputs = np.concatenate([looks.features, looks.prior], axis=2)[rows].reshape(len(rows) * views, -1)
    standard = (looks.labels - looks.labels.mean(0)) / looks.labels.std(0)
    targets = np.repeat(standard[rows], views, axis=0)
    spread = inputs.std(0) + SPREAD
    maps = [1 / (width * len(looks.widths)) for width in looks.widths for _ in range(width)]
    penalty = strength * views * np.array([*(spread[:-2] ** 2 / maps), 1, 1, 0])
    known = np.zeros((len(penalty), 2))
    known[-3, 0] = known[-2, 1] = TRUST
    design = np.column_stack([inputs, np.ones(len(inputs))])
    solution = np.linalg.solve(design.T @ design + np.diag(penalty), design.T @ targets + penalty[:, None] * known)
    return solution[:-1].T, solution[-1]


@settings(max_examples=25)
@given(seed=st.integers(0, 999), paintings=st.integers(5, 23), strength=st.sampled_from([0.01, 0.3, 7.0]))
def test_the_ridge_solves_the_penalised_normal_equations(seed: int, paintings: int, strength: float):
    looks = looks_of(paintings, seed=seed)
    rows = np.random.default_rng(seed).permutation(paintings)[: paintings - 2]
    weights, intercept = ridge(looks, strength, rows)
    expected, constant = penalised(looks, strength, rows)
    np.testing.assert_allclose(weights, expected, rtol=0, atol=1e-8 * max(1, np.abs(expected).max()))
    np.testing.assert_allclose(intercept, constant, rtol=0, atol=1e-7)
    assert weights.shape == (2, sum(WIDTHS) + 2)


def test_a_huge_penalty_leaves_the_prior():
    looks = looks_of(19)
    weights, intercept = ridge(looks, 1e9)
    np.testing.assert_allclose(weights[:, -2:], TRUST * np.eye(2), atol=1e-6)
    np.testing.assert_allclose(weights[:, :-2], 0, atol=1e-6)
    np.testing.assert_allclose(intercept, -TRUST * looks.prior.mean((0, 1)), atol=1e-5)


def test_maps_have_equal_shares_whatever_their_widths_and_units():
    """With every feature of a map the same, its weights together explain as much as those of another map."""
    rng = np.random.default_rng(4)
    signal = rng.normal(size=(30, 1, 1))
    noise = 1e-6 * rng.normal(size=(30, 2, sum(WIDTHS)))
    features = (signal + noise) * np.array([0.1] * WIDTHS[0] + [50.0] * WIDTHS[1])
    labels = np.column_stack([signal[:, 0, 0], rng.normal(size=30)])
    weights, _ = ridge(Looks(features, np.zeros((30, 2, 2)), labels, WIDTHS), 0.1)
    first, second = (weights[0, : WIDTHS[0]] * 0.1).sum(), (weights[0, WIDTHS[0] : -2] * 50).sum()
    assert first == pytest.approx(second, rel=0.05)
    assert first > 0.3


def test_a_planted_signal_is_found():
    found = cross_validated(looks_of(48, planted=1.5), seed=0)
    assert min(found.correlation) > 0.85
    assert found.strength in STRENGTHS
    assert found.predicted.shape == (48, 2)


def test_shuffled_labels_are_not_predicted():
    """Of many permutations: their mean is near 0, and all are below what the true labels give."""
    looks, rng = looks_of(48, planted=1.5), np.random.default_rng(5)
    looks = replace(looks, prior=np.zeros_like(looks.prior))
    true = cross_validated(looks, seed=0).correlation
    torn = [cross_validated(replace(looks, labels=rng.permutation(looks.labels)), seed=0).correlation for _ in range(6)]
    assert abs(np.mean(torn)) < 0.15
    assert np.max(torn) < min(true) - 0.3


def test_all_views_of_a_painting_are_left_out_together():
    """With features that name the painting, a fit that had seen another view would know its label."""
    rng, count = np.random.default_rng(6), 32
    labels = rng.integers(1, 6, size=(count, 2)).astype(float)
    features = np.repeat(np.eye(count)[:, None], 4, axis=1) * 9
    looks = Looks(features, np.zeros((count, 4, 2)), labels, (count,))
    weights, intercept = ridge(looks, STRENGTHS[0])
    seen = features[:, 0] @ weights[:, :-2].T + intercept
    assert np.corrcoef(seen[:, 0], labels[:, 0])[0, 1] > 0.99
    found = cross_validated(looks, seed=0)
    assert max(found.correlation) < 0.1


def test_the_penalty_of_a_fold_is_chosen_without_the_fold(monkeypatch: pytest.MonkeyPatch):
    """Each fold is followed by the folds among the other paintings, and the reported correlation is that of nested choices."""
    looks, count, folds, fits = looks_of(19, planted=0.4), 19, affect.FOLDS, []

    def noted(looks: Looks, strengths: Sequence[float], rows: np.ndarray):
        fits.append(set(range(count)) - set(rows.tolist()))
        return ridges(looks, strengths, rows)

    monkeypatch.setattr(affect, "ridges", noted)
    found = cross_validated(looks, seed=4)
    assert len(fits) == affect.REPEATS * folds * (1 + folds)
    outer, inner = fits[:: 1 + folds], [fits[at + 1 : at + 1 + folds] for at in range(0, len(fits), 1 + folds)]
    for start in range(0, len(outer), folds):
        assert sorted(index for fold in outer[start : start + folds] for index in fold) == list(range(count))
    assert outer[:folds] != outer[folds : 2 * folds]
    standard, nested = (looks.labels - looks.labels.mean(0)) / looks.labels.std(0), np.zeros((count, 2))
    inputs = np.concatenate([looks.features[:, 0], looks.prior[:, 0]], axis=1)
    chosen = set()
    for fold, further in zip(outer, inner, strict=True):
        assert all(fold < left for left in further)
        assert sorted(index for left in further for index in left - fold) == sorted(set(range(count)) - fold)

        def predict(strength: float, left: set[int], rows: set[int]) -> np.ndarray:
            weights, intercept = ridge(looks, strength, np.array(sorted(set(range(count)) - left)))
            return inputs[sorted(rows)] @ weights.T + intercept

        errors = [
            sum(np.square(predict(each, left, left - fold) - standard[sorted(left - fold)]).sum() for left in further)
            for each in STRENGTHS
        ]
        chosen.add(best := STRENGTHS[int(np.argmin(errors))])
        nested[sorted(fold)] += predict(best, fold, fold)
    assert len(chosen) > 1
    expected = [spearman(nested[:, side], looks.labels[:, side]) for side in (0, 1)]
    assert found.correlation == pytest.approx(expected)
    assert found.correlation != pytest.approx(
        [spearman(found.predicted[:, side], looks.labels[:, side]) for side in (0, 1)]
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty labelled pictures, whose arousal is how rough they are; the last part is one picture."""
    folder, rng = tmp_path_factory.mktemp("labelled"), np.random.default_rng(8)
    with (folder / "LABELS.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "part", "arousal", "valence"])
        for index in range(20):
            arousal, valence = 1 + index % 5, 1 + index // 5
            square = 128 + 12 * arousal * rng.normal(size=(40 + index, 51, 3)) + 12 * (valence - 3)
            Image.fromarray(square.clip(0, 255).astype(np.uint8)).save(folder / f"{index}.png")
            table.writerow([f"{index}.png", "A" if index < 19 else "B", arousal, valence])
    return folder


@pytest.fixture
def eye(write_eye, tmp_path: Path) -> Path:
    write_eye(tmp_path / "eye")
    return tmp_path / "eye"


class Fitted(NamedTuple):
    """An encoder's folder before and after the fit with seed 3, what the fit found, and its steps."""

    before: Path
    after: Path
    found: AffectFit
    steps: list[Step]


@pytest.fixture(scope="module")
def fitted(folder: Path, write_eye, tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    place, steps = tmp_path_factory.mktemp("fitted"), []
    write_eye(place / "before")
    after = shutil.copytree(place / "before", place / "after")
    found = fit_affect(after, read_labels(folder), seed=3, on_step=steps.append)
    return Fitted(place / "before", after, found, steps)


def test_the_encoder_sees_what_the_labels_say(folder: Path, fitted: Fitted):
    eye, found = fitted.after, fitted.found
    before, told = read_tensors(weights_file(fitted.before, "image_encoder"))
    paintings, steps = read_labels(folder), fitted.steps
    assert [(step.stage, step.done, step.total) for step in steps] == [("paintings", n, 20) for n in range(1, 21)]
    after, still = read_tensors(weights_file(eye, "image_encoder"))
    changed = {key for key, value in after.items() if not torch.equal(value, before[key])}
    assert changed == {"affect.weight", "affect.bias"}
    assert {value.dtype for value in after.values()} == {torch.float16}
    assert still == told
    assert read_metadata(weights_file(eye, "image_encoder"))["licence"] == "CC0-1.0"
    assert found.correlation[0] > 0.5
    encoder = load_efficientnet(eye)
    with torch.inference_mode():
        seen = [each.arousal for each in encoder.characters([read_artwork(each.path) for each in paintings])]
    assert np.corrcoef(seen, [each.arousal for each in paintings])[0, 1] > 0.7
    assert max(seen) - min(seen) > 0.3


def test_scores_are_standard_normal_among_paintings_that_were_not_seen(folder: Path, fitted: Fitted):
    """The stored weights are those of the fit, moved and scaled by the predictions of fits without each painting."""
    looks = look_at(load_efficientnet(fitted.before), read_labels(folder), seed=3)
    fit = fitted.found
    weights, intercept = ridge(looks, fit.strength)
    inputs = np.concatenate([looks.features[:, 0], looks.prior[:, 0]], axis=1)
    plain = inputs @ weights.T + intercept
    stored = load_efficientnet(fitted.after).affect
    with torch.no_grad():
        scores = stored(torch.from_numpy(inputs).float()).numpy()
    mean, spread = fit.predicted.mean(0), fit.predicted.std(0)
    rounding = 2**-11 * np.abs(stored.bias.numpy()) + 5e-3  # stored in half precision
    assert (np.abs(scores - (plain - mean) / spread) <= rounding).all()
    left_out = (fit.predicted - mean) / spread
    np.testing.assert_allclose(left_out.mean(0), 0, atol=1e-9)
    np.testing.assert_allclose(left_out.std(0), 1, atol=1e-9)
    assert 0.5 < scores.std(0).min() <= scores.std(0).max() < 3


def test_the_same_seed_gives_the_same_encoder(folder: Path, fitted: Fitted, tmp_path: Path):
    files = [weights_file(fitted.after, "image_encoder").read_bytes()]
    for name, seed in (("again", 3), ("another", 2)):
        shutil.copytree(fitted.before, tmp_path / name)
        fit_affect(tmp_path / name, read_labels(folder), seed=seed)
        files.append(weights_file(tmp_path / name, "image_encoder").read_bytes())
    assert files[0] == files[1] != files[2]


def test_what_is_seen_is_the_whole_painting_and_its_views(folder: Path, eye: Path):
    encoder, paintings = load_efficientnet(eye), read_labels(folder)[:16]
    looks = look_at(encoder, paintings, seed=0)
    features = 2 * sum(encoder.backbone.channels)
    assert looks.features.shape == (16, VIEWS + 1, features)
    assert looks.prior.shape == (16, VIEWS + 1, 2)
    assert sum(looks.widths) == features
    assert looks.labels.tolist() == [[each.arousal, each.valence] for each in paintings]
    prior = character(measure(read_artwork(paintings[4].path)))
    levels = torch.special.ndtr(torch.from_numpy(looks.prior[4, 0])).tolist()
    assert levels == pytest.approx([prior.arousal, prior.valence], abs=1.1e-3)
    assert (looks.features.std(1) > 0).any(axis=1).all()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda rows: rows[: FEWEST - 1], "15 labelled paintings .* expected at least 16 paintings"),
        (lambda rows: [], "0 labelled paintings with 0 different labels"),
        (lambda rows: [replace(each, valence=3.0) for each in rows], "5 different labels of arousal and 1 of valence"),
        (lambda rows: [replace(each, arousal=0.1 + 0.2) for each in rows], "1 different labels of arousal"),
    ],
)
def test_too_few_paintings_or_labels_are_refused(folder: Path, eye: Path, change, told: str):
    before = weights_file(eye, "image_encoder").read_bytes()
    with pytest.raises(DatasetError, match=told) as refused:
        fit_affect(eye, change(read_labels(folder)))
    assert "\n" not in str(refused.value)
    assert weights_file(eye, "image_encoder").read_bytes() == before


def test_a_damaged_picture_leaves_the_encoder(folder: Path, eye: Path, tmp_path: Path):
    before = weights_file(eye, "image_encoder").read_bytes()
    (tmp_path / "torn.png").write_bytes(b"\x89PNG torn")
    with pytest.raises(ArtworkError, match=r"torn\.png"):
        fit_affect(eye, [*read_labels(folder), LabelledPainting(tmp_path / "torn.png", 1.0, 2.0)])
    assert weights_file(eye, "image_encoder").read_bytes() == before


def test_an_encoder_of_another_kind_is_refused(folder: Path, pocket_like: Path):
    with pytest.raises(CheckpointError, match="no EfficientNet-Lite image encoder"):
        fit_affect(pocket_like, read_labels(folder))


def test_copies_of_a_picture_are_no_further_paintings(folder: Path, eye: Path):
    """A copy in another fold would tell its label, and a fit to copies alone divides by nothing."""
    before = weights_file(eye, "image_encoder").read_bytes()
    paintings = read_labels(folder)
    copies = [replace(each, path=paintings[index % (FEWEST - 1)].path) for index, each in enumerate(paintings)]
    with pytest.raises(DatasetError, match="15 different pictures in 20 files; expected at least 16"):
        fit_affect(eye, copies)
    assert weights_file(eye, "image_encoder").read_bytes() == before


def test_a_negative_seed_is_refused(folder: Path, eye: Path):
    with pytest.raises(SettingError, match="seed -1; expected 0 or more"):
        fit_affect(eye, read_labels(folder), seed=-1)
