from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from art2mus_core.audio.reading import read_audio, read_tags
from art2mus_core.checkpoints import names

from ..art2music_checkpoint import write_art2music
from .saying import one_line, written


@pytest.fixture
def compose(art2mus, commented, paintings):
    def run(*words, model=commented):
        return art2mus("compose", paintings / "dawn.png", "--seconds", "1", *words, model=model)

    return run


def test_a_comment_is_read_and_told_in_the_file(compose):
    code, out, err = compose(
        "--comment", "calm blue ", "--comment", "so\nstill", "--balance", "0.6", "--seed", "2", "--json"
    )
    assert (code, err) == (0, "")
    tags = read_tags(Path("dawn.flac"))
    assert (tags["comment"], tags["balance"], tags["seed"]) == ("calm blue\nso still", "0.6", "2")
    assert "steps" not in tags
    told = json.loads(out)
    assert told["notes"] == ["seed 2 has no effect: this model makes one piece of each artwork"]
    assert (told["comments"], told["balance"], told["text"]) == (["calm blue", "so still"], 0.6, None)
    first = Path("dawn.flac").read_bytes()
    words = [word for text in tags["comment"].split("\n") for word in ("--comment", text)]
    assert compose(*words, "--balance", tags["balance"], "--seed", tags["seed"])[0] == 0
    assert Path("dawn.flac").read_bytes() == first


@pytest.mark.parametrize(
    ("comment", "note"),
    [
        (" \n", "1 of 1 comments is blank and not read"),
        ("words " * 5000, "only the first 4 words or parts of words of a comment are read"),
        ("so ruhig wie möglich", "words that the text encoder does not know, which reads English: möglich"),
        ("שקט כחול", "none of the comment's words is known to the text encoder: שקט כחול"),
    ],
)
def test_a_comment_of_which_not_all_counts_is_composed_with_a_note(compose, comment, note):
    code, out, err = compose("--comment", comment)
    assert (code, err) == (0, "")
    assert note in out


@pytest.mark.parametrize("precision", ["float16", "auto"])
def test_a_precision_in_which_no_network_computes_is_told_and_not_called_slow(compose, monkeypatch, precision):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True}, raising=False)
    code, out, err = compose("--precision", precision, "--json")
    told = json.loads(out)
    assert (code, err, told["precision"], read_tags(Path("dawn.flac"))["precision"]) == (0, "", "float32", "float32")
    note = "precision float16 has no effect: all networks of this model compute in float32"
    assert told["notes"] == ([note] if precision == "float16" else [])


def test_a_precision_that_is_imitated_is_told_where_a_network_computes_in_it(compose, monkeypatch, pocket_like):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True}, raising=False)
    code, _, err = compose("--precision", "bfloat16", model=pocket_like)
    assert (code, one_line(err)) == (0, True)
    assert "not known to support bfloat16" in err


def test_comments_count_for_every_artwork_of_a_folder(art2mus, commented, paintings):
    words = ("--route", "art2music", "--seconds", "1", "--comment", "calm", "-o", "music")
    assert art2mus("compose", paintings, *words, model=commented)[0] == 0
    assert [read_tags(path)["comment"] for path in sorted(Path("music").iterdir())] == ["calm"] * 3


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--seconds", "5"), "seconds 5 with {model}; expected 1 to 4.03"),
        (("--seconds", "0"), "seconds 0 with {model}; expected 1 to 4.03"),
        (("--seconds", "90"), "seconds 90 with {model}; expected 1 to 4.03"),
        (("--encoder", "art2music"), "Choose it in the node Art2Music Generator, or with --model."),
        (("--balance", "1.5"), "balance 1.5; expected 0 to 1"),
        (("--route", "dance"), "no route 'dance'; expected one of diffusion, art2music"),
        (
            ("--route", "diffusion"),
            "whose class is Art2MusicPipeline; expected a checkpoint of the class AudioLDM2Pipeline",
        ),
        (("--steps", "3"), "steps with {model}, whose mel decoder draws nothing"),
        (("--text", "calm"), "a text prompt with {model}; expected comments of viewers"),
        (("--candidates", "2"), "2 candidates from a model that draws nothing"),
    ],
)
def test_what_the_route_cannot_do_is_told(compose, commented, words, told):
    code, out, err = compose(*words)
    assert (code, out, written(), one_line(err)) == (2, "", [], True)
    assert told.format(model=commented.name) in err


def test_candidates_of_a_drawn_mel_are_ranked_and_told(compose, commented, pocket_like, tmp_path):
    drawn = write_art2music(tmp_path / "drawn", drawn=True)  # `commented` has its text encoder known
    words = ("--encoder", str(pocket_like), "--comment", "calm", "--balance", "0.3", "--seed", "5")
    code, out, err = compose(*words, "--candidates", "3", "--json", model=drawn)
    assert (code, err) == (0, "")
    (piece,) = json.loads(out)["pieces"]
    assert sorted(each["seed"] for each in piece["candidates"]) == [5, 6, 7]
    assert piece["score"] == max(each["score"] for each in piece["candidates"])
    assert len({each["score"] for each in piece["candidates"]}) == 3
    tags, kept = read_tags(Path("dawn.flac")), read_audio(Path("dawn.flac")).samples
    assert (tags["comment"], tags["seed"]) == ("calm", str(piece["seed"]))
    assert compose(*words[:-1], str(piece["seed"]), model=drawn)[0] == 0
    torch.testing.assert_close(read_audio(Path("dawn.flac")).samples, kept, atol=1e-3, rtol=0)


def test_a_comment_that_no_part_reads_is_refused(compose, pocket_like):
    code, _, err = compose("--comment", "calm", model=pocket_like)
    assert code == 2
    assert "which reads none; expected a model of the route art2music" in err


def test_a_comment_needs_a_picture(art2mus):
    code, _, err = art2mus("compose", "--comment", "calm", model=None)
    assert code == 2
    assert "ARTWORK" in err


def test_the_route_chooses_its_bundled_model(art2mus, commented, paintings, tmp_path, monkeypatch):
    (tmp_path / "packaged").mkdir()
    (tmp_path / "packaged" / "art2music").symlink_to(commented)
    monkeypatch.setattr(names, "PACKAGED", tmp_path / "packaged")
    words = ("--seconds", "1", "--comment", "calm")
    assert art2mus("compose", paintings / "dawn.png", "--route", "art2music", *words, model=None)[0] == 0
    assert read_tags(Path("dawn.flac"))["model"] == "art2music"
    assert "art2music" in art2mus("models", model=None)[1]
