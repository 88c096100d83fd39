"""An aligner that was trained, exported and installed by the commands, in a graph."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from art2mus_core.audio.reading import read_audio
from art2mus_core.cli import main

from .graphs import IDS, executed, heard, in_four_nodes, in_one_node

pytestmark = pytest.mark.host


def art2mus(*arguments: object) -> None:
    with pytest.raises(SystemExit) as leaving:
        main([*map(str, arguments)])
    assert leaving.value.code == 0


def test_it_is_listed_at_once_and_plays_what_compose_plays(  # noqa: PLR0917
    server, small_pairs: Path, small_yaml: Path, pocket_like: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from art2mus_core.images.listing import samples

    monkeypatch.setenv("ART2MUS_HOME", str(server.base / "models" / "art2mus"))
    run, piece = tmp_path / "run", tmp_path / "piece.flac"
    art2mus("train", small_yaml, "--data", small_pairs, "--prior", pocket_like, "--run", run, "--steps", 2)
    art2mus("export", run, "--install", "trained")
    chosen = ("--model", pocket_like, "--aligner", "trained", "--seed", 3, "--seconds", 1, "--steps", 2)
    art2mus("compose", samples()["silver_forest"], *chosen, "--guidance", 2, "--precision", "float32", "--out", piece)

    node = server.get(f"/object_info/{IDS[3]}")[IDS[3]]
    assert "trained" in node["input"]["required"]["aligner"][1]["options"]
    pieces = []
    for aligner in ("trained", "model"):
        (path,) = server.outputs(server.run(in_four_nodes(aligner=aligner, steps=2)))
        pieces.append(read_audio(path).samples)
    expected = read_audio(piece).samples
    torch.testing.assert_close(pieces[0], expected, rtol=0, atol=2e-4)
    assert (pieces[1] - expected).abs().max() > 2e-3  # the checkpoint's own aligner


def test_one_that_was_trained_again_is_heard_under_its_old_name(  # noqa: PLR0917
    server, small_pairs: Path, small_yaml: Path, pocket_like: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    place, run = server.base / "models" / "art2mus", tmp_path / "run"
    monkeypatch.setenv("ART2MUS_HOME", str(place))
    (place / "again").mkdir()
    art2mus("train", small_yaml, "--data", small_pairs, "--prior", pocket_like, "--run", run, "--steps", 2)
    for graph, anew in ((in_four_nodes, ["4", "5", "6"]), (in_one_node, ["2", "3"])):
        shutil.copy(pocket_like / "aligner" / "model.safetensors", place / "again" / "again.safetensors")
        prompt = graph(aligner="again", steps=2)
        before = server.run(prompt)
        assert executed(server, prompt)[1] == []
        art2mus("export", run, "--install", "again")
        after, ran = executed(server, prompt)
        assert ran == anew
        earlier, later = (heard(server.outputs(entry)[0])[1] for entry in (before, after))
        assert earlier != later
        assert executed(server, prompt)[1] == []
