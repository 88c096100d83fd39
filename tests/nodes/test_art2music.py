"""Art2Music Generator: the route's music, what is told of it, and what is refused."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from art2mus_core.pipelines.art2music import ArtAndCommentToMusic
from art2mus_core.pipelines.choice import Choice
from art2mus_core.pipelines.comments import Comments
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
    monkeypatch.setattr(pack("nodes.commented"), "host_memory", lambda: memory)
    monkeypatch.setattr(memory, "reporter", lambda total, **_: steps.append, raising=False)
    torch.manual_seed(0)
    image = torch.rand(2, 21, 34, 3)

    kept = {}

    def run(**chosen):
        """As the host runs it: node by node of the expansion, with an output kept while inputs and fingerprint stay."""
        inputs = {"comment": "", "balance": 0.5, "model": NAME, "seconds": 1.3, "seed": 5, "image": image, **chosen}
        (open_id, opener), (_, composer) = nodes["Art2MusArt2Music"].execute(**inputs).expand.items()
        opening = nodes[opener["class_type"]]
        stamp = (*opener["inputs"].values(), opening.fingerprint_inputs(**opener["inputs"]))
        if kept.get("stamp") != stamp:
            kept.update(stamp=stamp, args=opening.execute(**opener["inputs"]).args)
        assert composer["inputs"]["opened"] == [open_id, 0]
        return nodes[composer["class_type"]].execute(**composer["inputs"] | {"opened": kept["args"][0]})

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


def test_it_expands_so_that_the_host_keeps_the_model(nodes, installed):
    image, told = ["7", 0], {"comment": "calm", "balance": 0.5, "seconds": 1.3, "seed": 5}
    done = nodes["Art2MusArt2Music"].execute(image=image, model=NAME, **told)
    (open_id, opener), (compose_id, composer) = done.expand.items()
    assert opener == {"class_type": "Art2MusOpenArt2Music", "inputs": {"model": NAME}}
    inputs = {"opened": [open_id, 0], "image": image, **told}
    assert composer == {"class_type": "Art2MusComposeArt2Music", "inputs": inputs}
    assert done.args == ([compose_id, 0], [compose_id, 1])
    assert set(inputs) == {socket.id for socket in nodes["Art2MusComposeArt2Music"].GET_SCHEMA().inputs}


def test_a_model_is_opened_once_and_its_networks_are_managed_once(pack, generate, memory, monkeypatch):
    run, *_ = generate
    opened, managed, commented = [], [], pack("nodes.commented")
    monkeypatch.setattr(commented, "open_route", _noting(commented.open_route, opened))
    monkeypatch.setattr(memory, "manage", _noting(memory.manage, managed), raising=False)
    first, second, third = (run(comment=said).args[0]["waveform"] for said in ("calm", "wild", "calm"))
    assert not torch.equal(first, second)
    assert torch.equal(first, third)
    assert (len(opened), len(managed)) == (1, 5)


def test_networks_that_are_freed_after_a_stage_are_not_kept(pack, generate, memory, monkeypatch):
    run, *_ = generate
    managed, opening = [], pack("art2mus_core.pipelines.opening")
    monkeypatch.setattr(opening, "available", lambda: 3000)
    monkeypatch.setattr(opening, "check_memory", lambda *_, **__: None)
    monkeypatch.setattr(memory, "manage", _noting(memory.manage, managed), raising=False)
    first, second = (run(comment="calm").args[0]["waveform"] for _ in range(2))
    assert torch.equal(first, second)
    assert len(managed) > 2 * 5


def test_a_model_that_changed_on_the_disk_is_opened_again(generate, nodes, installed):
    run, *_ = generate
    own = shutil.copytree(installed / NAME, installed / "own")
    stamp = nodes["Art2MusArt2Music"].fingerprint_inputs
    before, heard = stamp(model="own", seed=1), run(model="own", comment="calm").args[0]["waveform"]
    assert stamp(model="own", seed=2) == before
    assert set(before) < set(stamp(model=None, seed=1))
    weights = own / "fusion" / "model.safetensors"
    save_file({name: -value for name, value in load_file(weights).items()}, weights)
    assert stamp(model="own", seed=1) != before
    assert not torch.equal(run(model="own", comment="calm").args[0]["waveform"], heard)
    weights.unlink()
    with pytest.raises(Exception, match="has no weights of its fusion"):
        run(model="own", comment="calm")
    shutil.rmtree(own)
    assert "no model that reads comments 'own'" in nodes["Art2MusArt2Music"].validate_inputs("own")


def test_an_encoder_in_a_folder_of_its_own_is_found_among_the_hosts(generate, nodes, installed):
    run, *_ = generate
    own = shutil.copytree(installed / NAME, installed / "own")
    eyes = installed / "eyes"
    eyes.mkdir()
    (own / "image_encoder").rename(eyes / "image_encoder")
    index = own / "model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"encoder": "eyes"}))
    wanted = run(comment="calm").args[0]
    found = run(model="own", comment="calm").args[0]
    assert torch.equal(found["waveform"], wanted["waveform"])
    assert found["art2mus"]["encoder_model"] == "eyes"
    assert any("eyes" in each for each in nodes["Art2MusOpenArt2Music"].fingerprint_inputs(model="own"))


def test_stop_ends_it_between_two_steps_and_the_next_run_is_whole(generate, memory, monkeypatch):
    run, steps, _ = generate
    wanted = run(comment="calm").args[0]["waveform"]
    total, seen = steps[-1].total, []

    def stop(step):
        seen.append(step.done)
        if step.done == total - 2:  # the last step of the mel
            raise KeyboardInterrupt

    with monkeypatch.context() as pressed:
        pressed.setattr(memory, "reporter", lambda total, **_: stop)
        with pytest.raises(KeyboardInterrupt):
            run(comment="calm")
    assert seen == [*range(1, total - 1)]
    assert torch.equal(run(comment="calm").args[0]["waveform"], wanted)


def _noting(function, calls):
    def noted(*args, **named):
        calls.append(args)
        return function(*args, **named)

    return noted
