from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
import typer
from scipy.io import wavfile

from art2mus_core.checkpoints.folder import read_config, save_component
from art2mus_core.cli.heads import heads
from art2mus_core.diffusion.denoiser import build_unet
from art2mus_core.errors import AudioError, SettingError


@pytest.fixture
def model(published_like, tmp_path):
    """A published checkpoint whose channels the original heads divide."""
    folder = shutil.copytree(published_like, tmp_path / "model")
    wide = {"block_out_channels": [32, 32, 64], "norm_num_groups": 8, "attention_head_dim": 8}
    config = read_config(folder, "unet") | wide
    torch.manual_seed(0)
    save_component(folder, "unet", build_unet(config), config, half=True)
    return folder


@pytest.fixture
def music(tmp_path):
    path = tmp_path / "a sound.wav"
    wavfile.write(path, 1600, np.random.default_rng(0).uniform(-0.3, 0.3, 17_000).astype(np.float32))
    return path


@pytest.fixture
def run(capsys):
    """Runs the command; returns standard output."""
    app = typer.Typer()
    app.command()(heads)

    def run(*arguments):
        app([str(argument) for argument in arguments], standalone_mode=False)
        return capsys.readouterr().out

    return run


def test_a_table_and_a_sentence(run, model, music):
    header, *rows, sentence = run(model, music, "--draws", 2).splitlines()
    assert header.split("  ")[0] == "heads"
    assert [row.split("  ")[0] for row in rows] == ["config", "original", "original - config"]
    config, original, difference = (float(row.split()[-2]) for row in rows)
    assert difference == pytest.approx(original - config, abs=2e-5)
    assert config > 0
    assert sentence.endswith(".")


def test_one_document_holds_every_figure(run, model, music):
    found = json.loads(run(model, music, music, "--draws", 3, "--seed", 4, "--json").splitlines()[-1])
    assert found["timesteps"] == [166, 500, 833]
    assert found["verdict"] is None
    values = torch.tensor([found["errors"][reading]["all"] for reading in ("original", "config")]).double()
    assert values.shape == (2, 2, 3)
    assert found["difference"]["mean"] == pytest.approx((values[0] - values[1]).mean().item(), abs=1e-7)
    assert found["errors"]["config"]["mean"] == pytest.approx(values[1].mean().item())
    assert found["music"] == [str(music)] * 2


def test_mistakes_are_told(run, model, music):
    for wrong in ("--draws", 1), ("--seed", -1), ("--device", "abacus"), ("--precision", "float8"):
        with pytest.raises(SettingError):
            run(model, music, *wrong)
    with pytest.raises(SettingError, match="no model"):
        run("nothing", music)
    with pytest.raises(AudioError, match=r"gone\.wav does not exist"):
        run(model, music, music.with_name("gone.wav"), "--draws", 2)


def test_the_bundled_kind_has_no_original_heads(run, pocket_like, tmp_path):
    path = tmp_path / "music.wav"
    wavfile.write(path, 8000, np.random.default_rng(0).uniform(-0.3, 0.3, 81_000).astype(np.float32))
    with pytest.raises(SettingError, match="levels of 6, 10, 14 channels"):
        run(pocket_like, path, "--draws", 2)
