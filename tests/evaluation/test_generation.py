"""Runs that are made, stopped, gone on with and changed, on tiny checkpoints."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from PIL import Image

from art2mus_core.audio.reading import read_audio, read_tags
from art2mus_core.errors import EvaluationError
from art2mus_core.evaluation.collection import read_collection
from art2mus_core.evaluation.generation import generate
from art2mus_core.images.reading import read_artwork
from art2mus_core.pipelines import load
from art2mus_core.pipelines.texts import export_text

from .material import configured, write_dataset, write_sound


class StoppedError(Exception):
    """What a caller stops a run with."""


class Witness:
    """A caller's memory policy and its `on_step`, which note what is done."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.networks, self.steps, self.stop_after = [], [], stop_after

    @contextmanager
    def resident(self, network):
        self.networks.append(network)
        yield

    def on_step(self, step):
        self.steps.append(step)
        if step.stage == "pieces" and step.done == self.stop_after:
            raise StoppedError

    def run(self, config, out):
        return generate(config, out, resident=self.resident, on_step=self.on_step)


@pytest.fixture
def base(paintings, tmp_path, pocket_like) -> Path:
    """A folder with artworks and a checkpoint in it."""
    shutil.copytree(pocket_like, tmp_path / "model")
    return tmp_path


OURS = {"kind": "artwork", "model": "model", "steps": 1}
TORN = {"kind": "shuffled", "of": "ours"}


def over(base: Path, systems=None, **fields):
    chosen = {"artworks": [{"folder": "paintings"}], "systems": systems or {"torn": TORN, "ours": OURS}}
    return configured(base, **{**chosen, **fields})


def samples(path: Path) -> torch.Tensor:
    return read_audio(path).samples


