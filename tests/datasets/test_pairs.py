from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from art2mus_core.audio.reading import read_audio
from art2mus_core.character import Character, character
from art2mus_core.checkpoints.folder import save_component
from art2mus_core.datasets.manifest import read_manifest, write_manifest
from art2mus_core.datasets.synthetic.commenting import comments_for
from art2mus_core.datasets.synthetic.composing import compose_notes
from art2mus_core.datasets.synthetic.painting import paint
from art2mus_core.datasets.synthetic.pairs import PLAN, SIDE, split_of, synthesize
from art2mus_core.datasets.synthetic.rendering import RATE, compose
from art2mus_core.datasets.synthetic.sound import SECONDS, Sound
from art2mus_core.encoders.files import load_image_encoder
from art2mus_core.errors import CheckpointError, DatasetError, SettingError
from art2mus_core.images.reading import read_artwork
from art2mus_core.measure.pictures import measure
from art2mus_core.types import Step


@pytest.fixture(scope="module")
def eye(tmp_path_factory: pytest.TempPathFactory, write_eye) -> Path:
    """A checkpoint whose encoder sees something else than the prior. Not to be written to."""
    folder = tmp_path_factory.mktemp("eyes")
    encoder = write_eye(folder)
    encoder.affect.bias.copy_(torch.tensor([0.6, -0.4]))
    save_component(folder, "image_encoder", encoder, encoder.config, half=True)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, eye: Path) -> Path:
    folder = tmp_path_factory.mktemp("pairs") / "mit Leerzeichen"
    synthesize(folder, 4, encoder=eye, first_seed=11)
    return folder


def test_the_manifest_tells_the_truth(folder: Path):
    pairs = read_manifest(folder)
    assert [pair.seed for pair in pairs] == [11, 12, 13, 14]
    assert [pair.split for pair in pairs] == ["train", "train", "validation", "test"]
    for pair in pairs:
        artwork, music = read_artwork(folder / pair.artwork), read_audio(folder / pair.music, pair.sample_rate)
        assert artwork.sha256 == pair.artwork_sha256
        assert music.seconds == pair.seconds == SECONDS
        assert (pair.source, pair.licence, pair.sample_rate) == ("synthetic", "CC0-1.0", RATE)
        assert read_audio(folder / pair.music, mono=False).samples.shape[1] == 2
        cause = {name: int(value) if name == "tonic" else value for name, value in pair.character.items()}
        score = compose_notes(Character(**cause), pair.seed, pair.seconds)
        assert (pair.tempo, pair.beats_per_bar) == (score.tempo, score.beats_per_bar)
        assert (pair.mode, pair.band) == (score.mode, score.band)
    plan = json.loads((folder / PLAN).read_text(encoding="utf-8"))
    assert plan["music"] == {"edition": 2, "seconds": [SECONDS], "rate": RATE, "channels": 2}


def test_with_comments_the_music_is_composed_for_picture_and_words(folder: Path, eye: Path, tmp_path: Path):
    sound, first = Sound((2.0,), 11_025, 1), read_manifest(folder)
    assert not any(pair.comments for pair in first)
    made = synthesize(tmp_path, 4, encoder=eye, first_seed=11, sound=sound, comments=True)
    assert made == read_manifest(tmp_path)
    assert contents(tmp_path, "artworks") == contents(folder, "artworks")
    for pair, plain in zip(made, first, strict=True):
        seen, cause = (
            Character(**{name: int(value) if name == "tonic" else value for name, value in each.character.items()})
            for each in (plain, pair)
        )
        assert (pair.comments, cause) == comments_for(seen, pair.seed)
        score = compose_notes(cause, pair.seed, pair.seconds)
        assert (pair.tempo, pair.mode, pair.band) == (score.tempo, score.mode, score.band)
        music = torch.from_numpy(compose(cause, pair.seed, 2.0, 11_025, 1))
        assert (read_audio(tmp_path / pair.music, 11_025, mono=False).samples - music).abs().max() < 2**-14
    assert any(pair.character != plain.character for pair, plain in zip(made, first, strict=True))
    with pytest.raises(DatasetError, match="other values of comments;"):
        synthesize(tmp_path, 4, encoder=eye, first_seed=11, sound=sound)


def test_lengths_rate_and_channels_are_chosen_and_kept(eye: Path, tmp_path: Path):
    sound = Sound((2.0, 3.5), 11_025, 1)
    pairs = synthesize(tmp_path, 6, encoder=eye, sound=sound)
    assert {pair.seconds for pair in pairs} == {2.0, 3.5}
    for pair in pairs:
        music = read_audio(tmp_path / pair.music, mono=False)
        assert (music.samples.shape[1], music.sample_rate) == (1, 11_025)
        assert music.seconds == pytest.approx(pair.seconds, abs=1e-4)
        assert pair.seconds == sound.length(pair.seed)
    with pytest.raises(DatasetError, match="other values of music"):
        synthesize(tmp_path, 6, encoder=eye, sound=replace(sound, rate=22_050))


