from __future__ import annotations

import math
import shutil
from dataclasses import replace
from functools import partial, partialmethod
from pathlib import Path

import numpy as np
import pytest
import torch

from art2mus_core.audio.files import write_audio
from art2mus_core.audio.mel import MelTransform
from art2mus_core.audio.mpeg import mpeg_parts
from art2mus_core.audio.reading import read_audio
from art2mus_core.checkpoints.folder import read_tensors, save_tensors, weights_file
from art2mus_core.checkpoints.grid import read_grid
from art2mus_core.datasets.listing import list_source
from art2mus_core.datasets.manifest import read_manifest, write_manifest
from art2mus_core.datasets.scanning import scan_artworks, scan_music
from art2mus_core.datasets.workers import spread
from art2mus_core.errors import DatasetError
from art2mus_core.training.features.dataset import Dataset
from art2mus_core.training.features.latents import embed_artworks, embed_sounds, encode_latents
from art2mus_core.training.features.preparing import Request, prepare
from art2mus_core.training.stages import stage_builder
from art2mus_core.types import Step, Waveform

from ..conftest import GRID
from .conftest import CPU, Opened, dataset_of


def test_features_stand_in_the_order_of_the_pairs(pairs: Path):
    grid = GRID
    data = Dataset(pairs, grid)
    sounds, mels = data.sounds(), data.mels()
    assert sounds.lengths.tolist() == [10 * grid.sample_rate] * 7
    assert mels.lengths.tolist() == [10 * grid.sample_rate // grid.hop] * 7
    assert min(mels[row].min() for row in range(7)) == pytest.approx(math.log(grid.floor), abs=5e-3)
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
    with pytest.raises(DatasetError, match=r"75\.mp3: DatasetError: has 1\.96 s instead of 2\.2 s; 76"):
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


def test_another_mel_has_its_own_features(small: Path):
    others = [{}, {"windows": (2048, 1024)}, {"floor": 1e-3}, {"lowest": 36.0}, {"hop": 160}]
    folders = set[Path]()
    for other in others:
        data = Dataset(small, replace(GRID, **other))
        data.mels()
        folders |= set(data.stores)
    assert len(folders) == len(others)


def test_every_file_is_read_once_however_many_pairs_it_is_in(
    small: Path, pocket_like: Path, monkeypatch: pytest.MonkeyPatch
):
    opened, data = Opened(monkeypatch), dataset_of(small, pocket_like)
    request = Request(pocket_like, pocket_like)
    prepare(data, request, CPU)
    names = [*(f"{number}.png" for number in range(6)), *(f"{number}.wav" for number in range(5))]
    assert sorted(opened.paths) == sorted(names)
    opened.paths.clear()
    again = dataset_of(small, pocket_like)
    latents, heard = encode_latents(again, pocket_like, CPU), embed_sounds(again, pocket_like, CPU)
    seen = embed_artworks(again, pocket_like, CPU, patches=False)
    assert opened.paths == []
    assert latents.lengths[0] == latents.lengths[5]
    assert np.array_equal(latents[0], latents[5])
    assert np.array_equal(heard.values[1], heard.values[6])
    assert np.array_equal(seen.values[1], seen.values[7])
    assert not np.array_equal(seen.values[1], seen.values[2])
    assert len(seen.everything) == 6


HEARING = {"alignment": None, "source": "audio", "gap": "shift", "crop": 8}


def test_a_training_reads_every_file_once_and_goes_on_where_preparing_stopped(
    small: Path, pocket_like: Path, tiny, monkeypatch: pytest.MonkeyPatch
):
    def until_third(step: Step) -> None:
        if step.done == 3:
            raise KeyboardInterrupt

    opened, config = Opened(monkeypatch), tiny("aligner", HEARING, model={"hidden": 5, "tokens": 3})
    monkeypatch.setattr(Dataset, "heard", partialmethod(Dataset.heard, size=2))
    with pytest.raises(KeyboardInterrupt):
        prepare(Dataset(small, read_grid(pocket_like), until_third), Request(pocket_like, pocket_like), CPU)
    assert opened.paths == ["0.wav", "1.wav", "2.wav"]
    stage_builder(config, small, pocket_like)()
    everything = [*(f"{number}.png" for number in range(6)), *(f"{number}.wav" for number in range(5))]
    assert sorted(opened.paths) == sorted(everything)
    assert len([*(small / "features").glob("music-*")]) == 1


def test_another_encoder_has_another_store(small: Path, pocket_like: Path, own_checkpoint: Path):
    data = dataset_of(small, pocket_like)
    first = embed_sounds(data, pocket_like, CPU)
    tensors, _ = read_tensors(weights_file(own_checkpoint, "audio_encoder"))
    save_tensors(weights_file(own_checkpoint, "audio_encoder"), {name: value * 1.5 for name, value in tensors.items()})
    second = embed_sounds(data, own_checkpoint, CPU)
    assert len(data.stores) == 2
    assert not np.allclose(first.values, second.values)


def test_music_alone_can_be_opened(small: Path, pocket_like: Path, tmp_path: Path):
    """A scanned folder of music, and artworks that are in no pair."""
    data, alone = tmp_path / "data", partial(spread, workers=1)
    (small / "3.png").unlink()
    shutil.copy(small / "2.png", small / "again.png")
    scan_music(list_source(data, "music", small, "folder"), data, alone, shortest=0.1)
    unseen = dataset_of(data, pocket_like)
    assert unseen.artworks.files == []
    scan_artworks(list_source(data, "artworks", small, "folder"), data, alone)
    opened = dataset_of(data, pocket_like)
    assert opened.unpaired
    assert [Path(pair.music).name for pair in opened.pairs] == [f"{number}.wav" for number in range(5)]
    assert sum(len(opened.rows(split)) for split in ("train", "validation", "test")) == 5
    seen, heard = embed_artworks(opened, pocket_like, CPU, patches=False), embed_sounds(opened, pocket_like, CPU)
    assert (len(seen.everything), heard.values.shape[0]) == (5, 5)
    assert encode_latents(opened, pocket_like, CPU).lengths.min() > 0


def spoil(folder: Path) -> None:
    (folder / "2.png").write_text("no picture", encoding="utf-8")
    (folder / "4.wav").unlink()


def test_pairs_of_files_that_fail_are_left_out(small: Path, pocket_like: Path):
    spoil(small)
    data = dataset_of(small, pocket_like, faults=0.4)
    assert data.rows("validation").tolist() == [2, 3, 4, 5]
    latents = encode_latents(data, pocket_like, CPU)
    assert data.rows("validation").tolist() == [2, 3, 5]
    seen = embed_artworks(data, pocket_like, CPU, patches=False)
    assert data.rows("validation").tolist() == [3, 5]
    assert data.rows("test").tolist() == [6]
    assert (latents.lengths[4], set(data.left_out)) == (0, {2, 4, 7})
    assert data.left_out[2].startswith("2.png: ArtworkError: ")
    assert data.left_out[7].startswith("4.wav: AudioError: ")
    assert seen.everything.shape[0] == 5
    assert not seen.values[2].any()
    again = dataset_of(small, pocket_like, faults=0.4)
    encode_latents(again, pocket_like, CPU)
    assert set(again.left_out) == {4, 7}


def test_too_many_failures_stop_the_run(small: Path, pocket_like: Path):
    spoil(small)
    with pytest.raises(DatasetError, match=r"2 of 8 pairs .* 4\.wav: AudioError.*at most 20% of them"):
        encode_latents(dataset_of(small, pocket_like, faults=0.2), pocket_like, CPU)
    encode_latents(dataset_of(small, pocket_like, faults=0.25), pocket_like, CPU)


def test_a_file_that_was_repaired_is_tried_again_when_asked(small: Path, pocket_like: Path):
    whole = (small / "4.wav").read_bytes()
    (small / "4.wav").write_bytes(whole[:100])
    for retry, left in ((False, {4, 7}), (False, {4, 7}), (True, set())):
        data = dataset_of(small, pocket_like, faults=0.5, retry=retry)
        encode_latents(data, pocket_like, CPU)
        assert set(data.left_out) == left
        (small / "4.wav").write_bytes(whole)


def test_a_split_without_a_usable_pair_is_told(small: Path, pocket_like: Path):
    for name in ("0.png", "1.png"):
        (small / name).unlink()
    data = dataset_of(small, pocket_like, faults=0.9)
    embed_artworks(data, pocket_like, CPU, patches=False)
    with pytest.raises(DatasetError, match=r"all 2 pairs of the split train .*0\.png: ArtworkError"):
        data.rows("train")
    assert data.rows("validation").tolist() == [2, 3, 4, 5]
