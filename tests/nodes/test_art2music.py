"""Art2Music Generator: the route's music, what is told of it, and what is refused."""

from __future__ import annotations

import shutil

import pytest
import torch

from art2mus_core.pipelines.art2music import ArtAndCommentToMusic
from art2mus_core.pipelines.comments import Comments
from art2mus_core.pipelines.parts import Choice
from art2mus_core.pipelines.prompts import PromptText
from art2mus_core.types import Artwork

from ..art2music_checkpoint import write_art2music, write_words

NAME = "tiny words"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkpoint whose mels are drawn, and whose words a process of its own reads."""
    return write_words(write_art2music(tmp_path_factory.mktemp("art2music"), drawn=True))


@pytest.fixture
def installed(host_folders, folder):
    """Models of both kinds among the host's, and one without weights."""
    root = host_folders / "models" / "art2mus"
    root.mkdir(parents=True)
    (root / NAME).symlink_to(folder, target_is_directory=True)
    shutil.copytree(folder, root / "empty", ignore=shutil.ignore_patterns("*.safetensors"))
    (root / "other").mkdir()
    (root / "other" / "model_index.json").write_text('{"_class_name": "AudioLDM2Pipeline"}')
    return root


@pytest.fixture
def generate(pack, nodes, memory, installed, monkeypatch):
    """Runs the node; its steps are in the list of the second value."""
    steps = []
    monkeypatch.setattr(pack("nodes.memory"), "host_memory", lambda: memory)
    monkeypatch.setattr(memory, "reporter", lambda total, **_: steps.append, raising=False)
    torch.manual_seed(0)
    image = torch.rand(2, 21, 34, 3)

    def run(**chosen):
        inputs = {"comment": "", "balance": 0.5, "model": NAME, "seconds": 1.3, "seed": 5, "image": image, **chosen}
        return nodes["Art2MusArt2Music"].execute(**inputs)

    return run, steps, image


def test_each_of_the_two_kinds_of_models_is_offered_where_it_is_read(nodes, installed):
    def offered(name):
        sockets = {socket.id: socket for socket in nodes[name].GET_SCHEMA().inputs}
        return set(sockets["model"].options)

    assert NAME in offered("Art2MusArt2Music")
    assert not offered("Art2MusArt2Music") & {"pocket", "other"}
    for name in ("Art2MusLoadModel", "Art2MusArtworkToMusic"):
        assert {"pocket", "other"} <= offered(name)
        assert not offered(name) & {NAME, "art2music"}


def test_the_node_makes_what_the_pipeline_makes(generate, folder):
    run, steps, image = generate
    done = run(comment=" calm  sea\n\nwilder\n", balance=0.7)
    audio, spectrogram = done.args
    ours = ArtAndCommentToMusic.open(Choice(str(folder)))
    artworks = [Artwork((each * 255).round().to(torch.uint8).permute(2, 0, 1).contiguous()) for each in image]
    said = ("calm sea", "wilder")
    pieces = ours.compose(artworks, comments=[said] * 2, balance=0.7, seeds=[5, 5], seconds=1.3)
    assert torch.equal(audio["waveform"], torch.cat([piece.samples for piece in pieces]))
    assert spectrogram.shape[0] == 2
    tags = ours.tags(ours.settings(seconds=1.3), PromptText(), Comments(said, 0.7)) | {"model": NAME}
    assert audio["art2mus"].items() >= {**tags, "artworks": [each.sha256 for each in artworks], "seed": 5}.items()
    assert audio["art2mus"]["gains"] == [piece.gain for piece in pieces]
    assert done.ui is None
    counts = [(step.done, step.total) for step in steps]
    assert counts == [(number, len(counts)) for number in range(1, len(counts) + 1)]


def test_words_that_do_not_count_are_told(generate):
    run, *_ = generate
    assert "none of the comment's words is known" in run(comment="Ruhige See\ncalm").ui["text"][0]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"seconds": 9.0}, "the longest piece that its mel decoder makes"),
        ({"balance": 1.2}, "balance 1.2"),
        ({"model": "other"}, "other, whose class is AudioLDM2Pipeline"),
        ({"model": "empty"}, "empty/image_encoder"),
        ({"model": "absent"}, "no model that reads comments 'absent'"),
        ({"image": torch.zeros(0, 4, 5, 3)}, "0 seeds for 0 artworks"),
    ],
    ids=["long", "balance", "another kind", "no weights", "absent", "no artworks"],
)
def test_what_cannot_be_made_is_refused_in_words(generate, chosen, said):
    run, *_ = generate
    with pytest.raises(Exception, match=r"^.*; expected .*$") as refused:
        run(**chosen)
    assert said in str(refused.value)


def test_a_model_that_is_not_there_is_refused_before_the_graph_runs(nodes, installed):
    node = nodes["Art2MusArt2Music"]
    assert node.validate_inputs(NAME) is True
    assert node.validate_inputs(None) is True
    assert "no model that reads comments 'absent'" in node.validate_inputs("absent")
