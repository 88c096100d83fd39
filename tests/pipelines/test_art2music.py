from __future__ import annotations

import json
import shutil

import pytest
import torch

from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.measure.sound.loudness import integrated_loudness
from art2mus_core.pipelines import load
from art2mus_core.pipelines.comments import Comments, tidied
from art2mus_core.pipelines.prompts import PromptText
from art2mus_core.pipelines.routes import ArtworkPipeline
from art2mus_core.types import Artwork

from ..art2music_checkpoint import TinyWords, write_art2music


@pytest.fixture(scope="module")
def artworks():
    torch.manual_seed(1)
    return [Artwork(torch.randint(256, (3, 21, side), dtype=torch.uint8)) for side in (34, 27)]


@pytest.fixture(scope="module")
def pipeline(commented):
    return load(str(commented))


@pytest.fixture(scope="module")
def drawing(commented, tmp_path_factory):
    return load(str(write_art2music(tmp_path_factory.mktemp("drawing"), drawn=True, vocoder="hifigan", neutral=False)))


def change(folder, part, **values):
    path = folder / part / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_piece_follows_its_own_picture_and_comments_alone(pipeline, artworks):
    assert isinstance(pipeline, ArtworkPipeline)
    said = [["calm blue", "  so   still "], []]
    both = pipeline.compose(artworks, comments=said, seconds=1.3)
    assert [piece.samples.shape for piece in both] == [(1, 1, 10_400)] * 2
    (alone,) = pipeline.compose(artworks[:1], comments=[["so still", "\n", "calm blue"]], seconds=1.3, seeds=[5])
    torch.testing.assert_close(alone.samples, both[0].samples, atol=1e-5, rtol=0)
    for other in (
        pipeline.compose(artworks[:1], comments=[["calm blue"]], seconds=1.3),
        pipeline.compose(artworks[1:], comments=said[:1], seconds=1.3),
        pipeline.compose(artworks[:1], seconds=1.3),
    ):
        assert (other[0].samples - both[0].samples).abs().max() > 1e-3


def test_the_balance_moves_from_the_picture_to_the_words(pipeline, artworks):
    said = [["calm blue"]] * 2

    def fused(balance, comments=said):
        return pipeline.fuse(artworks, comments, balance=balance).values

    torch.testing.assert_close(fused(0.0), fused(0.5, None))
    words = fused(1.0)
    torch.testing.assert_close(words[0], words[1])
    neutral = pipeline.fuse(artworks, None, balance=1.0)
    torch.testing.assert_close(neutral.values[:1], neutral.neutral)
    steps = torch.stack([fused(balance) for balance in (0.0, 0.25, 0.5, 0.75, 1.0)])
    assert (steps.diff(dim=0).abs().amax((1, 2)) > 1e-3).all()


def test_without_learnt_neutrals_the_empty_text_is_one_and_pictures_have_none(drawing, artworks):
    fused = drawing.fuse(artworks)
    assert fused.neutral is None
    torch.testing.assert_close(drawing.fuse(artworks, [["calm"]] * 2, balance=0.0).values, fused.values)
    with pytest.raises(SettingError, match=r"balance 0\.6 .* no neutral picture; expected 0 to 0\.5"):
        drawing.compose(artworks, balance=0.6)
    with pytest.raises(SettingError, match="balance nan"):
        drawing.compose(artworks, balance=float("nan"))


def test_a_drawn_mel_follows_its_seed_and_its_settings_and_tells_its_plan(drawing, artworks):
    first, same, other = (drawing.compose(artworks[:1], seconds=1.1, seeds=[seed])[0] for seed in (1, 1, 2))
    assert torch.equal(first.samples, same.samples)
    assert (first.samples - other.samples).abs().max() > 1e-3
    assert first.plan["band"] in {"folk", "jazz trio"}
    assert drawing.settings().steps == 2
    tags = drawing.tags(drawing.settings(steps=3), PromptText())
    assert (tags["steps"], tags["solver"]) == ("3", "dpm++2m-karras")


