from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from art2mus_core.audio.files import write_audio
from art2mus_core.audio.mel import MelTransform
from art2mus_core.audio.mpeg import mpeg_parts
from art2mus_core.audio.reading import read_audio
from art2mus_core.datasets.manifest import Pair, read_manifest, write_manifest
from art2mus_core.errors import DatasetError
from art2mus_core.training.features import Dataset, Pieces, cached
from art2mus_core.types import Step, Waveform

from .conftest import GRID


def rows(lengths: np.ndarray) -> Iterator[np.ndarray]:
    yield from (np.full((length, 2, 3), index, np.float16) for index, length in enumerate(lengths))


def test_rows_are_computed_once_and_told(tmp_path: Path):
    steps: list[Step] = []
    path = tmp_path / "features" / "halves.npy"
    lengths = np.array([2, 1, 4])
    made = cached(path, lengths, lambda: rows(lengths), stage="halves", on_step=steps.append)
    assert (made.values.shape, made.values.dtype) == ((7, 2, 3), np.float16)
    assert made.values[:, 0, 0].tolist() == [0, 0, 1, 2, 2, 2, 2]
    assert [made[row].shape[0] for row in range(3)] == [2, 1, 4]
    assert [(step.stage, step.done, step.total) for step in steps] == [("halves", n, 3) for n in range(1, 4)]

    def never() -> Iterator[np.ndarray]:
        raise AssertionError

    np.testing.assert_array_equal(cached(path, lengths, never, stage="halves").values, made.values)


def test_crops_lie_within_their_pieces():
    pieces = Pieces(np.repeat([0, 1, 2], [5, 3, 9]) + np.arange(17) / 100, np.array([5, 3, 9]))
    rows = np.array([2, 0, 1, 2, 0])
    crops = pieces.crops(rows, 3, np.array([0.0, 0.999, 0.999, 0.999, 0.5]))
    assert np.array_equal(crops.astype(int), np.repeat(rows, 3).reshape(5, 3))
    np.testing.assert_allclose(crops[:, 0] % 1, [0.08, 0.02, 0.05, 0.14, 0.01], atol=1e-6)
    np.testing.assert_allclose(pieces.crops(rows, 2)[:, 0], [pieces[row][0] for row in rows], rtol=1e-6)


def test_other_pairs_in_the_same_folder_have_their_own_features(pairs: Path, tmp_path: Path):
    made = read_manifest(pairs)

    def path_of(rows: list[Pair]) -> Path:
        write_manifest(tmp_path, rows)
        return Dataset(tmp_path, GRID).feature("halves")

    first = path_of(made)
    assert first == path_of([replace(pair, split="test", music_caption="a waltz") for pair in made])
    others = [made[:6], made[::-1], [replace(made[0], artwork_sha256="0" * 64), *made[1:]]]
    assert len({first, *map(path_of, others)}) == 4


def test_an_interrupted_computation_leaves_nothing(tmp_path: Path):
    def broken() -> Iterator[np.ndarray]:
        yield np.zeros((1, 3))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached(tmp_path / "halves.npy", np.ones(5, int), broken, stage="halves")
    assert list(tmp_path.iterdir()) == []


