"""Art2Music Generator in a real ComfyUI."""

from __future__ import annotations

import pytest
import torch

from .graphs import LOAD, SHORT, heard, loads, save

pytestmark = pytest.mark.host


def commented(**chosen) -> dict:
    inputs = {"image": ["1", 0], "comment": "calm", "balance": 0.5, "model": "words", **SHORT, **chosen}
    shown = {"class_type": "PreviewImage", "inputs": {"images": ["2", 1]}}
    return {"1": LOAD, "2": {"class_type": "Art2MusArt2Music", "inputs": inputs}, "3": save(["2", 0]), "4": shown}


def test_the_node_plays_what_the_core_plays_and_says_what_it_does_not_read(server, in_words, comfyui_module):
    from art2mus_core.audio.reading import read_audio
    from art2mus_core.images.listing import samples
    from art2mus_core.images.reading import read_artwork
    from art2mus_core.pipelines import load

    server.post("/free", {"unload_models": True, "free_memory": True})
    before = loads(server)[1]
    entry = server.run(commented(comment="calm sea\nRuhe", balance=0.4))
    assert entry["status"]["status_str"] == "success", server.error(entry)
    assert loads(server)[1] >= before + 5  # in the host's hands, each network of the route
    assert "none of the comment's words is known" in entry["outputs"]["2"]["text"][0]
    (music,), (_,) = server.outputs(entry), server.outputs(entry, "images")
    artwork = read_artwork(samples()["silver_forest"])
    (piece,) = load(str(in_words)).compose(
        [artwork], comments=[["calm sea", "Ruhe"]], balance=0.4, seeds=[3], seconds=1.0
    )
    torch.testing.assert_close(read_audio(music).samples, piece.samples, rtol=0, atol=2e-4)
    tags = heard(music)[2]
    assert (tags["comment"], tags["balance"], tags["model"]) == ("calm sea\nRuhe", "0.4", "words")
    assert "the longest piece that its mel decoder makes" in server.error(server.run(commented(seconds=9.0)))
    with pytest.raises(comfyui_module.RefusedError, match="no model that reads comments 'absent'"):
        server.queue(commented(model="absent"))
