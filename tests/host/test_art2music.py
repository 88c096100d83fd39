"""Art2Music Generator in a real ComfyUI."""

from __future__ import annotations

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from .graphs import commented, executed, heard, loads

pytestmark = pytest.mark.host


def test_the_node_plays_what_the_core_plays_and_says_what_it_does_not_read(server, in_words):
    from art2mus_core.audio.reading import read_audio
    from art2mus_core.images.listing import samples
    from art2mus_core.images.reading import read_artwork
    from art2mus_core.pipelines import load

    (in_words / "model_index.json").touch()  # so that it is opened anew
    before = loads(server)[1]
    entry = server.run(commented(comment="calm sea\nRuhe", balance=0.4))
    (music,), (_,) = server.outputs(entry), server.outputs(entry, "images")
    assert loads(server)[1] == before + 5  # in the host's hands, each network of the route
    (line,) = [line for output in entry["outputs"].values() for line in output.get("text", [])]
    assert "none of the comment's words is known" in line
    artwork = read_artwork(samples()["silver_forest"])
    (piece,) = load(str(in_words)).compose(
        [artwork], comments=[["calm sea", "Ruhe"]], balance=0.4, seeds=[3], seconds=1.0
    )
    torch.testing.assert_close(read_audio(music).samples, piece.samples, rtol=0, atol=2e-4)
    tags = heard(music)[2]
    assert (tags["comment"], tags["balance"], tags["model"]) == ("calm sea\nRuhe", "0.4", "words")


def test_another_comment_is_other_music_of_the_same_opened_model(server):
    """Not so before Save Audio in hosts that keep nothing unused, as for Artwork to Music."""
    played, counts = [], []
    for comment in ("calm", "wild", "calm"):
        preview = {"class_type": "Art2MusPreviewMusic", "inputs": {"audio": ["2", 0]}}
        played += server.outputs(server.run(commented(comment=comment) | {"3": preview}))
        counts.append(loads(server)[1])
    calm, wild, again = (heard(path)[1] for path in played)
    assert calm == again
    assert calm != wild
    assert counts == counts[:1] * 3


def test_each_picture_of_a_list_has_its_own_comment_and_all_one_model(server, in_words):
    (in_words / "model_index.json").touch()
    before = loads(server)[1]
    prompt = commented(image=["1", 0], comment=["1", 2])
    prompt["1"] = {"class_type": "Art2MusArtworkFolder", "inputs": {"folder": "Samples", "start": 1, "count": 2}}
    said = [heard(path)[2]["comment"] for path in server.outputs(server.run(prompt))]
    assert len(set(said)) == 2
    assert all(said)
    assert loads(server)[1] == before + 5


def test_a_changed_file_of_the_model_is_heard_and_a_missing_one_is_told(server, comfyui_module, in_words):
    own = shutil.copytree(in_words, server.base / "models" / "art2mus" / "own")
    prompt = commented(model="own")
    (before,) = server.outputs(executed(server, prompt)[0])
    assert executed(server, prompt)[1] == []
    weights = own / "fusion" / "model.safetensors"
    save_file({name: -value for name, value in load_file(weights).items()}, weights)
    (after,) = server.outputs(server.run(prompt))
    assert heard(before)[1] != heard(after)[1]
    weights.unlink()
    assert "own has no weights of its fusion" in server.error(server.run(prompt))
    shutil.rmtree(own)
    with pytest.raises(comfyui_module.RefusedError, match="no model that reads comments 'own'"):
        server.queue(prompt)


def test_what_cannot_be_made_is_told(server, comfyui_module):
    assert "the longest piece that its mel decoder makes" in server.error(server.run(commented(seconds=9.0)))
    assert "tiny, whose class is AudioLDM2Pipeline" in server.error(server.run(commented(model="tiny")))
    for chosen, said in (
        ({"model": "absent"}, "no model that reads comments 'absent'"),
        ({"seconds": 10.5}, "bigger than max of 10.0"),
    ):
        with pytest.raises(comfyui_module.RefusedError, match=said):
            server.queue(commented(**chosen))
