"""A study with a known cause: what was composed for an artwork scores better than what was composed for another."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from art2mus_core.audio.files import write_audio
from art2mus_core.audio.reading import read_audio
from art2mus_core.evaluation.collection import read_collection
from art2mus_core.evaluation.records import Collection
from art2mus_core.evaluation.results import Report
from art2mus_core.evaluation.scoring.match import match_notes
from art2mus_core.evaluation.scoring.score import score
from art2mus_core.types import Step

from .conftest import ARTWORKS, write
from .studies import study_of


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was heard and seen in this file's tests: the same sounds are in most of them."""
    return tmp_path_factory.mktemp("features")


@pytest.fixture(scope="module")
def report(known_cause: Path, features: Path) -> Report:
    return score(study_of(read_collection(known_cause), features))


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


def without_music(collection: Collection) -> Collection:
    return collection.with_subjects({key: replace(subject, music=None) for key, subject in collection.subjects.items()})


def test_the_same_study_has_the_same_report_and_hears_nothing_twice(known_cause: Path, tmp_path: Path) -> None:
    collection = read_collection(known_cause)
    collection = without_music(replace(collection, systems={"torn": collection.systems["torn"]}))
    steps: list[Step] = []
    first = score(study_of(collection, tmp_path))
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")}
    assert score(study_of(collection, tmp_path, on_step=steps.append)) == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npy")} == kept
    assert {step.stage for step in steps} >= {"read"}


def test_without_artworks_reference_or_background_the_sound_alone_is_scored(known_cause: Path, features: Path) -> None:
    collection = read_collection(known_cause)
    bare = {key: replace(subject, path=None, music=None) for key, subject in collection.subjects.items()}
    alone = replace(collection, systems={"torn": collection.systems["torn"]}, background=()).with_subjects(bare)
    found = score(study_of(alone, features))
    groups = {found.measures[key].group for key in found.figures["torn"]}
    assert groups == {"heard", "variety", "faults"}
    assert sum("not measured" in note for note in found.notes) == 3


def test_groups_are_reported_apart(known_cause: Path, tmp_path: Path, features: Path) -> None:
    copy = tmp_path / "grouped"
    shutil.copytree(known_cause, copy)
    groups = {f"p{n}": {"group": "paintings" if n < 3 else "synthetic"} for n in range(ARTWORKS)}
    (copy / "items.json").write_text(json.dumps(groups))
    found = score(study_of(read_collection(copy), features))
    assert list(found.figures) == ["told · paintings", "told · synthetic", "torn · paintings", "torn · synthetic"]
    assert list(found.pieces) == ["told", "torn"]
    assert found.figures["told · paintings"]["match:pocket"].n == 3
    assert found.figures["told · synthetic"]["match:pocket"].n == ARTWORKS - 3
    assert math.isnan(found.figures["told · paintings"]["follows:onset_rate"].value)
    assert sum("Whether music follows is not measured below 4" in note for note in found.notes) == 1


def test_a_group_that_is_compared_with_anothers_music_is_told_of(known_cause: Path, features: Path) -> None:
    collection = read_collection(known_cause)
    subjects = {
        key: replace(each, group="real" if key < "p3" else "painted", music=each.music if key >= "p3" else None)
        for key, each in collection.subjects.items()
    }
    alone = replace(collection, systems={"torn": collection.systems["torn"]}).with_subjects(subjects)
    found = score(study_of(alone, features))
    assert [note for note in found.notes if "real music belongs to the group" in note] == [
        "No real music belongs to the group real: its Frechet and kernel distances are to other music."
    ]
    assert "distance:mel-cosine" in found.figures["torn · painted"]
    assert "distance:mel-cosine" not in found.figures["torn · real"]


def test_a_system_is_judged_by_what_made_it_and_that_is_said(known_cause: Path, tmp_path: Path, features: Path) -> None:
    collection = read_collection(known_cause)
    path = tmp_path / "p0.flac"
    tags = {"image_encoder": "pocket", "score": "0.9"}
    write_audio(path, read_audio(collection.systems["torn"][0].path), tags=tags, cover=None)
    piece = replace(collection.systems["torn"][0], path=path)
    systems = {"chosen": (piece, *collection.systems["torn"][1:])}
    found = score(study_of(without_music(replace(collection, systems=systems)), features))
    assert sum("partly circular" in note for note in found.notes) == 1
    assert sum("pieces were chosen among" in note for note in found.notes) == 1


