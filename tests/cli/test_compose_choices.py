from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from art2mus_core.audio.reading import read_audio, read_tags

from .saying import one_line, written


def test_of_several_candidates_the_best_is_kept(art2mus, paintings):
    code, out, _ = art2mus("compose", paintings / "dawn.png", "--seconds", "1", "--candidates", "3", "--json")
    assert code == 0
    assert written() == ["dawn.flac"]
    (piece,) = json.loads(out.splitlines()[-1])["pieces"]
    assert sorted(each["seed"] for each in piece["candidates"]) == [0, 1, 2]
    best = max(piece["candidates"], key=lambda each: each["score"])
    assert (piece["seed"], piece["score"]) == (best["seed"], best["score"])
    tags = read_tags(Path("dawn.flac"))
    assert tags["seed"] == str(best["seed"])
    assert float(tags["score"]) == pytest.approx(best["score"], abs=1e-4)


def test_all_candidates_are_kept_on_request_best_first(art2mus, paintings):
    code, out, _ = art2mus(
        "compose", paintings / "dawn.png", "-o", "d.flac", "--seconds", "1", "--candidates", "3", "--keep-all"
    )
    assert code == 0
    assert written() == ["d--2.flac", "d--3.flac", "d.flac"]
    scores = [float(read_tags(Path(name))["score"]) for name in ("d.flac", "d--2.flac", "d--3.flac")]
    assert scores == sorted(scores, reverse=True)
    assert out.count("score") == 3
    seed = read_tags(Path("d--2.flac"))["seed"]
    art2mus("compose", paintings / "dawn.png", "-o", "again.flac", "--seconds", "1", "--seed", seed)
    first, second = (read_audio(Path(name)).samples for name in ("d--2.flac", "again.flac"))
    assert (first - second).abs().max() < 1e-3


def test_networks_are_kept_for_candidates_which_are_composed_one_after_the_other(art2mus, paintings, monkeypatch):
    from art2mus_core.cli import composing

    opened, open_one = [], composing.open_route

    def open_and_note(*arguments, offload, **options):
        opened.append(offload)
        return open_one(*arguments, offload=offload, **options)

    monkeypatch.setattr(composing, "open_route", open_and_note)
    for candidates in ("1", "2"):
        art2mus("compose", paintings / "dawn.png", "--seconds", "1", "--steps", "1", "--candidates", candidates)
    assert opened == [True, False]


def test_every_artwork_of_a_folder_has_its_own_candidates(art2mus, paintings):
    code, out, _ = art2mus("compose", paintings, "--seconds", "1", "--steps", "1", "--candidates", "2", "--json")
    assert code == 0
    assert [len(piece["candidates"]) for piece in json.loads(out.splitlines()[-1])["pieces"]] == [2, 2, 2]


