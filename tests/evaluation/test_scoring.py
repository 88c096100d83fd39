"""A study with a known cause: what was composed for an artwork scores better than what was composed for another."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from art2mus_core.errors import AudioError, EvaluationError
from art2mus_core.evaluation.collection import Collection, read_collection
from art2mus_core.evaluation.embedders import open_embedder
from art2mus_core.evaluation.embedders.features import FeatureCache
from art2mus_core.evaluation.results import Report
from art2mus_core.evaluation.scoring.found import by_artwork, deranged
from art2mus_core.evaluation.scoring.score import score
from art2mus_core.evaluation.study import Study
from art2mus_core.types import Step

from .conftest import ARTWORKS, write


@pytest.fixture(scope="module")
def report(known_cause: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return score(study_of(read_collection(known_cause), tmp_path_factory.mktemp("features")))


def study_of(collection: Collection, features: Path, **more: object) -> Study:
    return Study(collection, {"pocket": open_embedder("pocket")}, FeatureCache(features), resamples=100, **more)


def test_what_was_composed_for_the_artwork_matches_it_and_follows_it(report: Report) -> None:
    told, torn = report.figures["told"], report.figures["torn"]
    for key in ("match:pocket", "choice:pocket", "music:pocket", "follows:onset_rate", "follows:loudness"):
        assert told[key].value > torn[key].value, key
        assert told[key].gap > max(2, torn[key].gap), key
    assert told["R@1-music-by-artwork:pocket".lower()].value > 1 / ARTWORKS
    assert told["mrr-artwork-by-music:pocket"].control == pytest.approx(
        np.mean(1 / np.arange(1, ARTWORKS + 1)), rel=1e-9
    )


def test_distances_to_ones_own_music_are_shorter_than_to_anothers(report: Report) -> None:
    for key in ("distance:log-spectral", "distance:mel-cepstral-warped", "distance:multi-resolution"):
        found = report.figures["told"][key]
        assert found.value < found.control, key
        assert found.gap < 0, key
    assert report.figures["told"]["distance:mel-cosine"].gap > 0


def test_takes_of_one_artwork_count_as_one(report: Report) -> None:
    assert report.figures["told"]["match:pocket"].n == ARTWORKS
    assert len(report.pieces["told"]) == 2 * ARTWORKS
    assert "variety-within:pocket" in report.figures["told"]
    assert "variety-within:pocket" not in report.figures["torn"]
    across, within = (report.figures["told"][f"variety-{which}:pocket"].value for which in ("across", "within"))
    assert across > within


def test_every_figure_has_its_measure_and_its_pieces_agree_with_it(report: Report) -> None:
    for figures in report.figures.values():
        assert set(figures) <= set(report.measures)
    own = [values["match:pocket"] for values in report.pieces["torn"].values()]
    assert np.mean(own) == pytest.approx(report.figures["torn"]["match:pocket"].value)
    assert report.figures["told"]["match:pocket"].low < report.figures["told"]["match:pocket"].value


def test_the_notes_say_what_is_missing_and_what_is_few(report: Report) -> None:
    said = " ".join(report.notes)
    assert f"Only {ARTWORKS} artworks in the group artworks" in said
    assert "to the 7 sounds of the reference, which systems may have been made from" in said
    assert "trained on synthetic pairs only" in said


def test_plots_hold_every_piece(report: Report) -> None:
    plots = [plot for plot in report.scatters if plot.system == "told"]
    assert {plot.up for plot in plots} >= {"Onset rate (1/s)", "Mode"}
    assert all(len(plot.points) == 2 * ARTWORKS for plot in plots)


def test_the_same_study_has_the_same_report_and_hears_nothing_twice(known_cause: Path, tmp_path: Path) -> None:
    collection = read_collection(known_cause)
    collection = replace(collection, systems={"torn": collection.systems["torn"]}, reference={})
    steps: list[Step] = []
    first = score(study_of(collection, tmp_path))
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}
    assert score(study_of(collection, tmp_path, on_step=steps.append)) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")} == kept
    assert {step.stage for step in steps} >= {"signals", "measure artworks", "hear pocket"}


def test_without_artworks_reference_or_background_the_sound_alone_is_scored(known_cause: Path, tmp_path: Path) -> None:
    collection = read_collection(known_cause)
    alone = Collection(known_cause, {}, {"torn": collection.systems["torn"]}, items=collection.items)
    found = score(study_of(alone, tmp_path))
    groups = {found.measures[key].group for key in found.figures["torn"]}
    assert groups == {"heard", "variety", "faults"}
    assert sum("not measured" in note for note in found.notes) == 3


def test_groups_are_reported_apart(known_cause: Path, tmp_path: Path) -> None:
    copy = tmp_path / "grouped"
    shutil.copytree(known_cause, copy)
    groups = {f"p{n}": {"group": "paintings" if n < 3 else "synthetic"} for n in range(ARTWORKS)}
    (copy / "items.json").write_text(json.dumps(groups))
    found = score(study_of(read_collection(copy), tmp_path / "features"))
    assert list(found.figures) == ["told · paintings", "told · synthetic", "torn · paintings", "torn · synthetic"]
    assert list(found.pieces) == ["told", "torn"]
    assert found.figures["told · paintings"]["match:pocket"].n == 3
    assert found.figures["told · synthetic"]["match:pocket"].n == ARTWORKS - 3
    assert math.isnan(found.figures["told · paintings"]["follows:onset_rate"].value)


def test_a_system_is_judged_by_what_made_it_and_that_is_said(known_cause: Path, tmp_path: Path) -> None:
    from art2mus_core.audio.files import read_audio, write_audio

    collection = read_collection(known_cause)
    path = tmp_path / "p0.flac"
    tags = {"image_encoder": "pocket", "score": "0.9"}
    write_audio(path, read_audio(collection.systems["torn"][0].path), tags=tags, cover=None)
    piece = collection.systems["torn"][0]._replace(path=path)
    systems = {"chosen": (piece, *collection.systems["torn"][1:])}
    found = score(study_of(replace(collection, systems=systems, reference={}), tmp_path / "features"))
    assert sum("partly circular" in note for note in found.notes) == 1
    assert sum("pieces were chosen among" in note for note in found.notes) == 1


@pytest.mark.parametrize(
    ("samples", "rate", "said"),
    [
        (np.zeros((1, 3000)), 16_000, "short|second|0.19"),
        (np.sin(np.arange(90_000) * 0.1), 44_100, None),
        (np.zeros((2, 50_000)), 22_050, None),
    ],
    ids=["too short", "another rate", "stereo silence"],
)
def test_odd_sounds(known_cause: Path, tmp_path: Path, samples: np.ndarray, rate: int, said: str | None) -> None:
    write(tmp_path / "odd.wav", samples, rate)
    collection = read_collection(known_cause)
    piece = collection.systems["torn"][0]._replace(path=tmp_path / "odd.wav")
    odd = replace(collection, systems={"odd": (piece, *collection.systems["torn"][1:])})
    study = study_of(odd, tmp_path / "features")
    if said:
        with pytest.raises((EvaluationError, AudioError), match=said):
            score(study)
    else:
        assert math.isfinite(score(study).figures["odd"]["distance:log-spectral"].value)


def test_a_derangement_leaves_nobody_in_place() -> None:
    for seed in range(20):
        order = deranged(np.array([0, 0, 1, 2, 3]), seed)
        assert sorted(order) == [0, 1, 2, 3]
        assert (order != np.arange(4)).all()
    assert deranged(np.array([0, 0]), 0) is None


def test_means_by_artwork_leave_out_what_is_not_known() -> None:
    found = by_artwork(np.array([1.0, 3.0, np.nan, 5.0, np.nan]), np.array([0, 0, 1, 1, 2]))
    np.testing.assert_array_equal(found, [2.0, 5.0, np.nan])