def contents(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_everything_lies_where_scoring_looks_for_it(base):
    write_dataset(base / "pairs", {"test": 2, "validation": 3})
    systems = {"torn": TORN, "ours": OURS, "real": {"kind": "reference"}}
    config = over(
        base,
        systems,
        artworks=[{"folder": "paintings"}, {"dataset": "pairs"}],
        background={"dataset": "pairs", "split": "validation", "count": 2},
        seeds=[0, 4],
    )
    out = base / "runs" / "out"
    done = Witness().run(config, out)
    assert (len(done.made), done.kept) == (5 * 2 * 2 + 2 + 2 + 2, ())
    found = read_collection(out)
    for name, value in vars(done.collection).items():
        assert getattr(found, name) == value, name
    assert list(found.subjects) == ["dawn", "dusk", "noon", "test0", "test1"]
    assert found.subjects["test1"].caption == "Music of place 1"
    assert found.subjects["test0"].caption is None
    assert (found.subjects["dawn"].group, found.subjects["test0"].group) == ("paintings", "synthetic")
    assert found.artworks["dawn"].read_bytes() == (base / "paintings" / "dawn.png").read_bytes()
    assert [path.stem for path in found.background] == ["validation0", "validation1"]
    assert {read_audio(path).seconds for path in [*found.background, *found.reference.values()]} == {1.0}
    assert torch.equal(samples(found.reference["test0"]), samples(base / "pairs" / "music" / "test0.flac")[..., :1600])
    assert sorted(done.systems) == ["ours", "real", "torn"]


def test_a_piece_says_all_of_what_made_it(base):
    done = Witness().run(over(base), base / "out")
    tags = read_tags(base / "out" / "ours" / "dawn.flac")
    expected = {"artwork": "dawn", "model": "model", "steps": "1", "guidance": "1.5", "precision": "float32"}
    assert {name: tags[name] for name in expected} == expected
    assert tags["weights"] == done.systems["ours"]["weights"]
    chosen = {
        "seconds": float(tags["seconds"]),
        "steps": int(tags["steps"]),
        "shared_noise": tags["shared_noise"] == "True",
    }
    artwork = read_artwork(base / "paintings" / "dawn.png")
    assert artwork.sha256 == tags["artwork_sha256"]
    assert float(tags["gain_db"]) != 0
    [again] = load(str(base / "model")).compose([artwork], seeds=[int(tags["seed"])], **chosen)
    assert (again.samples.mean(1, keepdim=True) - samples(base / "out" / "ours" / "dawn.flac")).abs().max() < 1e-3
    torn = read_tags(base / "out" / "torn" / "dawn.flac")
    other = base / "out" / "ours" / f"{torn['made_for']}.flac"
    assert torn["made_for"] != "dawn"
    assert torn["piece"] == read_tags(other)["evaluation_key"]
    assert torch.equal(samples(base / "out" / "torn" / "dawn.flac"), samples(other))


def test_a_second_run_opens_nothing_and_changes_nothing(base):
    config, out = over(base), base / "out"
    first = Witness().run(config, out)
    before, witness = contents(out), Witness()
    again = witness.run(config, out)
    assert (again.made, set(again.kept)) == ((), set(first.made))
    assert again.collection == first.collection
    assert contents(out) == before
    assert not witness.networks
    assert {step.stage for step in witness.steps} == {"read"}


@pytest.mark.parametrize("stop_after", [1, 3, 4])
def test_a_stopped_run_goes_on_and_ends_as_if_it_had_not_been(base, stop_after):
    config = over(base)
    Witness().run(config, base / "whole")
    with pytest.raises(StoppedError):
        Witness(stop_after).run(config, base / "out")
    done = [path for path in contents(base / "out") if path.endswith(".flac")]
    assert len(done) == stop_after
    assert not list((base / "out").rglob("*.partial"))
    witness = Witness()
    again = witness.run(config, base / "out")
    assert len(again.kept) == stop_after
    assert [step.done for step in witness.steps if step.stage == "pieces"] == list(range(1, 6 - stop_after + 1))
    assert bool(witness.networks) == (stop_after < 3)
    whole, other = contents(base / "whole"), contents(base / "out")
    assert whole.keys() == other.keys()
    for name in whole:
        if name.endswith(".flac"):
            assert (samples(base / "whole" / name) - samples(base / "out" / name)).abs().max() < 1e-3
            assert read_tags(base / "whole" / name) == read_tags(base / "out" / name)


def test_what_changed_is_made_again_and_nothing_else(base):
    out = base / "out"
    systems = {"ours": OURS, "torn": TORN, "none": {"kind": "unconditional", "model": "model", "steps": 1}}
    Witness().run(over(base, systems), out)

    def made(**fields) -> set[str]:
        chosen = {"systems": systems, **fields}
        return {path.relative_to(out).as_posix() for path in Witness().run(over(base, **chosen), out).made}

    def pieces(*names: str, ids=("dawn", "dusk", "noon")) -> set[str]:
        return {f"{name}/{key}.flac" for name in names for key in ids}

    changed = {**systems, "ours": {**OURS, "steps": 2}}
    assert made(systems=changed) == pieces("ours", "torn")
    assert made(seconds=1.25) == pieces("ours", "torn", "none")
    assert made(seconds=1.25, seeds=[0, 1]) == pieces("ours", "torn", "none", ids=("dawn--2", "dusk--2", "noon--2"))
    (out / "ours" / "dusk.flac").write_bytes(b"fLaC, cut short")
    assert made(seconds=1.25) == {"ours/dusk.flac"}


def test_another_picture_under_the_same_name_is_another_artwork(base):
    config, out = over(base, {"ours": OURS}), base / "out"
    Witness().run(config, out)
    Image.new("RGB", (9, 9), "green").save(base / "paintings" / "dusk.png")
    assert [path.stem for path in Witness().run(config, out).made] == ["dusk"]
    assert (out / "artworks" / "dusk.png").read_bytes() == (base / "paintings" / "dusk.png").read_bytes()
    (base / "paintings" / "dusk.png").rename(base / "paintings" / "dusk.jpg.png")
    Image.new("RGB", (9, 9), "green").save(base / "paintings" / "dusk.webp", lossless=True)
    with pytest.raises(EvaluationError, match=r"dusk\.png exists, and dusk\.webp"):
        Witness().run(config, out)


def test_what_is_no_longer_named_stays_and_is_not_returned(base):
    out = base / "out"
    Witness().run(over(base), out)
    less = over(base, {"ours": OURS}, artworks=[{"folder": "paintings", "count": 2}])
    done = Witness().run(less, out)
    assert (list(done.collection.systems), list(done.collection.artworks)) == (["ours"], ["dawn", "dusk"])
    assert done.made == ()
    assert (out / "torn" / "noon.flac").is_file()
    (note,) = done.collection.notes
    assert note.startswith(
        "4 sounds in the folder come from another configuration (ours/noon.flac, torn/dawn.flac, torn/dusk.flac ...)"
    )


def test_names_that_file_systems_or_takes_stumble_over(base):
    for name in ("a--b", "A-b", "a b?", "a-b_", "größe"):
        Image.new("RGB", (3, 3), "red").save(base / f"{name}.png")
    (base / "more").mkdir()
    for path in base.glob("*.png"):
        path.rename(base / "more" / path.name)
    config = over(
        base, {"none": {"kind": "unconditional", "model": "model", "steps": 1}}, artworks=[{"folder": "more"}]
    )
    found = Witness().run(config, base / "out").collection
    assert len(found.artworks) == 5
    assert len({key.lower() for key in found.artworks}) == 5
    assert not [key for key in found.artworks if "--" in key or "?" in key or key.startswith(".")]
    assert "größe" in found.artworks
    assert read_collection(base / "out").artworks == found.artworks


def test_a_text_system_needs_every_caption(base, talking_like):
    words = {"text": {"kind": "text", "model": str(talking_like), "steps": 1}}
    (base / "words.json").write_text('{"dusk": "Music"}', encoding="utf-8")
    with pytest.raises(EvaluationError, match=r"2 artworks without a caption \(dawn, noon\)"):
        Witness().run(over(base, words, captions={"file": "words.json"}), base / "out")
    assert not (base / "out").exists()
    rows = {name: f"Music of {name}" for name in ("dawn", "dusk", "noon")}
    (base / "words.json").write_text(json.dumps(rows), encoding="utf-8")
    Witness().run(over(base, words, captions={"file": "words.json"}), base / "out")
    assert read_tags(base / "out" / "text" / "noon.flac")["text"] == "Music of noon"
    rows["noon"] = "Low quality"
    (base / "words.json").write_text(json.dumps(rows), encoding="utf-8")
    done = Witness().run(over(base, words, captions={"file": "words.json"}), base / "out")
    assert [path.relative_to(base / "out").as_posix() for path in done.made] == ["text/noon.flac"]


def test_systems_that_have_no_music_for_some_artworks_of_a_group_are_told(base):
    for name in ("dawn", "dusk"):
        write_sound(base / "music" / f"{name}.flac", 1)
    Image.new("RGB", (9, 9), "green").save(base / "one.png")
    sources = [{"folder": "paintings", "group": "some"}, {"folder": ".", "group": "none"}]
    systems = {"ours": OURS, "real": {"kind": "reference"}}
    said = Witness().run(over(base, systems, artworks=sources, reference="music"), base / "out").collection.notes
    notes = [note for note in said if "skipped 4 folders" not in note]
    assert len(notes) == len(said) - 1
    assert [note.partition(" (none for noon)")[0] for note in notes] == [
        f"{name} has music for only 2 of the 3 artworks in the group some" for name in ("real", "reference")
    ]
    assert Witness().run(over(base, {"ours": OURS}, artworks=sources[:1]), base / "new").collection.notes == ()


@pytest.mark.parametrize("negative", ["Low quality.", ""])
def test_a_negative_prompt_in_the_place_of_no_artwork_is_told(base, talking_like, negative):
    shutil.copytree(talking_like, base / "published")
    export_text(base / "published", supports={"model": "Music"}, negative=negative)
    systems = {"none": {"kind": "unconditional", "model": "published", "steps": 1}}
    done = Witness().run(over(base, systems), base / "out")
    assert done.systems["none"]["negative"] == negative
    told = [note for note in done.collection.notes if "negative prompt of published, 'Low quality.'" in note]
    assert len(told) == len(done.collection.notes) == bool(negative)


def test_a_reference_folder_is_matched_by_name(base):
    write_sound(base / "music" / "dusk.flac", 1)
    done = Witness().run(over(base, reference="music", background={"folder": "music"}), base / "out")
    assert list(done.collection.reference) == ["dusk"]
    assert [path.stem for path in done.collection.background] == ["dusk"]
    (base / "music" / "dusk.flac").rename(base / "music" / "other.flac")
    with pytest.raises(EvaluationError, match="is named like an artwork"):
        Witness().run(over(base, reference="music"), base / "out")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"artworks": [{"folder": "empty"}]}, "no artworks in"),
        ({"background": {"folder": "empty"}}, "empty contains no music"),
        ({"background": {"folder": "nowhere"}}, "nowhere cannot be listed"),
        ({"reference": "twice"}, "two files for the id dusk"),
        ({"artworks": [{"folder": "paintings", "count": 1}]}, "only dawn in a group"),
        ({"captions": {"file": "nowhere.json"}}, r"nowhere\.json cannot be read"),
        ({"captions": {"captioner": "nowhere"}}, "nowhere cannot be read"),
    ],
    ids=str,
)
def test_what_is_missing_is_told_before_anything_is_made(base, fields, said):
    (base / "empty").mkdir()
    for suffix in ("flac", "wav"):
        write_sound(base / "twice" / f"dusk.{suffix}", 1)
    witness = Witness()
    with pytest.raises(EvaluationError, match=said):
        witness.run(over(base, **fields), base / "out")
    assert not witness.networks


def test_folders_of_folders_and_what_is_left_out_of_them(base):
    (base / "paintings" / "inner").mkdir()
    (base / "paintings" / "notes.txt").write_text("none")
    shutil.copy(next((base / "paintings").glob("*.png")), base / "paintings" / "inner" / "night.png")
    flat, deep = (
        Witness().run(
            over(base, {"ours": OURS}, artworks=[{"folder": "paintings", "recursive": deep}]), base / f"{deep}"
        )
        for deep in (False, True)
    )
    assert set(deep.collection.artworks) - set(flat.collection.artworks) == {"night"}
    assert any("notes.txt (not a picture), inner (a folder" in note for note in flat.collection.notes)
    assert any("notes.txt (not a picture)." in note for note in deep.collection.notes)
