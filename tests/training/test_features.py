from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from art2mus_core.audio.files import write_audio
from art2mus_core.audio.mpeg import mpeg_parts
from art2mus_core.audio.reading import read_audio
from art2mus_core.datasets.manifest import Pair, read_manifest, write_manifest
from art2mus_core.errors import DatasetError
from art2mus_core.images.reading import as_square, read_artwork
from art2mus_core.training.features import Dataset, cached
from art2mus_core.training.stages import pocket_grid
from art2mus_core.types import Step, Waveform


def rows(count: int) -> Iterator[np.ndarray]:
    yield from (np.full((2, 3), index, np.float16) for index in range(count))


def test_rows_are_computed_once_and_told(tmp_path: Path):
    steps: list[Step] = []
    path = tmp_path / "features" / "halves.npy"
    made = cached(path, 5, lambda: rows(5), stage="halves", on_step=steps.append)
    assert (made.shape, made.dtype) == ((5, 2, 3), np.float16)
    assert made[:, 0, 0].tolist() == [0, 1, 2, 3, 4]
    assert [(step.stage, step.done, step.total) for step in steps] == [("halves", n, 5) for n in range(1, 6)]

    def never() -> Iterator[np.ndarray]:
        raise AssertionError

    np.testing.assert_array_equal(cached(path, 5, never, stage="halves"), made)


def test_other_pairs_in_the_same_folder_have_their_own_features(pairs: Path, tmp_path: Path):
    made = read_manifest(pairs)

    def path_of(rows: list[Pair]) -> Path:
        write_manifest(tmp_path, rows)
        return Dataset(tmp_path, pocket_grid(), 128).feature("halves")

    first = path_of(made)
    assert first == path_of([replace(pair, split="test", music_caption="a waltz") for pair in made])
    others = [made[:6], made[::-1], [replace(made[0], artwork_sha256="0" * 64), *made[1:]]]
    assert len({first, *map(path_of, others)}) == 4


def test_an_interrupted_computation_leaves_nothing(tmp_path: Path):
    def broken() -> Iterator[np.ndarray]:
        yield np.zeros(3)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached(tmp_path / "halves.npy", 5, broken, stage="halves")
    assert list(tmp_path.iterdir()) == []


def test_features_stand_in_the_order_of_the_pairs(pairs: Path):
    grid = pocket_grid()
    data = Dataset(pairs, grid, 128)
    pictures, sounds, mels = data.pictures(), data.sounds(), data.mels()
    assert pictures.shape == (7, 3, 128, 128)
    assert sounds.shape == (7, 10 * grid.sample_rate)
    assert mels.shape == (7, 10 * grid.sample_rate // grid.hop, grid.mel_bins)
    assert mels.min() == pytest.approx(math.log(grid.floor), abs=5e-3)
    for row, pair in enumerate(data.pairs):
        square = as_square(read_artwork(pairs / pair.artwork), 128)
        assert np.abs(pictures[row] / 255 - square.numpy()).max() < 0.51 / 255
        music = read_audio(pairs / pair.music, grid.sample_rate).samples[0, 0]
        assert np.abs(sounds[row] / 32767 - music.numpy()).max() < 1 / 32767
    assert data.rows("train").tolist() == [0, 1, 2, 3]
    assert data.rows("validation").tolist() == [4, 5, 6]


def test_mp3_clips_of_whole_frames_are_cut_by_samples_from_a_full_decode(pairs: Path, tmp_path: Path):
    """Clips cut without encoding them anew fall short of a round length, or go beyond it."""
    made, grid = read_manifest(pairs)[:3], pocket_grid()
    noise = torch.rand(1, 1, 3 * 44_100, generator=torch.Generator().manual_seed(0)) * 2.4 - 1.2
    write_audio(tmp_path / "whole.mp3", Waveform(noise, 44_100), tags={}, cover=None)
    (part,) = mpeg_parts(whole := (tmp_path / "whole.mp3").read_bytes())
    counts, clips = (75, 76, 80), []
    for pair, count in zip(made, counts, strict=True):
        clip = tmp_path / f"{count}.mp3"
        clip.write_bytes(b"".join(whole[start:end] for start, end in part.frames[3 : 3 + count]))
        clips.append(replace(pair, music=clip.name, seconds=2.0))
    write_manifest(tmp_path, clips)
    sounds, mels = Dataset(tmp_path, grid, 128).sounds(), Dataset(tmp_path, grid, 128).mels()
    assert sounds.shape == (3, 2 * grid.sample_rate)
    assert mels.shape[0] == 3
    for row, pair in enumerate(clips):
        music = read_audio(tmp_path / pair.music, grid.sample_rate).samples[0, 0][: 2 * grid.sample_rate]
        assert music.abs().max() > 1
        assert np.abs(sounds[row, : len(music)] / 32767 - music.clamp(-1, 1).numpy()).max() < 1 / 32767
        assert not sounds[row, len(music) :].any()
    write_manifest(tmp_path, [replace(pair, seconds=2.2) for pair in clips])
    with pytest.raises(DatasetError, match=r"75\.mp3 has 1\.96 s; expected the 2\.2 s"):
        Dataset(tmp_path, grid, 128).sounds()


def test_music_of_different_lengths_is_refused(pairs: Path, tmp_path: Path):
    made = read_manifest(pairs)
    write_manifest(tmp_path, [made[0], replace(made[1], seconds=9.0)])
    with pytest.raises(DatasetError, match="2 different lengths"):
        Dataset(tmp_path, pocket_grid(), 128)
