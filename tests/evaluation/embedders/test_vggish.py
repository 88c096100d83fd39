"""VGGish against its published definition, written out step by step."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from art2mus_core.errors import AudioError, CheckpointError
from art2mus_core.evaluation.embedders import open_embedder
from art2mus_core.evaluation.embedders.vggish import examples


def hertz_to_mel(hertz: float) -> float:
    return 1127.0 * math.log(1.0 + hertz / 700.0)


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Frames of 400 every 160, transformed at 512; triangles of which every edge is the middle of its neighbours."""
    count = 1 + (len(samples) - 400) // 160
    edges = np.linspace(hertz_to_mel(125.0), hertz_to_mel(7500.0), 66)
    matrix = np.zeros((257, 64))
    for band in range(64):
        lower, centre, upper = edges[band : band + 3]
        for index in range(1, 257):
            mel = hertz_to_mel(index * 16000 / 512)
            slopes = (mel - lower) / (centre - lower), (upper - mel) / (upper - centre)
            matrix[index, band] = max(0.0, min(slopes))
    rows = []
    for frame in range(count):
        values = [samples[frame * 160 + n] * (0.5 - 0.5 * math.cos(2 * math.pi * n / 400)) for n in range(400)]
        rows.append(np.log(np.abs(np.fft.rfft(values, 512)) @ matrix + 0.01))
    return np.array(rows)


def test_the_front_end_is_the_published_one(sound):
    samples = sound(2.2, 16000).samples[0, 0]
    expected = log_mel(samples.double().numpy())
    heard = examples(samples)
    assert heard.shape == (2, 96, 64)
    np.testing.assert_allclose(heard.reshape(-1, 64), expected[:192], atol=2e-6)
    assert expected.max() - expected.min() > 4


@pytest.fixture(scope="module")
def vggish(vggish_file):
    return open_embedder(f"vggish:{vggish_file}")


def network(state: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """[n, 96, 64] to [n, 128]."""
    x = x[:, None]
    for number, pooled in ((0, True), (3, True), (6, False), (8, True), (11, False), (13, True)):
        weight, bias = state[f"features.{number}.weight"].double(), state[f"features.{number}.bias"].double()
        x = torch.nn.functional.conv2d(x, weight, bias, padding=1).clamp(min=0)
        if pooled:
            n, channels, height, width = x.shape
            x = x.reshape(n, channels, height // 2, 2, width // 2, 2).amax((3, 5))
    x = torch.stack([x[:, :, row, column] for row in range(6) for column in range(4)], 1).flatten(1)
    for number in (0, 2, 4):
        weight, bias = state[f"embeddings.{number}.weight"].double(), state[f"embeddings.{number}.bias"].double()
        x = torch.einsum("bi,oi->bo", x, weight).add(bias).clamp(min=0)
    return x


def test_the_network_is_the_published_one(vggish, vggish_file, sound):
    music = sound(2.2, 16000)
    spectrograms = torch.from_numpy(log_mel(music.samples[0, 0].double().numpy())[:192]).reshape(2, 96, 64)
    expected = network(torch.load(vggish_file, weights_only=True), spectrograms).numpy()
    rows = vggish.embed_sound(music)
    assert rows.shape == (2, 128)
    assert expected.max() > 1
    np.testing.assert_allclose(rows, expected, rtol=1e-4, atol=1e-4 * expected.max())


@pytest.mark.parametrize(("made", "windows"), [((0.975, 16000, 1), 1), ((2, 44100, 2), 2), ((9, 8000, 1), 9)])
def test_every_whole_example_has_its_row(vggish, sound, made, windows):
    assert vggish.embed_sound(sound(*made)).shape == (windows, 128)


def test_a_sound_shorter_than_an_example_is_refused(vggish, sound):
    with pytest.raises(AudioError, match=r"0\.97 s; expected at least 0\.975 s for vggish"):
        vggish.embed_sound(sound(0.974, 16000))


def test_safetensors_are_read_too_and_a_folder_is_its_file(vggish, vggish_file, tmp_path, sound):
    save_file(
        {key: value.contiguous() for key, value in torch.load(vggish_file, weights_only=True).items()},
        tmp_path / "v.safetensors",
    )
    other = open_embedder(f"vggish:{tmp_path}")
    expected = vggish.embed_sound(sound(1))
    np.testing.assert_allclose(other.embed_sound(sound(1)), expected, atol=1e-4 * expected.max())
    (tmp_path / "w.pth").touch()
    with pytest.raises(CheckpointError, match="contains 2 files of weights"):
        open_embedder(f"vggish:{tmp_path}")


def test_other_weights_are_told(vggish_file, tmp_path):
    state = torch.load(vggish_file, weights_only=True)
    torch.save({**state, "embeddings.4.weight": torch.zeros(527, 4096)}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=r"embeddings\.4\.weight of \[527, 4096\] for \[128, 4096\]"):
        open_embedder(f"vggish:{tmp_path / 'other.pth'}")
    torch.save({f"module.{key}": value for key, value in state.items()}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match=r"lacks embeddings\.0\.bias"):
        open_embedder(f"vggish:{tmp_path / 'other.pth'}")
    (tmp_path / "other.pth").write_bytes(b"<html>")
    with pytest.raises(CheckpointError, match=r"web page.*torchvggish"):
        open_embedder(f"vggish:{tmp_path / 'other.pth'}")
