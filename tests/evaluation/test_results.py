"""A report is written and read back."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from art2mus_core.errors import EvaluationError, OutputError
from art2mus_core.evaluation.results import Measure, Report, Result, Scatter, read_report, write_report


@pytest.fixture
def report() -> Report:
    return Report(
        {"match:pocket": Measure("match:pocket", "Match", "match", "higher", "a cosine")},
        {"ours": {"match:pocket": Result(0.5, 3, 0.25, 0.75, 0.125, 4.5)}, "theirs": {}},
        {"ours": {"dawn": {"match:pocket": 0.5}}},
        (Scatter("ours", "paintings", "contrast", "onset rate", (("dawn", 0.5, 2.0),)),),
        ("seven paintings are few",),
        {"seed": 0},
    )


def test_a_report_is_read_as_it_was_written(report: Report, tmp_path: Path) -> None:
    write_report(report, tmp_path / "report.json")
    assert read_report(tmp_path / "report.json") == report


def test_what_is_no_number_is_null_and_read_as_none(report: Report, tmp_path: Path) -> None:
    report.figures["theirs"]["match:pocket"] = Result(math.nan, 0, math.inf)
    report.pieces["ours"]["dawn"]["match:pocket"] = math.nan
    write_report(report, tmp_path / "report.json")
    assert "NaN" not in (tmp_path / "report.json").read_text()
    found = read_report(tmp_path / "report.json")
    assert math.isnan(found.figures["theirs"]["match:pocket"].value)
    assert found.figures["theirs"]["match:pocket"].low is None
    assert math.isnan(found.pieces["ours"]["dawn"]["match:pocket"])


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"art2mus_evaluation": 1}', "\N{SNOWMAN}", "[" * 100_000])
def test_what_is_no_report(tmp_path: Path, content: str) -> None:
    (tmp_path / "report.json").write_text(content, encoding="utf-8")
    with pytest.raises(EvaluationError, match="is not a report of this version"):
        read_report(tmp_path / "report.json")


@pytest.mark.parametrize(
    ("part", "content", "place"),
    [
        ("figures", {"ours": {"match:pocket": {"value": "high", "n": 3}}}, "figures.ours.match:pocket.value"),
        ("figures", {"ours": {"match:pocket": {"value": 0.5}}}, "figures.ours.match:pocket.n"),
        ("figures", {"ours": 3}, "figures.ours"),
        ("measures", {"x": {"key": "x", "title": "X", "group": "match", "better": "more"}}, "measures.x.better"),
        ("pieces", {"ours": {"dawn": {"x": []}}}, "pieces.ours.dawn.x"),
        (
            "scatters",
            [{"system": "a", "group": "g", "across": "x", "up": "y", "points": [["dawn", 1]]}],
            "scatters.0.points.0",
        ),
        ("notes", 3, "notes"),
    ],
)
def test_a_report_with_other_content_is_refused_with_its_place(
    report: Report, tmp_path: Path, part: str, content: object, place: str
) -> None:
    path = tmp_path / "report.json"
    write_report(report, path)
    path.write_text(json.dumps({**json.loads(path.read_text()), part: content}))
    with pytest.raises(EvaluationError, match="is not a report of this version") as caught:
        read_report(path)
    assert place in caught.value.came
    assert "\n" not in str(caught.value)


def test_another_version_and_no_file(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    write_report(report, path)
    path.write_text(json.dumps({**json.loads(path.read_text()), "art2mus_evaluation": 7}))
    with pytest.raises(EvaluationError, match="version 7"):
        read_report(path)
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_report(tmp_path / "nowhere.json")
    with pytest.raises(OutputError):
        write_report(report, path / "inside.json")


def test_a_report_of_names_that_are_no_text_is_read_as_it_was_written(tmp_path):
    report = Report({}, {}, {"caf\udce9": {"a\udce9--2": {"x": 1.0}}})
    write_report(report, tmp_path / "report.json")
    assert (tmp_path / "report.json").read_text(encoding="utf-8")
    assert read_report(tmp_path / "report.json").pieces == report.pieces
