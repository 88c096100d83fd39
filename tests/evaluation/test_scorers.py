"""What each scorer finds, from the embeddings and files themselves; takes of an artwork are drawn together."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from art2mus_core.audio.files import write_audio
from art2mus_core.audio.reading import read_audio
from art2mus_core.evaluation.collection import read_collection
from art2mus_core.evaluation.scoring.distance import distance
from art2mus_core.evaluation.scoring.follows import follows
from art2mus_core.evaluation.scoring.match import match, match_notes
from art2mus_core.evaluation.scoring.retrieval import retrieval
from art2mus_core.evaluation.scoring.sound import sound, sound_notes
from art2mus_core.evaluation.scoring.statistics import by_artwork, deranged, in_errors
from art2mus_core.measure.pairs.distances import distances
from art2mus_core.measure.sets.correlation import rank_correlation
from art2mus_core.measure.sets.frechet import frechet_distance
from art2mus_core.measure.sets.intervals import bootstrap
from art2mus_core.measure.sets.kernel import kernel_distance, polynomial_distance
from art2mus_core.measure.sets.matching import agreement
from art2mus_core.measure.sets.retrieval import chance
from art2mus_core.measure.sets.retrieval import retrieval as rank
from art2mus_core.types import Step

from .conftest import ARTWORKS
from .studies import RESAMPLES, study_of


def test_controls_are_other_artworks_with_takes_and_without(known_cause: Path, tmp_path: Path) -> None:
    """The values of two systems, a take at a time, from the files themselves."""
    study = study_of(read_collection(known_cause), tmp_path)
    (told, _), pocket = study.system_groups, study.embedders["pocket"]
    pieces = np.stack([pocket.embed_sound(read_audio(path)).mean(0) for path in told.paths])
    real = np.stack([pocket.embed_sound(read_audio(study.collection.reference[p.id])).mean(0) for p in told.pieces])
    expected = agreement(real, pieces, groups=told.owners, resamples=RESAMPLES)
    found = {each.measure.key: each for each in match(study, told)}["music:pocket"]
    result = found.result
    assert (result.value, result.low, result.control, result.gap) == pytest.approx(
        (expected.value, expected.low, expected.control, expected.gap)
    )
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (real, pieces)]
    np.testing.assert_allclose(found.values, np.sum(unit[0] * unit[1], axis=1))
    order = deranged(told.owners, 0)
    other = [told.pieces[2 * order[owner]].id for owner in told.owners]
    assert all(piece.id != name for piece, name in zip(told.pieces, other, strict=True))
    far = [
        distances(
            *(
                read_audio(path, 16_000).samples[0, 0].numpy()
                for path in (piece.path, study.collection.reference[name])
            ),
            16_000,
        ).log_spectral
        for piece, name in zip(told.pieces, other, strict=True)
    ]
    assert next(distance(study, told)).result.control == pytest.approx(np.mean(far))


def test_retrieval_draws_artworks_with_all_their_takes(known_cause: Path, tmp_path: Path) -> None:
    study = study_of(read_collection(known_cause), tmp_path)
    told = study.system_groups[0]
    images, sounds = study.image_embeddings("pocket", told)[::2], study.audio_embeddings("pocket", told.paths)
    figures = {found.measure.key: found.result for found in retrieval(study, told)}
    cosines = images @ (sounds / np.linalg.norm(sounds, axis=1, keepdims=True)).T
    relevant = np.arange(ARTWORKS)[:, None] == told.owners
    for way, values, fitting, groups in (
        ("music-by-artwork", cosines, relevant, None),
        ("artwork-by-music", cosines.T, relevant.T, told.owners),
    ):
        precisions = rank(values, fitting).precisions
        expected = bootstrap(lambda rows, p=precisions: p[rows].mean(), len(values), resamples=RESAMPLES, groups=groups)
        result = figures[f"map-{way}:pocket"]
        by_chance = chance(fitting)["mAP"]
        assert (result.value, result.low, result.high, result.control, result.n) == pytest.approx(
            (expected.value, expected.low, expected.high, by_chance, ARTWORKS)
        )
        assert result.gap == pytest.approx((expected.value - by_chance) / expected.error)
        assert figures[f"median-rank-{way}:pocket"].gap is None  # medians of few ranks have no error to speak of


def test_sets_are_compared_with_the_background_and_drawn_by_artwork(known_cause: Path, tmp_path: Path) -> None:
    collection = read_collection(known_cause)
    background = tuple(piece.path for piece in collection.systems["torn"][:5])
    study = study_of(replace(collection, background=background), tmp_path)
    told = study.system_groups[0]
    figures = {found.measure.key: found.result for found in sound(study, told)}
    rows, real = study.audio_embeddings("pocket", told.paths), study.audio_embeddings("pocket", background)
    distances = {"frechet": frechet_distance, "kernel": kernel_distance, "polynomial": polynomial_distance}
    for key, between in ((f"{name}:pocket", one) for name, one in distances.items()):
        drawn = bootstrap(
            lambda taken, apart=between: apart(rows[taken], real), len(rows), resamples=RESAMPLES, groups=told.owners
        )
        half = (drawn.high - drawn.low) / 2
        assert figures[key].value == pytest.approx(between(rows, real))
        assert figures[key].high == pytest.approx(drawn.value + half)
    assert not any("reference" in note for note in sound_notes(study))


def test_every_file_is_read_once_for_all_systems(known_cause: Path, tmp_path: Path) -> None:
    collection, steps = read_collection(known_cause), list[Step]()
    study = study_of(collection, tmp_path, on_step=steps.append)
    for group in study.system_groups:
        for _ in range(2):
            study.image_embeddings("pocket", group)
            study.audio_embeddings("pocket", group.paths)
    files = ARTWORKS + len({*collection.reference.values(), *collection.background})
    files += sum(map(len, collection.systems.values()))
    assert [step.stage for step in steps] == ["read"] * files


def test_a_gap_of_rounding_errors_is_none() -> None:
    assert in_errors(3.0, 1.0, 0.5) == 4.0
    assert math.isnan(in_errors(0.2, 0.457, 5e-17))
    assert math.isnan(in_errors(0.0, 0.0, 0.0))
    assert math.isnan(in_errors(1.0, 0.0, math.nan))


def test_what_another_encoder_made_is_judged_from_outside(known_cause: Path, tmp_path: Path) -> None:
    collection = read_collection(known_cause)
    systems = {}
    for name, encoder in (("inside", "pocket"), ("outside", "imagebind")):
        path = tmp_path / f"{name}.flac"
        first = collection.systems["torn"][0]
        write_audio(path, read_audio(first.path), tags={"image_encoder": encoder}, cover=None)
        systems[name] = (replace(first, path=path),)
    notes = list(match_notes(study_of(replace(collection, systems=systems), tmp_path)))
    assert [note.partition(":")[0] for note in notes] == ["inside"]


def test_a_derangement_leaves_nobody_in_place() -> None:
    for seed in range(20):
        order = deranged(np.array([0, 0, 1, 2, 3]), seed)
        assert sorted(order) == [0, 1, 2, 3]
        assert (order != np.arange(4)).all()
    assert deranged(np.array([0, 0]), 0) is None


def test_means_by_artwork_leave_out_what_is_not_known() -> None:
    found = by_artwork(np.array([1.0, 3.0, np.nan, 5.0, np.nan]), np.array([0, 0, 1, 1, 2]))
    np.testing.assert_array_equal(found, [2.0, 5.0, np.nan])


def test_following_is_counted_in_the_expected_direction(known_cause: Path, tmp_path: Path) -> None:
    collection = read_collection(known_cause)
    study = study_of(replace(collection, systems={"told": collection.systems["told"]}), tmp_path)
    (told,) = study.system_groups
    found = {each.measure.key: each for each in follows(study, told)}
    seen = {
        name: np.array([getattr(study.percentiles[piece.id], name) for piece in told.pieces])
        for name in ("warmth", "lightness", "texture_scale")
    }
    for fact, expected in (
        ("brightness", 1 - seen["warmth"]),
        ("register", (seen["lightness"] + 1 - seen["texture_scale"]) / 2),
    ):
        heard = np.array([getattr(facts, fact) for facts in study.music(told)])
        interval, result = (
            rank_correlation(expected, heard, groups=told.owners, resamples=RESAMPLES),
            found[f"follows:{fact}"].result,
        )
        assert (result.value, result.low, result.high) == pytest.approx((interval.value, interval.low, interval.high))
    assert found["follows:register"].measure.better == "higher"
    assert found["follows:register~texture_scale"].measure.better == "lower"