@pytest.mark.parametrize("sound", [Sound(()), Sound((10.0, 0.5)), Sound(rate=100), Sound(channels=3)])
def test_music_that_cannot_be_composed_is_refused(tmp_path: Path, sound: Sound):
    with pytest.raises(SettingError, match="1 or 2 channels"):
        synthesize(tmp_path / "none", 3, sound=sound)
    assert not (tmp_path / "none").exists()


def test_files_hold_what_a_seed_makes(folder: Path, eye: Path):
    pair = read_manifest(folder)[1]
    artwork = paint(pair.seed)
    (cause,) = load_image_encoder(eye, dtype=torch.float32).characters([artwork])
    prior = character(measure(artwork))
    assert cause.arousal > prior.arousal
    assert cause.valence < prior.valence
    assert replace(cause, arousal=prior.arousal, valence=prior.valence) == prior
    music = torch.from_numpy(compose(cause, pair.seed, SECONDS))
    assert artwork.sha256 == pair.artwork_sha256
    assert {name: float(value) for name, value in vars(cause).items()} == pair.character
    stored = read_audio(folder / pair.music, RATE, mono=False)
    assert (stored.samples - music).abs().max() < 2**-14
    assert torch.equal(torch.from_numpy(compose(cause, pair.seed, SECONDS)), music)


def test_an_interrupted_run_goes_on_to_the_same_folder(folder: Path, eye: Path, tmp_path: Path):
    class StopError(Exception):
        pass

    def stop_at_two(step: Step) -> None:
        assert (step.stage, step.total) == ("pairs", 4)
        if step.done == 2:
            raise StopError

    with pytest.raises(StopError):
        synthesize(tmp_path, 4, encoder=eye, first_seed=11, on_step=stop_at_two)
    kept = tmp_path / "music" / "0000011.flac"
    made = kept.stat().st_mtime_ns
    assert synthesize(tmp_path, 4, encoder=eye, first_seed=11) == read_manifest(folder)
    assert kept.stat().st_mtime_ns == made
    assert contents(tmp_path, "artworks") == contents(folder, "artworks")
    assert contents(tmp_path, "music") == contents(folder, "music")


def contents(folder: Path, name: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / name).iterdir()}


def test_another_dataset_is_not_written_over(folder: Path, tmp_path: Path):
    write_manifest(tmp_path, [replace(pair, source="ArtSound") for pair in read_manifest(folder)])
    with pytest.raises(DatasetError, match="dataset"):
        synthesize(tmp_path, 3)
    assert not (tmp_path / "music").exists()


