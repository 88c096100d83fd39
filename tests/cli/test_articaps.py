"""From a table of utterances and one of captions to pairs."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pytest

from art2mus_core.datasets.articaps import TEXT_PAIRS
from art2mus_core.datasets.sources.articaps import read_articaps
from art2mus_core.datasets.sources.tables import TABLES

from ..sentence_model import write_sentence_model


@pytest.fixture
def articaps(art2mus):
    """Runs the command on the tables of this folder."""
    return lambda *arguments: art2mus("dataset", "articaps", *arguments, model=None)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be written to."""
    return write_sentence_model(tmp_path_factory.mktemp("sentences") / "tiny")


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    monkeypatch.chdir(tmp_path)
    for name, known, rows in (
        ("said.csv", "ArtEmis", [("Cubism", f"a_{text}", "awe", text) for text in ("so blue", "dark", "a storm")]),
        (
            "heard.csv",
            "MusicCaps",
            [(f"v{text[0]}", 0, 10, "/m/1", "['x']", text, 1, True, True) for text in ("a flute", "drums", "low hum")],
        ),
    ):
        with Path(name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([TABLES[known], *rows])
    return "said.csv", "heard.csv"


def test_two_tables_become_pairs(articaps, tables, model):
    pytest.importorskip("sentence_transformers", reason="sentence-transformers, of the extra texts, is not installed")
    given = (*tables, "--model", model, "--out", "data", "--validation", 0, "--test", 0, "--workers", 1)
    code, out, err = articaps(*given, "--published")
    assert (code, err) == (0, "")
    assert "train: 3 pairs of 3 utterances and 3 captions" in out
    assert "the best pairs" in out
    assert "so blue (awe)" in out
    rows = list(TEXT_PAIRS.read(Path("data") / TEXT_PAIRS.file))
    assert [row.input_text for row in rows] == ["so blue", "dark", "a storm"]
    assert [each.artwork for each in read_articaps(Path("data"))] == [f"{row.input_artwork}.jpg" for row in rows]
    code, out, err = articaps(*given, "--json")
    told = json.loads(out)
    assert (code, err, told["data"], told["emotions"]) == (0, "", "data", {"awe": 3})
    assert told["captions"] == {"rows": 3, "distinct": 3, "vectors": 3}
    code, out, err = articaps(*given, "--floor", 1)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "no pair among 3 utterances and 3 captions" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nowhere", "heard.csv", "--model", "."), "no artemis_dataset_release_v0.csv"),
        (("heard.csv", "said.csv", "--model", "."), "it seems to be the table of MusicCaps"),
        (("said.csv", "heard.csv", "--model", "."), "is no sentence encoder"),
        (("said.csv", "heard.csv", "--model", "nobody"), "no sentence encoder 'nobody'"),
        (("said.csv", "heard.csv", "--model", ".", "--mode", "best"), "mode 'best'"),
        (("said.csv", "heard.csv", "--model", ".", "--floor", "2"), "floor 2"),
        (("said.csv", "heard.csv", "--model", ".", "--caption-source", "genius"), "a source 'genius' of texts"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_wrong_is_one_line(articaps, tables, arguments, told):
    code, out, err = articaps(*arguments, "--out", "data")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert told in err


def test_without_the_library_the_extra_is_named(articaps, tables, monkeypatch, capsys):
    write_sentence_model(Path("other"), seed=1)  # `model` may be open
    capsys.readouterr()  # transformers tells that it writes
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    code, out, err = articaps(*tables, "--model", "other", "--out", "data", "--workers", 1)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "pip install 'art2mus[texts]'" in err
