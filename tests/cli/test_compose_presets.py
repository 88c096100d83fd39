"""`art2mus compose --preset`: what is told, what is stored, and in which precision it computes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from art2mus_core.audio.reading import read_audio, read_tags


@pytest.fixture
def compose(art2mus, paintings):
    def run(*more):
        code, out, err = art2mus("compose", paintings / "dawn.png", "--seconds", "1", "--json", *more)
        return code, json.loads(out.splitlines()[-1]) if code == 0 else out, err

    return run


def test_the_default_is_balanced_and_exact_is_another_name_for_the_same_music_where_none_differs(compose):
    _, told, _ = compose("--precision", "float32")
    music = read_audio(Path("dawn.flac")).samples
    assert (told["settings"]["preset"], read_tags(Path("dawn.flac"))["preset"]) == ("balanced", "balanced")
    _, told, _ = compose("--preset", "exact")
    assert (told["settings"]["preset"], read_tags(Path("dawn.flac"))["preset"]) == ("exact", "exact")
    assert torch.equal(read_audio(Path("dawn.flac")).samples, music)


def test_options_beside_a_preset_count_more(compose):
    _, told, _ = compose("--preset", "exact", "--steps", "2", "--guided-below", "0.5")
    chosen = {name: told["settings"][name] for name in ("preset", "steps", "guidance", "guided_below")}
    assert chosen == {"preset": "exact", "steps": 2, "guidance": 1.5, "guided_below": 0.5}


@pytest.mark.parametrize(
    ("words", "precision"),
    [
        ((), "bfloat16"),
        (("--preset", "exact"), "float32"),
        (("--preset", "exact", "--precision", "auto"), "bfloat16"),
        (("--preset", "exact", "--precision", "bfloat16"), "bfloat16"),
    ],
)
def test_exact_computes_in_float32_unless_told_otherwise(compose, monkeypatch, words, precision):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)
    assert compose(*words)[1]["precision"] == precision


def test_a_preset_that_the_model_lacks_is_told_with_those_it_has(compose, pocket_like):
    code, out, err = compose("--preset", "instant")
    assert (code, out) == (2, "")
    assert f"no preset 'instant' in {pocket_like.name}" in err
    assert "exact, balanced" in err