def test_pieces_that_were_made_in_different_ways_are_told(known_cause: Path, tmp_path: Path, features: Path) -> None:
    from art2mus_core.audio.files import write_audio
    from art2mus_core.audio.reading import read_audio

    collection = read_collection(known_cause)
    systems: dict[str, list] = {"mixed": [], "translated": [], "older": []}
    for number, piece in enumerate(collection.systems["torn"]):
        ways = {
            "mixed": {"steps": str(10 + number // 4)},
            "translated": {"steps": "10", "text": f"words on {piece.id}"},
            "older": {"steps": "10", **({"guided_below": "1.0"} if number else {})},
        }
        for name, tags in ways.items():
            path = tmp_path / name / f"{piece.id}.flac"
            path.parent.mkdir(exist_ok=True)
            write_audio(path, read_audio(piece.path), tags=tags, cover=None)
            systems[name].append(replace(piece, path=path))
    found = without_music(replace(collection, systems={name: tuple(own) for name, own in systems.items()}))
    told = [note for note in match_notes(study_of(found, features)) if "different ways" in note]
    assert told == ["Pieces of mixed were made in different ways: steps differ in their tags."]


@pytest.mark.parametrize(
    ("samples", "rate", "said"),
    [
        (np.zeros((1, 3000)), 16_000, "odd.wav contains a sound of 0.19 s"),
        (np.sin(np.arange(90_000) * 0.1), 44_100, None),
        (np.zeros((2, 50_000)), 22_050, None),
    ],
    ids=["too short", "another rate", "stereo silence"],
)
def test_odd_sounds(
    known_cause: Path, tmp_path: Path, features: Path, *, samples: np.ndarray, rate: int, said: str | None
) -> None:
    write(tmp_path / "odd.wav", samples, rate)
    collection = read_collection(known_cause)
    piece = replace(collection.systems["torn"][0], path=tmp_path / "odd.wav")
    odd = replace(collection, systems={"odd": (piece, *collection.systems["torn"][1:])})
    found = score(study_of(odd, features))
    assert math.isfinite(found.figures["odd"]["distance:log-spectral"].value)
    assert len(found.pieces["odd"]) == ARTWORKS - bool(said)
    assert said is None or sum(said in note for note in found.notes if note.startswith("Left out: ")) == 1


def said_by_all(collection: Collection, path: Path) -> Collection:
    """One system whose every piece is the same sound."""
    pieces = tuple(replace(piece, path=path) for piece in collection.systems["torn"])
    return replace(collection, systems={"constant": pieces})


def test_a_system_that_says_the_same_of_all_finds_nothing_and_has_no_gap(known_cause: Path, features: Path) -> None:
    collection = read_collection(known_cause)
    found = score(study_of(said_by_all(collection, collection.systems["torn"][2].path), features)).figures["constant"]
    assert found["r@1-music-by-artwork:pocket"].value == 0
    assert found["mrr-music-by-artwork:pocket"].value == pytest.approx(1 / ARTWORKS)
    assert found["mrr-music-by-artwork:pocket"].gap is None
    assert found["choice:pocket"].value == pytest.approx(0.5)
    assert found["variety-across:pocket"].value == pytest.approx(0, abs=1e-12)
    assert math.isnan(found["follows:loudness"].value)
    assert found["follows:loudness"].control is None
    assert found["frechet:pocket"].low == pytest.approx(found["frechet:pocket"].value)


def test_silence_is_no_correlation_and_no_warning(known_cause: Path, tmp_path: Path, features: Path) -> None:
    write(tmp_path / "silence.wav", np.zeros(48_000))
    found = score(study_of(said_by_all(read_collection(known_cause), tmp_path / "silence.wav"), features))
    figures = found.figures["constant"]
    assert (figures["follows:tempo"].n, figures["follows:loudness"].n) == (0, ARTWORKS)
    assert math.isnan(figures["distance:spectral-kl-2024"].value)
    assert figures["fault:silence"].value == 1


def test_one_silent_piece_is_left_out_where_it_has_no_value(known_cause: Path, tmp_path: Path, features: Path) -> None:
    write(tmp_path / "silence.wav", np.zeros(48_000))
    collection = read_collection(known_cause)
    first, *others = collection.systems["torn"]
    systems = {"torn": (replace(first, path=tmp_path / "silence.wav"), *others)}
    found = score(study_of(replace(collection, systems=systems), features))
    figures = found.figures["torn"]
    for key in ("follows:brightness", "distance:spectral-kl-2024", "heard:mode", "fault:peak"):
        assert figures[key].n == ARTWORKS - 1, key
        assert math.isfinite(figures[key].value), key
    assert math.isfinite(figures["distance:spectral-kl-2024"].gap)
    own = [row["fault:silence"] for row in found.pieces["torn"].values()]
    assert own[0] == 1 > max(own[1:])


def test_what_stands_behind_a_distance_of_sets_is_told(report: Report) -> None:
    assert sum("pocket has 128 dimensions, and the smallest set 7 windows" in note for note in report.notes) == 1
    for figures in report.figures.values():
        found = figures["frechet:pocket"]
        assert 0 <= found.low < found.value < found.high
    assert report.figures["told"]["variety-within:pocket"].n == ARTWORKS