def test_tags_are_enough_to_compose_again(pipeline, artworks):
    told = Comments((" calm\nblue ", "", "still"), 0.4)
    settings = pipeline.settings(seconds=1.2, level=False)
    tags = pipeline.tags(settings, PromptText(), told)
    assert tags == {
        "model": tags["model"],
        "image_encoder": "tiny",
        "text_encoder": "tiny-words",
        "seconds": "1.2",
        "level": "False",
        "balance": "0.4",
        "precision": "float32",
        "comment": "calm blue\nstill",
    }
    said = [tags["comment"].split("\n")]
    again = pipeline.compose(artworks[:1], comments=said, balance=float(tags["balance"]), seconds=1.2, level=False)
    first = pipeline.compose(artworks[:1], comments=[told.texts], balance=0.4, seconds=1.2, level=False)
    assert torch.equal(again[0].samples, first[0].samples)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"seconds": 4.5}, "seconds 4.5 .* 1 to 4.03, the longest piece"),
        ({"steps": 5}, "steps with .* draws nothing"),
        ({"shared_noise": True}, "shared_noise with"),
        ({"comments": [["one list"]]}, "1 lists of comments for 2 artworks"),
        ({"seeds": [1]}, "1 seeds for 2"),
    ],
)
def test_what_it_does_not_read_is_told(pipeline, artworks, chosen, words):
    with pytest.raises(SettingError, match=words):
        pipeline.compose(artworks, **chosen)
    with pytest.raises(SettingError, match=r"a text prompt .* Give the text as a comment"):
        pipeline.encode_text(PromptText("calm"))
    assert pipeline.settings(shared_noise=False).seconds == pytest.approx(4.0375)


def test_remarks_tell_what_does_not_count(pipeline, drawing):
    assert pipeline.remarks(["", "calm", "שקט כחול", "one two three four five " * 2], seed=3) == [
        "1 of 4 comments is blank and not read",
        "none of the comment's words is known to the text encoder: שקט כחול",
        "only the first 4 words or parts of words of a comment are read: one two three four five one two three fo...",
        "seed 3 has no effect: this model makes one piece of each artwork",
    ]
    assert drawing.remarks(["calm"], seed=3) == []


def test_comments_that_are_no_text_are_read_or_told(pipeline, artworks):
    """A command line passes bytes that are no UTF-8 as lone surrogates."""
    assert tidied(["caf\udce9  calm", " "]) == ("caf? calm",)
    (piece,) = pipeline.compose(artworks[:1], comments=[["caf\udce9 calm"]], seconds=1.0)
    assert piece.samples.isfinite().all()
    with pytest.raises(SettingError, match="a list of strings for each artwork"):
        pipeline.compose(artworks[:1], comments=["calm"], seconds=1.0)
    with pytest.raises(SettingError, match="a list of strings for each artwork"):
        pipeline.stream(artworks[0], comments="calm", seconds=1.0)