def test_it_is_told_how_long_each_stage_took(art2mus, paintings):
    _, out, _ = art2mus("compose", paintings / "dawn.png", "--seconds", "1", "--json")
    document = json.loads(out.splitlines()[-1])
    stages = {"open encoder", "encoder", "aligner", "open language_model", "language_model", "open unet", "denoise"}
    assert stages | {"open autoencoder", "autoencoder", "open vocoder", "vocoder"} <= set(document["stages"])
    assert 0 < sum(document["stages"].values()) <= document["elapsed_seconds"] + 0.01


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--candidates", "0"], "candidates 0"),
        (["--candidates", "65"], "1 to 64"),
        (["--encoder", "imagebind"], "art2mus fetch imagebind"),
        (["--support", "period"], "period"),
        (["--support", "../model"], "letters, digits"),
        (["--heads", "many"], "heads 'many'"),
        (["--text", "a calm harbour"], "text_encoder"),
        (["--aligner", "art2mus-2024"], "no aligner 'art2mus-2024'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_parts_that_are_not_there_are_named(art2mus, paintings, options, said):
    code, out, err = art2mus("compose", paintings / "dawn.png", "--seconds", "1", *options)
    assert (code, out, written()) == (2, "", [])
    assert one_line(err)
    assert said in err


@pytest.fixture(scope="session")
def wordy(tmp_path_factory, talking_like):
    """A checkpoint with text encoders, its constants, and an aligner and an encoder as wide as its T5."""
    import torch

    from art2mus_core.aligners.files import save_aligner
    from art2mus_core.aligners.visual import VisualAligner
    from art2mus_core.checkpoints.folder import save_component
    from art2mus_core.encoders.pocket import PocketImageEncoder
    from art2mus_core.pipelines.texts import export_text

    folder = Path(shutil.copytree(talking_like, tmp_path_factory.mktemp("wordy") / "wordy"))
    export_text(folder)
    torch.manual_seed(3)
    encoder = PocketImageEncoder(16, [8, 16], 9, "wide")
    save_component(folder, "image_encoder", encoder, encoder.config, half=True)
    aligner = VisualAligner(dim=9, hidden=13, tokens=4, width=10, space="wide")
    save_aligner(folder / "aligner" / "model.safetensors", aligner, licence="CC0-1.0", run="none", half=True)
    return folder


def test_words_and_support_prompts_are_heard_and_tagged(art2mus, paintings, wordy):
    said = {
        "plain": [],
        "text": ["--text", "Music of the place"],
        "negative": ["--negative", "Music"],
        "both": ["--text", "Music of the place", "--negative", "Music"],
        "support": ["--support", "emotion"],
    }
    for name, options in said.items():
        code, _, err = art2mus(
            "compose", paintings, "-o", name, "--seconds", "1", "--guidance", "5", *options, model=wordy
        )
        assert (code, err) == (0, "")
    pieces = [read_audio(Path(name, "dusk.flac")).samples for name in said]
    assert all((one - other).abs().max() > 1e-4 for i, one in enumerate(pieces) for other in pieces[:i])
    tags = {name: read_tags(Path(name, "dusk.flac")) for name in said}
    assert tags["plain"]["support"] == "Music representing the content of this artwork"
    assert tags["support"]["support"] == "Music that evokes the emotion () of this artwork"
    assert tags["plain"]["negative"] == tags["text"]["negative"] == "Low quality."
    assert (tags["both"]["text"], tags["both"]["negative"]) == ("Music of the place", "Music")
    assert "support" not in tags["both"]
    assert "text" not in tags["negative"]


def test_words_are_read_once_for_all_artworks(paintings, wordy, tmp_path):
    import torch

    from art2mus_core.cli.composing import Request, run
    from art2mus_core.cli.planning import batches, gather, plan
    from art2mus_core.pipelines.choice import Choice

    groups = batches(plan(gather([paintings]), tmp_path / "music"), 2)
    asked = Request(Choice(str(wordy)), torch.device("cpu"), 0, {"seconds": 1.0, "steps": 1}, text="Music")
    stages = []
    run(asked, groups, lambda step: stages.append(step.stage))
    assert len(groups) == stages.count("encoder") == 2
    assert stages.count("text_encoder") == stages.count("text_encoder_2") == 1


def test_what_was_not_chosen_is_not_in_the_tags(art2mus, paintings):
    art2mus("compose", paintings / "dawn.png", "--seconds", "1")
    tags = read_tags(Path("dawn.flac"))
    assert tags["image_encoder"] == "tiny"
    assert not {"text", "negative", "score", "heads", "support", "encoder_model"} & set(tags)


def test_an_encoder_that_is_not_the_models_own_is_told(art2mus, paintings, own_checkpoint, pocket_like, tmp_path):
    shutil.copytree(pocket_like, tmp_path / "home" / "tiny")
    config = own_checkpoint / "image_encoder" / "config.json"
    said = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps({**said, "space": "another"}), encoding="utf-8")
    code, out, _ = art2mus("compose", paintings / "dawn.png", "--seconds", "1", model=own_checkpoint)
    assert code == 0
    assert "image encoder: tiny, on whose embeddings this model was trained" in out
    assert read_tags(Path("dawn.flac"))["encoder_model"] == "tiny"
    for model, encoder in ((own_checkpoint, "tiny"), (pocket_like, None)):
        _, out, _ = art2mus("compose", paintings / "dawn.png", "--seconds", "1", "--json", model=model)
        document = json.loads(out.splitlines()[-1])
        assert (document["image_encoder"], document["encoder_model"]) == ("tiny", encoder)


def test_candidates_that_nobody_hears_are_all_kept(art2mus, paintings, own_checkpoint):
    shutil.rmtree(own_checkpoint / "audio_encoder")
    code, out, _ = art2mus(
        "compose", paintings / "dawn.png", "--seconds", "1", "--candidates", "2", model=own_checkpoint
    )
    assert code == 0
    assert written() == ["dawn--2.flac", "dawn.flac"]
    assert "Kept all candidates, unranked" in out
    assert "score" not in read_tags(Path("dawn.flac"))


def test_one_candidate_cannot_all_be_kept(art2mus, paintings):
    code, _, err = art2mus("compose", paintings / "dawn.png", "--keep-all")
    assert code == 2
    assert one_line(err)
    assert "--candidates" in err
