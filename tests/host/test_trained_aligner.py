"""An aligner that was trained, exported and installed by the commands, in a graph."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from art2mus_core.audio.reading import read_audio
from art2mus_core.cli import main

from .graphs import IDS, executed, in_four_nodes, in_one_node

pytestmark = pytest.mark.host


def test_it_is_listed_at_once_and_plays_what_compose_plays(  # noqa: PLR0917
    server, small_pairs: Path, small_yaml: Path, pocket_like: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from art2mus_core.images.listing import samples

    def art2mus(*arguments: object) -> None:
        with pytest.raises(SystemExit) as leaving:
            main([*map(str, arguments)])
        assert leaving.value.code == 0

    monkeypatch.setenv("ART2MUS_HOME", str(server.base / "models" / "art2mus"))
    run, piece = tmp_path / "run", tmp_path / "piece.flac"
    art2mus("train", small_yaml, "--data", small_pairs, "--prior", pocket_like, "--run", run, "--steps", 2)
    art2mus("export", run, "--install", "trained")
    chosen = ("--model", pocket_like, "--aligner", "trained", "--seed", 3, "--seconds", 1, "--steps", 2)
    art2mus("compose", samples()["silver_forest"], *chosen, "--out", piece)

    node = server.get(f"/object_info/{IDS[3]}")[IDS[3]]
    assert "trained" in node["input"]["required"]["aligner"][1]["options"]
    pieces = []
    for aligner in ("trained", "model"):
        (path,) = server.outputs(server.run(in_four_nodes(aligner=aligner, steps=2)))
        pieces.append(read_audio(path).samples)
    expected = read_audio(piece).samples
    torch.testing.assert_close(pieces[0], expected, rtol=0, atol=2e-4)
    assert (pieces[1] - expected).abs().max() > 2e-3  # the checkpoint's own aligner

    prompts = [each(aligner="trained", steps=2) for each in (in_four_nodes, in_one_node)]
    earlier = [server.outputs(executed(server, prompt)[0])[0] for prompt in prompts]
    assert [executed(server, prompt)[1] for prompt in prompts] == [[], []]
    again = tmp_path / "again"
    art2mus(
        "train", small_yaml, "--data", small_pairs, "--prior", pocket_like, "--run", again, "--steps", 2, "--seed", 7
    )
    art2mus("export", again, "--install", "trained")
    art2mus("compose", samples()["silver_forest"], *chosen, "--out", piece)
    expected = read_audio(piece).samples
    for prompt, before, run_again in zip(prompts, earlier, (["4", "5", "6"], ["2", "3"]), strict=True):
        entry, ran = executed(server, prompt)
        assert ran == run_again
        torch.testing.assert_close(read_audio(server.outputs(entry)[0]).samples, expected, rtol=0, atol=2e-4)
        assert (read_audio(before).samples - expected).abs().max() > 2e-3
