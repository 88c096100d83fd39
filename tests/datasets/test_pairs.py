from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from art2mus_core.audio.reading import read_audio
from art2mus_core.character import character
from art2mus_core.datasets.manifest import read_manifest, write_manifest
from art2mus_core.datasets.synthetic.painting import paint
from art2mus_core.datasets.synthetic.pairs import SECONDS, split_of, synthesize
from art2mus_core.datasets.synthetic.rendering import RATE, compose
from art2mus_core.errors import DatasetError, SettingError
from art2mus_core.images.reading import read_artwork
from art2mus_core.measure.pictures import measure
from art2mus_core.types import Step


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs") / "mit Leerzeichen"
    synthesize(folder, 4, first_seed=11)
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


def test_files_hold_what_a_seed_makes(folder: Path):
    pair = read_manifest(folder)[1]
    artwork = paint(pair.seed)
    cause = character(measure(artwork))
    music = torch.from_numpy(compose(cause, pair.seed, SECONDS))
    assert artwork.sha256 == pair.artwork_sha256
    assert {name: float(value) for name, value in vars(cause).items()} == pair.character
    stored = read_audio(folder / pair.music, RATE)
    assert (stored.samples - music).abs().max() < 2**-14
    assert torch.equal(torch.from_numpy(compose(cause, pair.seed, SECONDS)), music)


def test_an_interrupted_run_goes_on_to_the_same_folder(folder: Path, tmp_path: Path):
    class StopError(Exception):
        pass

    def stop_at_two(step: Step) -> None:
        assert (step.stage, step.total) == ("pairs", 4)
        if step.done == 2:
            raise StopError

    with pytest.raises(StopError):
        synthesize(tmp_path, 4, first_seed=11, on_step=stop_at_two)
    kept = tmp_path / "music" / "0000011.flac"
    made = kept.stat().st_mtime_ns
    assert synthesize(tmp_path, 4, first_seed=11) == read_manifest(folder)
    assert kept.stat().st_mtime_ns == made
    assert contents(tmp_path, "artworks") == contents(folder, "artworks")
    assert contents(tmp_path, "music") == contents(folder, "music")


def contents(folder: Path, name: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / name).iterdir()}


def test_another_dataset_is_not_written_over(folder: Path, tmp_path: Path):
    write_manifest(tmp_path, [replace(pair, source="ArtSound") for pair in read_manifest(folder)])
    with pytest.raises(DatasetError, match="another dataset"):
        synthesize(tmp_path, 3)
    assert not (tmp_path / "music").exists()


@pytest.mark.parametrize(("count", "first_seed"), [(2, 0), (-1, 0), (3, -1)])
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
