"""Captions by captioners, published texts and endpoints."""

from __future__ import annotations

import json

from ...captioning import write_blip
from ...rating.endpoint import answering, completion
from .folders import fill, utterance


def test_captions_are_made_counted_and_read(dataset, tmp_path):
    data, (pictures, sounds) = tmp_path / "data", fill(tmp_path / "sources", 3)
    dataset("scan", data, "--artworks", pictures, "--music", sounds)
    code, out, err = dataset("caption", data)
    assert (code, err) == (0, "")
    assert out.splitlines() == ["artworks", "  rows      3", "  metadata  3", "music", "  rows      3", "  metadata  3"]
    captioner = write_blip(tmp_path / "blip")
    code, out, err = dataset("caption", data, "--captioner", captioner, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {"data": str(data), "artworks": {"rows": 3, "captioned": 3}, "faults": []}
    attached = ("caption", data, "--texts", "artemis", "--from", utterance(tmp_path / "texts", "artist 1"), "--json")
    assert json.loads(dataset(*attached)[1])["artworks"] == {"rows": 3, "captioned": 1, "texts": 1}
    code, out, _ = dataset("caption", data, "--only", "artworks", "--json")
    assert json.loads(out)["artworks"] == {"rows": 3, "metadata": 3, "artemis": 1, "blip": 3}
    code, _, err = dataset(*attached[:-1], "--only", "music")
    assert code == 2
    assert "no text of artemis is about a work" in err
    code, _, err = dataset("caption", data, "--captioner", captioner, "--only", "music")
    assert code == 2
    assert "no captioner of music" in err


def test_what_goes_to_another_machine_is_told_and_needs_consent(dataset, tmp_path, monkeypatch):
    data, (pictures, _) = tmp_path / "data", fill(tmp_path / "sources", 2)
    dataset("scan", data, "--artworks", pictures)
    sent = ("caption", data, "--endpoint", "http://nowhere.invalid/v1", "--model", "m", "--only", "artworks")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    code, _, err = dataset(*sent)
    assert (code, "no key in the variable" in err) == (2, True)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-nobody")
    code, _, err = dataset(*sent)
    assert code == 2
    assert "Up to 2 pictures are sent to nowhere.invalid, for m" in err
    assert "The connection is not encrypted" in err
    assert "--yes" in err
    assert not (data / "captions").exists()


def test_an_endpoint_on_this_machine_is_asked_at_once(dataset, tmp_path):
    data, (pictures, _) = tmp_path / "data", fill(tmp_path / "sources", 2)
    dataset("scan", data, "--artworks", pictures)
    with answering() as server:
        server.usual = lambda body: completion("a red square")
        sent = ("caption", data, "--endpoint", server.url, "--model", "m", "--only", "artworks", "--json")
        code, out, err = dataset(*sent)
        assert (code, err) == (0, "")
        assert json.loads(out)["artworks"] == {"rows": 2, "captioned": 2}
        dataset(*sent)
        assert len(server.asked) == 2
