from __future__ import annotations

import re
import shutil

import numpy as np
import pytest
import torch

from art2mus_core.checkpoints.grid import read_grid
from art2mus_core.checkpoints.names import locate
from art2mus_core.encoders.files import load_audio_encoder, load_image_encoder
from art2mus_core.errors import AudioError, CheckpointError
from art2mus_core.evaluation.embedders import ArtworkEmbedder, TextEmbedder, open_embedder
from art2mus_core.types import Artwork, Waveform


def artworks() -> list[Artwork]:
    generator = torch.Generator().manual_seed(0)
    return [Artwork(torch.randint(256, (3, 40, 50), dtype=torch.uint8, generator=generator)) for _ in range(3)]


def direct(encoder, given) -> np.ndarray:
    with torch.no_grad():
        return encoder.encode(given).values.double().numpy()


def least() -> float:
    """Seconds of the 128 frames that the bundled tower needs."""
    grid = read_grid(locate("pocket"))
    return 128 * grid.hop / grid.sample_rate


@pytest.fixture(scope="module")
def pocket():
    return open_embedder("pocket")


@pytest.mark.parametrize(("seconds", "rate", "channels"), [(None, 16000, 1), (4.3, 44100, 2), (10.9, 8000, 1)])
def test_the_bundled_towers_hear_and_see_as_they_do_themselves(pocket, sound, seconds, rate, channels):
    music = sound(seconds or least(), rate, channels)
    folder, mixed = locate("pocket"), Waveform(music.samples.mean(1, keepdim=True), rate).cut(10.0)
    ears, eyes = (load(folder, dtype=torch.float32) for load in (load_audio_encoder, load_image_encoder))
    np.testing.assert_allclose(pocket.embed_sound(music), direct(ears, mixed), atol=1e-6)
    np.testing.assert_allclose(pocket.embed_artworks(artworks()), direct(eyes, artworks()), atol=1e-6)


def test_the_bundled_tower_hears_ten_seconds_at_a_time(pocket, sound):
    music = sound(25)
    rows = pocket.embed_sound(music)
    assert rows.shape == (3, 128)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(rows[:1], pocket.embed_sound(music.cut(10.0)), atol=1e-6)
    last = Waveform(music.samples[..., 15 * 8000 :], 8000)
    np.testing.assert_allclose(rows[2:], pocket.embed_sound(last), atol=1e-6)


def test_a_sound_too_short_for_the_tower_is_refused(pocket, sound):
    short = least() - 0.01
    with pytest.raises(AudioError, match=re.escape(f"{short:.2f} s; expected at least {least():g} s for pocket")):
        pocket.embed_sound(sound(short))


def test_imagebind_hears_a_sound_of_any_length_as_one(imagebind_folder, sound):
    imagebind = open_embedder(f"imagebind:{imagebind_folder}")
    ears = load_audio_encoder(imagebind_folder, dtype=torch.float32)
    eyes = load_image_encoder(imagebind_folder, dtype=torch.float32)
    for seconds, rate, channels in ((0.1, 8000, 1), (1, 44100, 2), (12, 8000, 1)):
        music = sound(seconds, rate, channels)
        rows = imagebind.embed_sound(music)
        assert rows.shape == (1, 13)
        np.testing.assert_allclose(rows, direct(ears, music), atol=1e-6)
    np.testing.assert_allclose(imagebind.embed_artworks(artworks()), direct(eyes, artworks()), atol=1e-6)
    with pytest.raises(AudioError, match="one frame"):
        imagebind.embed_sound(sound(0.02))


def test_what_hears_also_sees_and_reads_nothing(pocket):
    assert isinstance(pocket, ArtworkEmbedder)
    assert not isinstance(pocket, TextEmbedder)
    assert pocket.name == "pocket"


def test_a_sound_that_is_not_finite_is_refused(pocket, sound):
    music = sound(2)
    music.samples[0, 0, 5] = torch.inf
    with pytest.raises(AudioError, match="infinite"):
        pocket.embed_sound(music)


def test_a_folder_of_ones_own_is_another_space(pocket, pocket_like, sound):
    own = open_embedder(f"pocket:{pocket_like}")
    assert own.embed_sound(sound(2)).shape == (1, 7)
    assert own.embed_artworks(artworks()).shape == (3, 7)
    assert own.name == f"pocket:{pocket_like.name}"
    assert own.space.startswith("pocket-")
    assert own.space != pocket.space == open_embedder("pocket").space


def test_encoders_of_two_spaces_are_refused(pocket_like, imagebind_folder, tmp_path):
    folder = shutil.copytree(pocket_like, tmp_path / "own")
    shutil.rmtree(folder / "image_encoder")
    shutil.copytree(imagebind_folder / "image_encoder", folder / "image_encoder")
    with pytest.raises(CheckpointError, match="image encoder for imagebind and an audio encoder for tiny"):
        open_embedder(f"pocket:{folder}")