@pytest.mark.parametrize(
    ("part", "wrong", "words"),
    [
        ("fusion", {"image_space": "other"}, "an image encoder of the space 'tiny'; expected 'other'"),
        ("fusion", {"text_space": "other"}, "a text encoder of the space 'tiny-words'; expected 'other'"),
        ("fusion", {"text_space": None}, "has text_space None"),
        ("fusion", {"image_dim": 8}, "linear.0.weight"),
        ("text_encoder", {"model_type": "bert"}, "a text encoder 'bert'"),
        ("vocoder", {"channels": 2}, "a vocoder of 2 channels"),
        ("mel_decoder", {"model_type": "mamba"}, "a mel decoder 'mamba'"),
        ("mel_decoder", {"max_frames": -3}, "has max_frames -3; expected at least"),
        ("mel_decoder", {"max_frames": "many"}, "has max_frames 'many'; expected at least"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused_when_opened(own_commented, part, wrong, words):
    change(own_commented, part, **wrong)
    with pytest.raises(CheckpointError, match=words):
        load(str(own_commented))


def test_a_text_encoder_of_another_width_is_refused_when_opened(own_commented, monkeypatch):
    monkeypatch.setattr(TinyWords, "dim", 6)
    with pytest.raises(CheckpointError, match=r"has text_dim 5; expected 6, that of the text encoder"):
        load(str(own_commented))


def test_a_missing_text_encoder_is_told_where_the_image_encoder_is_no_clip(own_commented):
    shutil.rmtree(own_commented / "text_encoder")
    with pytest.raises(CheckpointError, match="has no text_encoder, and the image encoder of own-commented reads no"):
        load(str(own_commented))


def test_a_fusion_without_weights_is_told_as_the_published_notebook_left_it(own_commented):
    (own_commented / "fusion" / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"no weights of its fusion.*published notebook stored none"):
        load(str(own_commented))


def test_the_image_encoder_may_be_another_checkpoints(own_commented, pocket_like, artworks):
    first = load(str(own_commented)).compose(artworks[:1], seconds=1.0)[0].samples
    (own_commented / "image_encoder").rename(own_commented.parent / "image_encoder")
    with pytest.raises(CheckpointError, match="encoder None"):
        load(str(own_commented))
    index = {"_class_name": "Art2MusicPipeline", "encoder": str(own_commented.parent)}
    (own_commented / "model_index.json").write_text(json.dumps(index))
    named = load(str(own_commented))
    assert torch.equal(named.compose(artworks[:1], seconds=1.0)[0].samples, first)
    assert named.tags(named.settings(), PromptText())["encoder_model"] == own_commented.parent.name
    chosen = load(str(own_commented), encoder=str(pocket_like), offload=True)
    assert chosen.compose(artworks[:1], seconds=1.0)[0].samples.shape == (1, 1, 8000)
    assert not chosen.parts.is_open("vocoder")
    with pytest.raises(SettingError, match="aligner with own-commented"):
        load(str(own_commented), aligner="other")


def test_a_drawn_piece_streams_through_hifigan_with_its_plan(drawing, artworks):
    said = {"seed": 4, "seconds": 1.1}
    whole, chunks = (list(drawing.stream(artworks[0], **said, chunk_seconds=size)) for size in (2.0, 0.3))
    assert [chunk.samples.shape[-1] for chunk in chunks] == [480] * 3 + [320]
    joined = torch.cat([chunk.samples for chunk in chunks], -1)
    # wild weights raise the rounding; the vocoder's own tests join to 1e-6
    torch.testing.assert_close(joined, whole[0].samples, atol=5e-5, rtol=0)
    assert chunks[0].plan["band"] == drawing.compose(artworks[:1], seeds=[4], seconds=1.1)[0].plan["band"]


def test_a_stream_joins_to_the_whole_in_chunks_of_one_size(pipeline, artworks):
    said = {"comments": ["calm"], "balance": 0.6, "seconds": 1.37}
    whole, chunks = (list(pipeline.stream(artworks[0], **said, chunk_seconds=size)) for size in (2.0, 0.2))
    assert [chunk.samples.shape[-1] for chunk in chunks] == [1600] * 6 + [1360]
    joined = torch.cat([chunk.samples for chunk in chunks], -1)
    torch.testing.assert_close(joined, whole[0].samples, atol=1e-6, rtol=0)
    assert chunks[0].gain == whole[0].gain
    assert joined.abs().max() <= 10 ** (-1 / 20)
    loudness = [
        integrated_loudness(piece[0].double().numpy(), 8000)
        for piece in (joined, pipeline.compose(artworks[:1], comments=[["calm"]], balance=0.6, seconds=1.37)[0].samples)
    ]
    assert abs(loudness[0] - loudness[1]) < 3
    with pytest.raises(SettingError, match="chunk_seconds 0"):
        pipeline.stream(artworks[0], chunk_seconds=0.0)
