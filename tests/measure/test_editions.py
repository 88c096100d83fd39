"""What compares editions: `benchmarks/labelled_paintings.py`, `quality.py`, `same_music.py`, and the other tree's code that they run."""

from __future__ import annotations

import importlib
import json
import math
import shutil
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from art2mus_core.images.listing import samples
from art2mus_core.images.reading import read_artwork
from art2mus_core.measure.sets.intervals import Interval
from art2mus_core.pipelines import load

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def script(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module(name)


@pytest.fixture
def contrasts(monkeypatch):
    return script("contrasts", monkeypatch)


@pytest.fixture
def trees(monkeypatch):
    return script("trees", monkeypatch)


def test_auc_counts_pairs(contrasts):
    assert contrasts.auc(np.array([3.0, 1.0, math.nan]), np.array([1.0, 2.0])) == 2.5 / 4
    assert contrasts.auc(np.array([5.0]), np.array([1.0, 2.0])) == 1
    assert math.isnan(contrasts.auc(np.array([math.nan]), np.array([1.0])))


def test_kinds_of_paintings_follow_labels_and_lightness(contrasts, tmp_path):
    rows = ["1,1,cold", "2,2,cold", "3,3,neutral", "4,4,warm", "5,5,warm", "5,3,neutral"]
    text = "file,part,artist,title,year,arousal,valence,warmth,confidence\n"
    text += "".join(f"{n}.png,{'AB'[n == 5]},Ada,Grey,1900,{row},high\n" for n, row in enumerate(rows))
    (tmp_path / "LABELS.csv").write_text(text, encoding="utf-8")
    for n in range(6):
        Image.new("RGB", (7, 5), (40 * n, 40 * n, 40 * n)).save(tmp_path / f"{n}.png")
    paintings = contrasts.read_labels(tmp_path, "all")
    found = {
        name: [side.nonzero()[0].tolist() for side in sides]
        for name, sides in contrasts.Contrasts(paintings).sides.items()
    }
    assert found == {
        "agitated against calm": [[3, 4, 5], [0, 1]],
        "joyful against sad": [[3, 4], [0, 1]],
        "cold against warm": [[0, 1], [3, 4]],
        "light against dark": [[4, 5], [0, 1]],
    }
    assert [painting.path.name for painting in contrasts.read_labels(tmp_path, "B")] == ["5.png"]
    assert paintings[0].title == "Ada: Grey, 1900"


def test_a_separation_is_the_mean_of_its_seeds(contrasts):
    values = np.array([[1.0, 2.0, 3.0, 4.0, 9.0], [1.0, 2.0, 0.0, 0.0, 9.0]])
    upper, lower = np.array([0, 0, 1, 1, 0], bool), np.array([1, 1, 0, 0, 0], bool)
    assert contrasts.separation(values, upper, lower, np.arange(5)) == 0.5
    assert contrasts.separation(values, upper, lower, np.array([0, 1, 2, 2])) == 0.5
    assert math.isnan(contrasts.separation(values, upper, lower, np.array([0, 1, 4])))


def test_correlations_are_pearsons_and_a_drone_has_none(contrasts):
    strengths = np.random.default_rng(0).random((4, 37))
    strengths[2] = 0
    found = contrasts.correlations(strengths)
    kept = [0, 1, 3]
    assert np.allclose(found[np.ix_(kept, kept)], np.corrcoef(strengths[kept]))
    assert not found[2].any()


def test_likeness_leaves_out_a_piece_and_itself(contrasts):
    matrix = np.array([[1.0, 0.2, 0.4], [0.2, 1.0, 0.6], [0.4, 0.6, 1.0]])
    assert contrasts.likeness([matrix], np.arange(3)) == pytest.approx(0.4)
    assert contrasts.likeness([matrix, matrix + 0.2], np.array([0, 0, 1])) == pytest.approx(0.3)
    assert math.isnan(contrasts.likeness([matrix], np.array([1, 1, 1])))


def test_values_are_shown_with_their_intervals(monkeypatch):
    table = script("edition_table", monkeypatch)
    assert table.shown(Interval(0.7612, 0.5, 1.0, 0.1)) == ".76 [.50, 1.00]"
    assert table.shown(Interval(-0.044, -0.1, 0.02, 0.1)) == "-.04 [-.10, .02]"
    assert [table.shown(Interval(x)) for x in (-38.96, 1.95, 360.2)] == ["-39.0", "1.95", "360"]


def test_a_difference_has_the_same_pairs_on_both_sides(monkeypatch):
    quality = script("quality", monkeypatch)
    values = np.random.default_rng(0).random(23)
    first, this = (lambda i: float(values[i].mean())), (lambda i: float(values[i].mean()) + 0.25)
    assert quality.differences({"2AFC": this}, {"2AFC": first}, 23) == {"2AFC": [0.25, 0.25, 0.25]}


def test_another_trees_code_answers(trees, tmp_path):
    """A copy of this tree in which every picture has the same tonic, asked from this tree's folder."""
    tree = tmp_path / "tree"
    shutil.copytree(trees.PACK / "art2mus_core", tree / "art2mus_core", ignore=shutil.ignore_patterns("__pycache__"))
    with (tree / "art2mus_core" / "character.py").open("a", encoding="utf-8") as file:
        file.write("\n\ndef tonic_of(hue):\n    return 13\n")
    paths = list(samples().values())[:2]
    found = trees.ask(tree, "pictures", artworks=[str(path) for path in paths], model="pocket")
    assert [each["tonic"] for each in found["characters"]] == [13, 13]
    assert found["characters"][0]["arousal"] != found["characters"][1]["arousal"]
    assert found["milliseconds"] > 0


def test_another_trees_music_is_the_pipelines(trees, tmp_path):
    path = next(iter(samples().values()))
    job = {"artworks": [str(path)], "seeds": [5], "dtype": "float32", "seconds": 1.0, "out": str(tmp_path)}
    rate = trees.ask(trees.PACK, "pieces", **job)
    piece = load().compose([read_artwork(path)], seeds=[5], seconds=1.0)[0]
    assert rate == piece.sample_rate
    assert torch.allclose(torch.from_numpy(np.load(tmp_path / "0.npy")), piece.samples[0], atol=1e-4)


def test_cost_compares_two_trees_in_turn(monkeypatch, capsys):
    cost, order = script("cost", monkeypatch), []

    def compose(tree, *arguments):
        order.append(tree.name)
        return (2.0, 0.5) if tree == cost.PACK else (1.0, 0.25)

    monkeypatch.setattr(cost, "compose", compose)
    monkeypatch.setattr(cost, "checked_out", lambda commit: nullcontext(Path(commit)))
    artwork = next(iter(samples().values()))
    monkeypatch.setattr(
        cost.sys, "argv", ["cost.py", str(artwork), "--before", "earlier", "--runs", "2", "--many", "4"]
    )
    cost.main()
    found = json.loads(capsys.readouterr().out)
    assert order == ["earlier", cost.PACK.name] * 4
    assert found["this"]["one piece, seconds"] == [2.0, 2.0]
    assert found["before"]["seconds a piece of the folder"] == 0.25
    assert set(found["ratio"].values()) == {2.0}


def test_a_folder_that_is_no_tree_is_refused(trees, tmp_path, monkeypatch):
    monkeypatch.setattr(trees, "environment", lambda tree: {"PYTHONPATH": str(trees.PACK), "PATH": "/usr/bin"})
    with pytest.raises(SystemExit, match="the root of a checked-out tree"):
        trees.ask(tmp_path, "pictures", artworks=[str(next(iter(samples().values())))], model="pocket")


def test_the_command_compares_two_editions(tmp_path, monkeypatch, capsys):
    """This tree with itself, on two pictures: the music, the AUCs and the lists are those of one edition twice."""
    pytest.importorskip("librosa")
    command = script("labelled_paintings", monkeypatch)
    paths = list(samples().values())[:2]
    rows = [
        f"{path.name},B,Ada,Grey,1900,{level},{level},{kind}"
        for path, level, kind in zip(paths, (1, 5), ("cold", "warm"), strict=True)
    ]
    (tmp_path / "LABELS.csv").write_text(
        "\n".join(["file,part,artist,title,year,arousal,valence,warmth", *rows]), encoding="utf-8"
    )
    for path in paths:
        shutil.copy(path, tmp_path / path.name)
    sheet, out = tmp_path / "sheet.jpg", tmp_path / "music"
    options = ["--seconds", "1", "--steps", "1", "--no-level"]
    given = [str(tmp_path), "--first", str(command.PACK), "--out", str(out), "--sheet", str(sheet), "--markdown"]
    monkeypatch.setattr(command.sys, "argv", ["labelled_paintings.py", *given, "--", *options])
    command.main()
    table, document = capsys.readouterr().out.rstrip().rsplit("\n", 1)
    found = json.loads(document)
    assert table.startswith("| | n | first edition | this edition | difference | aim |")
    assert found["paintings"] == 2
    assert found["options"] == options
    assert found["notes"]["this"]["characters by"] == "encoder"
    for row in found["rows"]:
        if row["title"] != "image encoder, ms a picture":
            assert row["first"] == row["this"], row["title"]
    with Image.open(sheet) as drawn:
        assert drawn.width > 100
    assert sorted(path.name for path in out.iterdir()) == ["first", "heard", "this"]


def test_music_is_compared_without_what_older_commits_lack(trees, tmp_path, monkeypatch):
    same, given = script("same_music", monkeypatch), []
    monkeypatch.setattr(same, "compose", lambda tree, *arguments, threads: given.extend(arguments))
    same.compose_samples(trees.PACK, tmp_path, "ddim", 1.0)
    assert {"--shared-noise", "--no-level"} <= set(given)
