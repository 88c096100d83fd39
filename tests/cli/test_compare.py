from __future__ import annotations

import json
from pathlib import Path

import pytest

from art2mus_core.evaluation.results import Measure, Report, write_report

from .saying import one_line

MEASURES = {
    "fit": Measure("fit", "How well it fits", "match", "higher"),
    "hiss": Measure("hiss", "How much it hisses", "faults", "lower"),
}


def scored(fit, count=12):
    return {f"p{n}": {"fit": fit + 0.01 * n, "hiss": 0.2 + 0.01 * (n % 3) * fit} for n in range(count)}


@pytest.fixture
def reports(tmp_path):
    """One report of two systems, and a folder with a report of one."""
    both = {"mine": scored(0.5), "theirs: 2": scored(0.3)}
    write_report(Report(MEASURES, {}, both), tmp_path / "both.json")
    (tmp_path / "one").mkdir()
    write_report(Report(MEASURES, {}, {"alone": scored(0.3, 9)}), tmp_path / "one" / "report.json")
    return tmp_path


def test_two_systems_of_one_report(art2mus, reports):
    both = reports / "both.json"
    code, out, err = art2mus("compare", f"{both}:mine", f"{both}:theirs: 2", model=None)
    assert (code, err) == (0, "")
    first, second, head, *rows = out.splitlines()
    assert first.startswith("A: mine ")
    assert second.startswith("B: theirs: 2 ")
    assert head.split() == ["measure", "n", "A", "B", "A", "-", "B", "95", "%", "interval", "p", "(Holm)"]
    assert rows[0].split()[:8] == ["How", "well", "it", "fits", "12", "0.555", "0.355", "0.200"]
    assert rows[0].endswith("A is better")
    assert len(rows) == 2


def test_one_system_needs_no_name_and_a_folder_holds_its_report(art2mus, reports):
    code, out, _ = art2mus("compare", reports / "one", f"{reports / 'both.json'}:theirs: 2", "--json", model=None)
    assert code == 0
    document = json.loads(out.splitlines()[-1])
    assert (document["a"], document["b"], document["seed"]) == ("alone", "theirs: 2", 0)
    assert [(row["measure"], row["n"], row["verdict"]) for row in document["measures"]] == [
        ("fit", 9, "no difference shown"),
        ("hiss", 9, "no difference shown"),
    ]


def test_with_a_single_pair_there_is_no_interval(art2mus, reports):
    write_report(Report(MEASURES, {}, {"one": scored(0.3, 1)}), Path("single.json"))
    code, out, _ = art2mus("compare", "single.json", f"{reports / 'both.json'}:mine", "--json", model=None)
    assert code == 0
    row = json.loads(out)["measures"][0]
    assert (row["n"], row["low"], row["verdict"]) == (1, None, "too few artworks to tell")
    code, out, _ = art2mus("compare", "single.json", f"{reports / 'both.json'}:mine", model=None)
    assert "nan" not in out.lower()


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ("both.json", "one", "has 2 systems"),
        ("both.json:nobody", "one", "no system named 'nobody'"),
        ("none.json", "one", "cannot be read"),
        ("both.json:mine", "empty.json", "has 0 systems"),
        ("both.json:mine", "other.json", "share no measure on the same artwork"),
        ("both.json:mine", "text.json", "is not a report"),
    ],
)
def test_a_mistake_is_one_line(art2mus, reports, a, b, words):
    write_report(Report(MEASURES, {}, {}), reports / "empty.json")
    write_report(Report(MEASURES, {}, {"other": {"elsewhere": {"fit": 1.0}}}), reports / "other.json")
    (reports / "text.json").write_text("[]")
    code, out, err = art2mus("compare", reports / a, reports / b, model=None)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert words in err