def test_features_stand_in_the_order_of_the_pairs(pairs: Path):
    grid = GRID
    data = Dataset(pairs, grid)
    sounds, mels = data.sounds(), data.mels()
    assert sounds.lengths.tolist() == [10 * grid.sample_rate] * 7
    assert mels.lengths.tolist() == [10 * grid.sample_rate // grid.hop] * 7
    assert mels.values.min() == pytest.approx(math.log(grid.floor), abs=5e-3)
    for row, pair in enumerate(data.pairs):
        music = read_audio(pairs / pair.music, grid.sample_rate).samples[0, 0]
        assert np.abs(sounds[row][:, 0] / 32767 - music.numpy()).max() < 1 / 32767
    assert data.rows("train").tolist() == [0, 1, 2, 3]
    assert data.rows("validation").tolist() == [4, 5, 6]


def test_mp3_clips_of_whole_frames_are_cut_by_samples_from_a_full_decode(pairs: Path, tmp_path: Path):
    """Clips cut without encoding them anew fall short of a round length, or go beyond it."""
    made, grid = read_manifest(pairs)[:3], GRID
    noise = torch.rand(1, 1, 3 * 44_100, generator=torch.Generator().manual_seed(0)) * 2.4 - 1.2
    write_audio(tmp_path / "whole.mp3", Waveform(noise, 44_100), tags={}, cover=None)
    (part,) = mpeg_parts(whole := (tmp_path / "whole.mp3").read_bytes())
    counts, clips = (75, 76, 80), []
    for pair, count in zip(made, counts, strict=True):
        clip = tmp_path / f"{count}.mp3"
        clip.write_bytes(b"".join(whole[start:end] for start, end in part.frames[3 : 3 + count]))
        clips.append(replace(pair, music=clip.name, seconds=2.0))
    write_manifest(tmp_path, clips)
    sounds, mels = Dataset(tmp_path, grid).sounds(), Dataset(tmp_path, grid).mels()
    assert sounds.lengths.tolist() == [2 * grid.sample_rate] * 3
    assert mels.lengths.tolist() == [2 * grid.sample_rate // grid.hop] * 3
    for row, pair in enumerate(clips):
        music = read_audio(tmp_path / pair.music, grid.sample_rate).samples[0, 0][: 2 * grid.sample_rate]
        assert music.abs().max() > 1
        assert np.abs(sounds[row][: len(music), 0] / 32767 - music.clamp(-1, 1).numpy()).max() < 1 / 32767
        assert not sounds[row][len(music) :].any()
    write_manifest(tmp_path, [replace(pair, seconds=2.2) for pair in clips])
    with pytest.raises(DatasetError, match=r"75\.mp3 has 1\.96 s; expected the 2\.2 s"):
        Dataset(tmp_path, grid).sounds()


def test_pieces_of_unlike_length_keep_their_own(pairs: Path, tmp_path: Path):
    """Silence fills each up to whole latent frames, as when music is encoded to be composed from."""
    made, grid = read_manifest(pairs)[:2], GRID
    sounds = [torch.rand(1, 1, count) - 0.5 for count in (1000, 47_777)]
    sounds[0] = torch.cat([sounds[0], sounds[0].flip(-1)] * 4, dim=-1)
    for name, sound in zip("ab", sounds, strict=True):
        write_audio(tmp_path / f"{name}.flac", Waveform(sound, grid.sample_rate), tags={}, cover=None)
    write_manifest(
        tmp_path,
        [
            replace(pair, music=f"{name}.flac", seconds=sound.shape[-1] / grid.sample_rate)
            for pair, name, sound in zip(made, "ab", sounds, strict=True)
        ],
    )
    data = Dataset(tmp_path, grid)
    assert data.sounds().lengths.tolist() == [8000, 47_777]
    assert data.mels().lengths.tolist() == [40, 239]
    whole = data.mels(8)
    assert whole.lengths.tolist() == [40, 240]
    music = read_audio(tmp_path / "b.flac", grid.sample_rate).samples[:, 0]
    expected = MelTransform(grid)(torch.nn.functional.pad(music, (0, 48_000 - 47_777)))[0]
    assert np.abs(whole[1][:, 0].astype(np.float32) - expected.numpy()).max() < 5e-3


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, math.inf])
def test_music_without_a_length_is_refused(pairs: Path, tmp_path: Path, seconds: float):
    write_manifest(tmp_path, [replace(read_manifest(pairs)[0], seconds=seconds)])
    with pytest.raises(DatasetError, match="its length"):
        Dataset(tmp_path, GRID)


def test_another_mel_has_its_own_features(pairs: Path):
    grid = GRID
    others = [{}, {"windows": (2048, 1024)}, {"floor": 1e-3}, {"lowest": 36.0}, {"hop": 160}]
    paths = {cached_mel(Dataset(pairs, replace(grid, **other)), pairs) for other in others}
    assert len(paths) == len(others)


def cached_mel(data: Dataset, folder: Path) -> str:
    before = set((folder / "features").glob("mel-*"))
    data.mels()
    new = set((folder / "features").glob("mel-*")) - before
    return new.pop().name if new else "the first"
