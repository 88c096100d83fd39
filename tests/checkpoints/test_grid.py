from __future__ import annotations

import json

import pytest

from art2mus_core.checkpoints.grid import read_grid
from art2mus_core.errors import CheckpointError


def change(folder, part, **fields):
    path = folder / part / "config.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, **fields}), encoding="utf-8")


def test_the_grid_of_a_published_checkpoint(published_like):
    grid = read_grid(published_like)
    assert (grid.sample_rate, grid.hop, grid.mel_bins) == (1600, 20, 20)
    assert (grid.scale, grid.lowest, grid.highest, grid.windows, grid.floor) == ("slaney", 0.0, 8000.0, (1024,), 1e-5)
    assert (grid.latent_channels, grid.latent_factor, grid.latent_scale) == (3, 4, 0.7)
    assert (grid.language_width, grid.language_tokens) == (10, 8)


def test_the_grid_of_the_bundled_checkpoint(pocket_like):
    grid = read_grid(pocket_like)
    assert (grid.sample_rate, grid.hop, grid.mel_bins) == (8000, 100, 20)
    assert (grid.scale, grid.lowest, grid.windows, grid.floor) == ("semitone", 48.0, (512, 256), 1e-4)
    assert grid.latent_shape(1.05) == (3, 21, 5)


@pytest.mark.parametrize("factor", [None, "absent"])
def test_an_unknown_latent_scale_is_not_guessed(own_checkpoint, factor):
    change(own_checkpoint, "vae", scaling_factor=None)
    if factor == "absent":
        path = own_checkpoint / "vae" / "config.json"
        path.write_text(path.read_text(encoding="utf-8").replace("scaling_factor", "other"), encoding="utf-8")
    with pytest.raises(CheckpointError, match="scaling_factor"):
        read_grid(own_checkpoint)


def test_what_cannot_be_read_is_named(own_checkpoint):
    path = own_checkpoint / "language_model" / "config.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(CheckpointError, match="n_embd"):
        read_grid(own_checkpoint)


@pytest.mark.parametrize("size", [0, 10**9, 10**18])
def test_a_size_that_no_memory_holds_is_refused(own_checkpoint, size):
    path = own_checkpoint / "vocoder" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    config["mel"]["sample_rate"] = size
    path.write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(
        CheckpointError, match=f"mel.sample_rate {size}; expected a whole number above 0, up to 1000000"
    ):
        read_grid(own_checkpoint)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"lowest": 10**9}, "mel.lowest 1000000000; expected a MIDI note number from 0 to 200"),
        ({"lowest": -5}, "mel.lowest -5; expected a MIDI note number"),
        ({"scale": "slaney", "highest": -5}, "mel.highest -5; expected hertz from 0, the lowest below the highest"),
    ],
)
def test_bands_that_no_sound_has_are_refused(own_checkpoint, fields, told):
    path = own_checkpoint / "vocoder" / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**config, "mel": {**config["mel"], **fields}}), encoding="utf-8")
    with pytest.raises(CheckpointError, match=told):
        read_grid(own_checkpoint)
