from __future__ import annotations

import pytest
import torch


@pytest.fixture
def save(nodes):
    return nodes["Art2MusSaveAudio"].execute


def audio(pieces: int = 1, **more) -> dict:
    generator = torch.Generator().manual_seed(0)
    waveform = torch.rand(pieces, 1, 1600, generator=generator) - 0.5
    return {"waveform": waveform, "sample_rate": 16000, **more}


def test_every_piece_of_a_batch_is_a_file_of_its_own(pack, save, host_folders):
    known = {"seed": 3, "model": "pocket", "artworks": ["aa", "bb"]}
    saved = save(audio(2, art2mus=known), "sub/music", "FLAC").ui["audio"]
    assert [item["filename"] for item in saved] == ["music_00001_.flac", "music_00002_.flac"]
    assert {(item["subfolder"], item["type"]) for item in saved} == {("sub", "output")}
    files = pack("art2mus_core.audio.files")
    paths = [host_folders / "output" / "sub" / item["filename"] for item in saved]
    assert [files.read_tags(path)["artwork_sha256"] for path in paths] == ["aa", "bb"]
    assert files.read_tags(paths[0])["seed"] == "3"
    assert torch.allclose(files.read_audio(paths[1]).samples, audio(2)["waveform"][1:], atol=1e-4)


@pytest.mark.parametrize("kind", ["FLAC", "WAV", "MP3", "Opus"])
def test_every_format_plays_with_a_cover(pack, save, host_folders, kind):
    (item,) = save(audio(), "a", kind, cover=torch.rand(1, 6, 9, 3)).ui["audio"]
    waveform = pack("art2mus_core.audio.files").read_audio(host_folders / "output" / item["filename"])
    assert waveform.samples.abs().max() > 0.1


def test_music_from_elsewhere_is_saved_too(save, host_folders):
    stereo = {"waveform": torch.rand(1, 2, 441) - 0.5, "sample_rate": 44100}
    (item,) = save(stereo, "a", "FLAC").ui["audio"]
    assert (host_folders / "output" / item["filename"]).stat().st_size
