from __future__ import annotations

import numpy as np
import pytest
import torch

from art2mus_core.errors import SettingError
from art2mus_core.training.features.windows import WHOLE, Window, read_window
from art2mus_core.types import AudioGrid

GRID = AudioGrid(1000, 5, 7, "slaney", 0.0, 500.0, (64,), 1e-5, latent_factor=4)
"""50 latent frames a second, of 20 samples each."""


def ramp(seconds: float, channels: int = 2) -> torch.Tensor:
    return torch.arange(round(1000 * seconds)).float().repeat(channels, 1)


@pytest.mark.parametrize(
    ("text", "window"),
    [
        ("whole", WHOLE),
        ("10-20", Window(10.0, 10.0)),
        ("0.5-2.75", Window(0.5, 2.25)),
        ("random:4x10", Window(None, 10.0, 4)),
        ("random:1x2.5", Window(None, 2.5, 1)),
    ],
)
def test_windows_are_read(text: str, window: Window):
    assert read_window(text) == window


@pytest.mark.parametrize("text", ["", "20-10", "5-5", "random:0x3", "random:2x0", "10", "-1-2", "random:2", "10-20s"])
def test_other_texts_are_refused(text: str):
    with pytest.raises(SettingError, match=r"START-END in seconds such as 10-20"):
        read_window(text)


@pytest.mark.parametrize("level", [0.0, -0.5, 1.5, float("nan")])
def test_levels_out_of_range_are_refused(level: float):
    with pytest.raises(SettingError, match="above 0 and at most 1"):
        read_window("whole", level)


def test_whole_pieces_are_filled_up_to_whole_latent_frames():
    [part], begins = WHOLE.cut(ramp(1.007), GRID, "a")
    assert (part.shape, begins) == ((2, 1020), [0.0])
    assert torch.equal(part[:, :1007], ramp(1.007))
    assert not part[:, 1007:].any()


@pytest.mark.parametrize(
    ("seconds", "first", "sound", "begin"),
    [(9.0, 2000, 1010, 100.0), (2.5, 1490, 1010, 74.5), (0.4, 0, 400, 0.0)],
    ids=["long enough", "its last part", "all of it"],
)
def test_pieces_that_end_early_give_what_they_have(seconds: float, first: int, sound: int, begin: float):
    [part], begins = read_window("2-3.01").cut(ramp(seconds), GRID, "a")
    assert (part.shape, begins) == ((2, 1020), [begin])
    assert part[0, :sound].tolist() == list(range(first, first + sound))
    assert not part[:, sound:].any()


def test_excerpts_are_filled_up_to_the_crop():
    """10 s and 1024 frames in 2024."""
    window = read_window("2-3.01", frames=64)
    assert window.fitted(GRID).frames == 64
    assert read_window("2-3.01", frames=20).fitted(GRID).frames == 51
    [part], _ = window.cut(ramp(9), GRID, "a")
    assert part.shape == (2, 64 * 20)
    assert not part[:, 1010:].any()
    assert read_window("whole", frames=64).fitted(GRID) == WHOLE


def test_random_excerpts_follow_from_the_piece():
    window = read_window("random:3x1.01")
    parts, begins = window.cut(ramp(7), GRID, "a")
    assert [part[0, 0].item() for part in parts] == [round(20 * begin) for begin in begins]
    assert all(part.shape == (2, 1020) and 0 <= begin <= 5990 / 20 for part, begin in zip(parts, begins, strict=True))
    assert len(set(begins)) == 3
    assert window.cut(ramp(7), GRID, "a")[1] == begins != window.cut(ramp(7), GRID, "b")[1]
    assert window.cut(ramp(0.5), GRID, "a")[1] == [0.0] * 3


def test_the_level_is_that_of_the_excerpt():
    noise = torch.from_numpy(np.random.default_rng(0).normal(0.3, 0.2, (2, 5000))).float()
    [part], _ = read_window("1-2.01", 0.5).cut(noise, GRID, "a")
    assert part.abs().max().item() == pytest.approx(0.5)
    assert part[:, :1010].mean(-1).abs().max().item() < 1e-6
    assert not part[:, 1010:].any()
    [silent], _ = read_window("1-2.01", 0.5).cut(torch.zeros(1, 5000), GRID, "a")
    assert not silent.any()