@pytest.mark.parametrize(("count", "first_seed"), [(2, 0), (-1, 0), (3, -1), (3, 2**64)])
def test_too_few_pairs_and_negative_seeds_are_refused(tmp_path: Path, count: int, first_seed: int):
    with pytest.raises(SettingError, match="at least 3 pairs"):
        synthesize(tmp_path / "none", count, first_seed=first_seed)
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("count", [3, 19, 40, 1000])
def test_a_twentieth_is_held_out_for_each_purpose(count: int):
    splits = [split_of(index, count) for index in range(count)]
    held = max(1, count // 20)
    assert Counter(splits) == {"train": count - 2 * held, "validation": held, "test": held}
    assert splits == ["train"] * (count - 2 * held) + ["validation"] * held + ["test"] * held


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A large painting, and one of a single pixel."""
    folder, rng = tmp_path_factory.mktemp("paintings"), np.random.default_rng(3)
    for name, size in (("grande vue.jpg", (900, 1300, 3)), ("pixel.png", (1, 1, 3))):
        Image.fromarray(rng.integers(256, size=size, dtype=np.uint8)).save(folder / name)
    return [folder / "grande vue.jpg", folder / "pixel.png"]


def test_views_of_paintings_are_further_training_pairs(folder: Path, eye: Path, pictures: list[Path], tmp_path: Path):
    made = synthesize(tmp_path, 4, encoder=eye, paintings=pictures, views=3, first_seed=11)
    assert made == read_manifest(tmp_path)
    assert made[:4] == read_manifest(folder)
    further = made[4:]
    assert [pair.seed for pair in further] == list(range(15, 21))
    assert {(pair.source, pair.split, pair.licence) for pair in further} == {
        ("painting", "train", "music CC0-1.0, picture as the painting")
    }
    encoder, seen = (
        load_image_encoder(eye, dtype=torch.float32),
        [read_artwork(tmp_path / pair.artwork) for pair in further],
    )
    for pair, artwork in zip(further, seen, strict=True):
        assert artwork.sha256 == pair.artwork_sha256
        (cause,) = encoder.characters([artwork])
        assert {name: float(value) for name, value in vars(cause).items()} == pair.character
    assert len({pair.artwork_sha256 for pair in further}) == 6
    assert seen[0].pixels.shape == (3, round(900 * SIDE / 1300), SIDE)
    assert all(max(artwork.pixels.shape[1:]) < SIDE for artwork in seen[1:3])
    assert seen[3].sha256 == read_artwork(pictures[1]).sha256
    kept = contents(tmp_path, "music")
    again = synthesize(tmp_path, 4, encoder=eye, paintings=pictures, views=3, first_seed=11)
    assert again == made
    assert contents(tmp_path, "music") == kept


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"encoder": True}, "encoder"),
        ({"count": 5}, "count"),
        ({"first_seed": 12}, "first_seed"),
        ({"views": 2}, "views"),
        ({"paintings": 1}, "paintings"),
        ({"paintings": 0}, "paintings"),
        ({"comments": True}, "comments"),
    ],
)
def test_a_folder_is_not_resumed_with_anything_else(  # noqa: PLR0917
    write_eye, eye: Path, pictures: list[Path], change: dict[str, int], told: str, tmp_path: Path
):
    """Existing music stays, and would belong to other characters or pictures."""

    class StopError(Exception):
        pass

    def stop(step: Step) -> None:
        raise StopError

    first = {"count": 4, "first_seed": 11, "paintings": pictures, "views": 1, "encoder": eye}
    with pytest.raises(StopError):
        synthesize(tmp_path / "pairs", **first, on_step=stop)
    other = {**first, **change}
    if "encoder" in change:
        write_eye(tmp_path / "eye")
        other["encoder"] = tmp_path / "eye"
    if "paintings" in change:
        other["paintings"] = pictures[: change["paintings"]]
    before = contents(tmp_path / "pairs", "music")
    with pytest.raises(DatasetError, match=f"has pairs that were made with other values of {told};"):
        synthesize(tmp_path / "pairs", **other)
    assert contents(tmp_path / "pairs", "music") == before
    assert len(before) == 1


def test_more_painted_pairs_may_follow(folder: Path, eye: Path, tmp_path: Path):
    """Without paintings a pair depends on its seed alone."""
    synthesize(tmp_path, 3, encoder=eye, first_seed=11)
    longer = synthesize(tmp_path, 4, encoder=eye, first_seed=11)
    assert longer == read_manifest(folder)
    assert contents(tmp_path, "music") == contents(folder, "music")


def test_pairs_of_a_version_without_a_note_are_not_resumed(eye: Path, tmp_path: Path):
    synthesize(tmp_path, 3, encoder=eye)
    (tmp_path / "synthesis.json").unlink()
    with pytest.raises(DatasetError, match="made with other values of encoder"):
        synthesize(tmp_path, 3, encoder=eye)
    (tmp_path / "synthesis.json").write_text("[1")
    with pytest.raises(DatasetError, match="made with other values of encoder"):
        synthesize(tmp_path, 3, encoder=eye)


def test_an_encoder_that_was_fitted_meanwhile_is_read_anew(write_eye, tmp_path: Path):
    eye = tmp_path / "eye"
    encoder = write_eye(eye)
    first = synthesize(tmp_path / "one", 3, encoder=eye)
    encoder.affect.bias.copy_(torch.tensor([0.6, -0.4]))
    save_component(eye, "image_encoder", encoder, encoder.config, half=True)
    second = synthesize(tmp_path / "two", 3, encoder=eye)
    assert all(b.character["arousal"] > a.character["arousal"] for a, b in zip(first, second, strict=True))


def test_an_encoder_that_sees_no_characters_is_refused(pocket_like: Path, tmp_path: Path):
    with pytest.raises(CheckpointError, match="expected one that sees musical characters") as refused:
        synthesize(tmp_path / "pairs", 3, encoder=pocket_like)
    assert "\n" not in str(refused.value)
    with pytest.raises(CheckpointError, match="no image encoder in"):
        synthesize(tmp_path / "pairs", 3, encoder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_painting_that_was_changed_meanwhile_is_another_one(eye: Path, tmp_path: Path):
    """Its stored view and music stay, and the manifest would describe the new picture."""
    painting = tmp_path / "dusk.png"
    plan = {"paintings": [painting], "views": 1, "encoder": eye}
    Image.new("RGB", (30, 20), (200, 90, 10)).save(painting)
    synthesize(tmp_path / "pairs", 3, **plan)
    Image.new("RGB", (30, 20), (10, 90, 200)).save(painting)
    with pytest.raises(DatasetError, match="made with other values of paintings;"):
        synthesize(tmp_path / "pairs", 3, **plan)


def test_a_note_of_endless_brackets_is_no_note(eye: Path, tmp_path: Path):
    tmp_path.joinpath("synthesis.json").write_text("[" * 100_000)
    assert len(synthesize(tmp_path, 3, encoder=eye)) == 3
