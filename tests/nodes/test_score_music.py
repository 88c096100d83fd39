"""What Score Music offers, and what it refuses before anything is loaded."""

from __future__ import annotations

import json

import pytest
import torch


def sound(pieces=1, seconds=1.5):
    return {"waveform": torch.zeros(pieces, 2, round(8000 * seconds)), "sample_rate": 8000}


def folder(root, name, *parts):
    for part in parts:
        (root / "models" / "art2mus" / name / part).mkdir(parents=True)
        (root / "models" / "art2mus" / name / part / "config.json").write_text(json.dumps({}))


def test_encoders_that_see_and_hear_are_offered(nodes, host_folders):
    folder(host_folders, "both", "image_encoder", "audio_encoder")
    folder(host_folders, "eyes", "image_encoder")
    folder(host_folders, "ears", "audio_encoder")
    (encoder,) = (each for each in nodes["Art2MusScoreMusic"].GET_SCHEMA().inputs if each.id == "encoder")
    assert [name for name in encoder.options if name != "pocket"] == ["both"]


@pytest.mark.parametrize(
    ("image", "audio", "said"),
    [
        (torch.zeros(1, 4, 5, 3), None, "no sound; expected AUDIO"),
        (torch.zeros(1, 4, 5, 3), sound(pieces=0), "an empty sound"),
        (torch.zeros(1, 4, 5, 3), sound(seconds=0.5), "a sound of 0.50 s, where 1 s are needed"),
        (torch.zeros(2, 4, 5, 3), sound(3), "2 artworks for 3 pieces of music"),
        (torch.zeros(2, 4, 5, 3), sound(), "2 artworks for 1 pieces of music"),
        (torch.zeros(0, 4, 5, 3), sound(), "0 artworks for 1 pieces of music"),
        (None, sound(), "0 artworks for 1 pieces of music"),
    ],
    ids=["no sound", "empty", "short", "more pieces", "more artworks", "no artworks", "no image"],
)
def test_what_cannot_be_scored_is_refused_in_words(nodes, pack, image, audio, said):
    with pytest.raises(pack("art2mus_core.errors").Art2MusError) as refused:
        nodes["Art2MusScoreMusic"].execute(image, audio)
    assert str(refused.value).startswith(said)
