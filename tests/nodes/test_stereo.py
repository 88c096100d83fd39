"""Channels and the rate are sizes of a checkpoint: stereo at 44.1 kHz, through the pipeline, the command line and the nodes."""

from __future__ import annotations

import shutil

import av
import numpy as np
import pytest
import torch
from PIL import Image

from art2mus_core.checkpoints.folder import read_config, save_component
from art2mus_core.cli import main
from art2mus_core.networks.autoencoder import Autoencoder
from art2mus_core.networks.hifigan import HifiGan
from art2mus_core.pipelines import load
from art2mus_core.types import Artwork, Waveform


@pytest.fixture(scope="module")
def stereo(published_like, tmp_path_factory):
    """Two channels at 44.1 kHz: configuration files and weights, no code."""
    folder = shutil.copytree(published_like, tmp_path_factory.mktemp("stereo") / "stereo")
    torch.manual_seed(1)
    vae = read_config(folder, "vae") | {"in_channels": 2, "out_channels": 2}
    save_component(folder, "vae", Autoencoder(vae), vae, half=False)
    hifigan = read_config(folder, "vocoder") | {"sampling_rate": 44100, "upsample_rates": [21, 21]}
    hifigan |= {"upsample_kernel_sizes": [43, 43]}
    network = HifiGan(hifigan)
    with torch.no_grad():
        for weight in network.parameters():
            if weight.dim() == 3:
                weight.div_(weight.std() * weight[0].numel() ** 0.5)
    save_component(folder, "vocoder", network, hifigan, half=False)
    return folder


@pytest.fixture
def painting(tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(256, size=(21, 34, 3), dtype=np.uint8)).save(tmp_path / "dawn.png")
    return tmp_path / "dawn.png"


def test_a_piece_has_the_channels_and_the_rate_of_its_checkpoint(stereo):
    pipeline = load(str(stereo))
    grid = pipeline.parts.grid
    assert (grid.channels, grid.sample_rate, grid.hop) == (2, 44100, 441)
    torch.manual_seed(0)
    [piece] = pipeline.compose([Artwork(torch.randint(256, (3, 20, 30), dtype=torch.uint8))], seconds=1.0, steps=2)
    assert piece.sample_rate == 44100
    assert piece.samples.shape == (1, 2, 44100)
    assert piece.samples.std() > 1e-4
    assert not torch.allclose(piece.samples[:, 0], piece.samples[:, 1], atol=1e-4)


@torch.inference_mode()
def test_a_sound_keeps_its_channels_on_the_way_through_the_autoencoder(stereo):
    pipeline = load(str(stereo))
    torch.manual_seed(0)
    sound = torch.randn(2, 2, 44100) * 0.1
    latent = pipeline.encode(Waveform(sound, 44100))
    assert latent.values.shape == (2, *pipeline.parts.grid.latent_shape(1.0))
    other = pipeline.encode(Waveform(sound.flip(1), 44100))
    assert not torch.allclose(latent.values, other.values, atol=1e-4)
    mono = pipeline.encode(Waveform(sound.mean(1, keepdim=True), 44100))
    both = pipeline.encode(Waveform(sound.mean(1, keepdim=True).expand(-1, 2, -1), 44100))
    assert torch.equal(mono.values, both.values)
    assert pipeline.decode(latent).samples.shape[:2] == (2, 2)


def test_the_command_line_writes_it(stereo, painting, tmp_path):
    out = tmp_path / "dawn.wav"
    arguments = ["compose", str(painting), "-o", str(out), "--model", str(stereo), "--seconds", "1", "--steps", "2"]
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 0
    with av.open(str(out)) as file:
        stream = file.streams.audio[0]
        assert (stream.rate, stream.channels) == (44100, 2)
        assert sum(frame.samples for frame in file.decode(audio=0)) == 44100


def test_the_nodes_make_it(stereo, pack, memory, host_folders):
    folder = host_folders / "models" / "art2mus"
    folder.mkdir(parents=True)
    (folder / "stereo").symlink_to(stereo, target_is_directory=True)
    assembly = pack("nodes.assembly")
    model, vae, language = assembly.load_parts("stereo", memory=memory)
    torch.manual_seed(0)
    artwork = pack("art2mus_core.types").Artwork(torch.randint(256, (3, 20, 30), dtype=torch.uint8))
    encoded = assembly.encode_artworks([artwork], "stereo", hashes=["none"], memory=memory)
    sides = assembly.align(encoded, language, "model", 1.0)
    settings = pack("art2mus_core.pipelines.settings").Settings(1.0, 2, 1.5)
    with torch.inference_mode():
        audio, latent = assembly.compose(model, vae, *sides, settings=settings, seed=0, memory=memory)
        heard = vae.decode(latent["samples"])
    assert heard.shape[0] == 1
    assert heard.shape[1] >= 44100
    assert heard.shape[2] == 2
    assert audio["waveform"].shape == (1, 2, 44100)
    assert audio["sample_rate"] == 44100
