"""`art2mus evaluate`: from a folder of artworks to a report, with one command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import yaml

from ..evaluation.material import write_dataset, write_sound
from .saying import one_line, written


@pytest.fixture
def study(art2mus, paintings, pocket_like, tmp_path):
    """Writes a configuration over a tiny checkpoint, and runs it."""

    def run(*options, **fields):
        systems = {
            "ours": {"kind": "artwork", "model": str(pocket_like), "steps": 1},
            "torn": {"kind": "shuffled", "of": "ours"},
        }
        config = {
            "artworks": [{"folder": str(paintings)}],
            "seconds": 2,
            "systems": systems,
            "metrics": {"resamples": 100},
            **fields,
        }
        (tmp_path / "config.yaml").write_text(yaml.safe_dump(config))
        return art2mus("evaluate", tmp_path / "config.yaml", "--out", "out", *options, model=None)

    return run


def test_a_folder_of_artworks_becomes_a_report(study):
    code, out, err = study("--json")
    assert (code, err) == (0, "")
    said = json.loads(out.splitlines()[-1])
    assert said["page"] == "out/report.html"
    assert list(said["figures"]) == ["ours", "torn"]
    assert said["figures"]["ours"]["match:pocket"]["n"] == 3
    assert said["made"]["systems"]["ours"]["steps"] == 1
    assert "<audio" in Path("out/report.html").read_text(encoding="utf-8")
    assert json.loads(Path("out/report.json").read_text(encoding="utf-8"))["art2mus_evaluation"] == 1


def test_a_second_run_makes_nothing_and_says_the_same(study):
    first = study()
    music = {path: Path(path).stat().st_mtime_ns for path in written() if path.endswith((".flac", ".npy"))}
    report = Path("out/report.json").read_bytes()
    assert first[0] == 0
    code, said, errors = study()
    replaced = [line for line in said.splitlines() if line.startswith("replaced ")]
    assert (code, "".join(f"{line}\n" for line in said.splitlines() if line not in replaced), errors) == first
    assert any("report.html" in line for line in replaced)
    assert {path: Path(path).stat().st_mtime_ns for path in music} == music
    assert Path("out/report.json").read_bytes() == report


def test_scoring_the_folder_again_finds_the_same(study, art2mus):
    study()
    evaluated = json.loads(Path("out/report.json").read_text())
    assert art2mus("score", "out", "--resamples", "100", model=None)[0] == 0
    scored = json.loads(Path("out/report.json").read_text())
    assert (scored["figures"], scored["pieces"]) == (evaluated["figures"], evaluated["pieces"])


def test_other_artworks_take_the_place_of_the_files(study, tmp_path):
    write_dataset(tmp_path / "pairs", {"test": 2})
    code, out, _ = study("--artworks", tmp_path / "pairs" / "artworks", "--json")
    assert code == 0
    assert json.loads(out.splitlines()[-1])["made"]["groups"] == {"artworks": 2}


def test_a_reference_a_piece_or_an_artwork_that_cannot_be_read_is_left_out_and_told(study, paintings, tmp_path):
    names = sorted(path.stem for path in paintings.iterdir())
    for number, name in enumerate(names):
        write_sound(tmp_path / "real" / f"{name}.flac", number, 2.5)
        write_sound(tmp_path / "theirs" / f"{name}.flac", 10 + number, 2.5)
    bad = (tmp_path / "real" / f"{names[0]}.flac", tmp_path / "theirs" / f"{names[1]}.flac", paintings / "zz.png")
    for path in bad:
        path.write_bytes(b"nothing")
    systems = {"theirs": {"kind": "folder", "folder": str(tmp_path / "theirs")}, "real": {"kind": "reference"}}
    code, out, err = study("--json", reference=str(tmp_path / "real"), systems=systems)
    assert (code, one_line(err)) == (2, True)
    said = json.loads(out.splitlines()[-1])
    assert set(said["made"]["left_out"]) == set(map(str, bad))
    assert all(path.name in err for path in bad)
    assert said["made"]["pieces"] == {"theirs": 2, "real": 2}
    assert said["figures"]["theirs"]["distance:log-spectral"]["n"] == 1
    assert not Path("out/reference", bad[0].name).exists()


def test_a_judge_that_is_not_here_is_told_before_anything_is_made(study):
    code, out, err = study("--embedder", "clap-music")
    assert (code, out) == (2, "")
    assert one_line(err)
    assert "art2mus fetch clap-music" in err
    assert "--skip-missing" in err
    assert written() == []
    code, out, _ = study("--embedder", "pocket", "--embedder", "clap-music", "--skip-missing")
    assert code == 0
    assert "clap-music was skipped" in out


@pytest.mark.parametrize(
    ("options", "fields", "said"),
    [
        ((), {"seconds": 0}, "seconds"),
        ((), {"sytems": {}}, "sytems"),
        ((), {"artworks": [{"folder": "nowhere"}]}, "nowhere"),
        (("--artworks", "nowhere"), {}, "nowhere"),
        (("--embedder", "mert"), {}, "no evaluation model 'mert'"),
        ((), {"metrics": {"resamples": 3}}, "3 resamples"),
        (("--device", "abacus"), {}, "the device 'abacus'"),
    ],
)
def test_what_cannot_be_evaluated_is_one_line_and_leaves_nothing(study, options, fields, said):
    code, out, err = study(*options, **fields)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert said in err
    assert written() == []


def test_a_system_in_a_format_that_is_only_imitated_is_told_before_it_works(study, monkeypatch, pocket_like):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    systems = {"slow": {"kind": "artwork", "model": str(pocket_like), "steps": 1, "precision": "bfloat16"}}
    code, _, err = study(systems=systems)
    assert (code, one_line(err)) == (0, True)
    assert "bfloat16" in err


def test_an_unknown_configuration(art2mus):
    code, _, err = art2mus("evaluate", "nothing", "--out", "out", model=None)
    assert (code, one_line(err)) == (2, True)
    assert "art2music, bundled, held_out, published" in err


def test_a_report_that_cannot_be_written_is_told_before_anything_is_made(study):
    Path("out/report.html").mkdir(parents=True)
    code, out, err = study()
    assert (code, out, one_line(err)) == (2, "", True)
    assert "report.html is a folder" in err
    assert written() == []
