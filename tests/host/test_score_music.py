"""Score Music in a real ComfyUI."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from .graphs import LOAD, in_one_node, loads

pytestmark = pytest.mark.host

VALUES = ("match", "chance", "onset_rate", "loudness", "brightness", "mode")
REPORT, PICTURE = 6, 7


def scored(prompt: dict, audio: list, image: list, encoder: str = "tiny") -> dict:
    """A graph whose end is scored, each value shown as text and the picture as a picture."""
    show = {
        f"show {name}": {"class_type": "PreviewAny", "inputs": {"source": ["score", slot]}}
        for slot, name in enumerate((*VALUES, "report"))
    }
    score = {"class_type": "Art2MusScoreMusic", "inputs": {"image": image, "audio": audio, "encoder": encoder}}
    picture = {"class_type": "PreviewImage", "inputs": {"images": ["score", PICTURE]}}
    return {**prompt, "score": score, **show, "show picture": picture}


def shown(entry: dict, name: str) -> list[str]:
    return entry["outputs"][f"show {name}"]["text"]


def played(server, prompt: dict) -> dict:
    entry = server.run(prompt)
    assert entry["status"]["status_str"] == "success", server.error(entry)
    return entry


def composed(**chosen) -> dict:
    prompt = in_one_node(steps=2, **chosen)
    return {name: node for name, node in prompt.items() if name != "3"}


def silence(seconds: float) -> dict:
    return {"class_type": "EmptyAudio", "inputs": {"duration": seconds, "sample_rate": 44100, "channels": 2}}


def test_music_is_scored_with_its_artwork(server):
    entry = played(server, scored(composed(), ["2", 0], ["1", 0]))
    (report,) = shown(entry, "report")
    for name, line in (("match", "Match"), ("chance", "By chance")):
        (value,) = shown(entry, name)
        assert float(re.search(rf"^{line} (-?\d\.\d\d)", report, re.MULTILINE)[1]) == pytest.approx(
            float(value), abs=6e-3
        )
    assert "not independent evidence" in report
    assert all(len(shown(entry, name)) == 1 for name in VALUES)
    (picture,) = server.outputs(entry, "images")
    with Image.open(picture) as drawn:
        assert drawn.width == 1440


def test_a_batch_is_scored_piece_by_piece(server):
    """The same as each alone, and one artwork serves them all."""
    both = {"class_type": "ImageBatch", "inputs": {"image1": ["1", 0], "image2": ["8", 0]}}
    other = {"class_type": "Art2MusLoadArtwork", "inputs": {"artwork": "garden ablaze (sample)"}}
    pieces = {**composed(image=["7", 0]), "7": both, "8": other}
    together = played(server, scored(pieces, ["2", 0], ["7", 0]))
    alone = played(server, scored(composed(), ["2", 0], ["1", 0]))
    with_one = played(server, scored(pieces, ["2", 0], ["1", 0]))
    assert float(shown(together, "match")[0]) == pytest.approx(float(shown(alone, "match")[0]), abs=1e-5)
    assert len(shown(together, "report")) == len(server.outputs(together, "images")) == 2
    assert shown(together, "match")[0] == shown(with_one, "match")[0]
    assert shown(together, "match")[1] != shown(with_one, "match")[1]


def test_any_sound_is_scored(server):
    entry = played(server, scored({"1": LOAD, "2": silence(1.5)}, ["2", 0], ["1", 0]))
    (report,) = shown(entry, "report")
    assert "Faults: silence." in report
    assert "not independent evidence" not in report
    assert shown(entry, "loudness") == ["-70.0"]


def test_encoders_are_in_the_hosts_hands(server):
    server.post("/free", {"unload_models": True, "free_memory": True})
    prompt = {"1": LOAD, "2": silence(1.7)}
    before = loads(server)[1]
    played(server, scored(prompt, ["2", 0], ["1", 0]))
    assert loads(server)[1] == before + 2


def test_what_cannot_be_scored_is_said_in_words(server, comfyui_module):
    two = {"class_type": "RepeatImageBatch", "inputs": {"image": ["1", 0], "amount": 2}}
    many = {"1": LOAD, "2": silence(1.5), "3": two}
    assert "2 artworks for 1 pieces" in server.error(server.run(scored(many, ["2", 0], ["3", 0])))
    brief = {"1": LOAD, "2": silence(0.2)}
    assert "a sound of 0.20 s" in server.error(server.run(scored(brief, ["2", 0], ["1", 0])))
    with pytest.raises(comfyui_module.RefusedError, match="eyes"):
        server.queue(scored({"1": LOAD, "2": silence(1.5)}, ["2", 0], ["1", 0], encoder="eyes"))
