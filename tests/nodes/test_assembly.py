"""What the nodes do, without a host: the core's stages on one device."""

from __future__ import annotations

import pytest
import torch

from art2mus_core.pipelines import load
from art2mus_core.pipelines.stages import encode_sound
from art2mus_core.types import Artwork, Waveform


@pytest.fixture
def assembly(pack, host_folders):
    return pack("nodes.assembly")


@pytest.fixture
def installed(host_folders, checkpoint):
    """The checkpoint among the host's models; its name there."""
    folder = host_folders / "models" / "art2mus"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model").symlink_to(checkpoint, target_is_directory=True)
    return "model"


def artworks(pack, count=2):
    torch.manual_seed(0)
    pixels = [torch.randint(256, (3, 21, 34), dtype=torch.uint8) for _ in range(count)]
    return pixels, [pack("art2mus_core.types").Artwork(each) for each in pixels]


def test_the_nodes_make_what_the_pipeline_makes(pack, assembly, memory, installed, checkpoint):
    pixels, pictures = artworks(pack)
    model, vae, language = assembly.load_parts(installed, memory=memory)
    encoded = assembly.encode_artworks(pictures, installed, hashes=["a", "b"], memory=memory)
    positive, negative = assembly.align(encoded, language, "model", 1.0)
    settings = pack("art2mus_core.pipelines.settings").Settings(1.3, 3, 1.5, "ddim")
    with torch.inference_mode():
        audio, latent = assembly.compose(model, vae, positive, negative, settings=settings, seed=5, memory=memory)
    ours = load(str(checkpoint))
    chosen = {"seconds": 1.3, "steps": 3, "guidance": 1.5, "solver": "ddim"}
    pieces = ours.compose([Artwork(each) for each in pixels], seeds=[5, 5], **chosen)
    assert audio["sample_rate"] == ours.parts.grid.sample_rate
    assert torch.equal(audio["waveform"], torch.cat([piece.samples for piece in pieces]))
    assert audio["art2mus"]["artworks"] == ["a", "b"]
    assert audio["art2mus"]["seed"] == 5
    assert latent["samples"].shape == (2, *ours.parts.grid.latent_shape(1.3))


def test_a_sound_has_one_latent_everywhere(pack, assembly, memory, installed, checkpoint):
    """Through the node's VAE, the pipeline, and the stage that training calls; stereo, and no whole number of latent frames."""
    ours = load(str(checkpoint))
    grid = ours.parts.grid
    torch.manual_seed(3)
    samples = 0.2 * torch.randn(1, 2, 5 * grid.hop * grid.latent_factor + 77 + max(grid.windows))
    _, vae, _ = assembly.load_parts(installed, memory=memory)
    with torch.inference_mode():
        node = vae.encode(samples.movedim(1, -1)) * grid.latent_scale
        pipeline = ours.encode(Waveform(samples, grid.sample_rate)).values
        stage = encode_sound(ours.parts.autoencoder, Waveform(samples, grid.sample_rate), grid, resident=ours.resident)
        mono = ours.encode(Waveform(samples.mean(1, keepdim=True), grid.sample_rate)).values
        left = ours.encode(Waveform(samples[:, :1], grid.sample_rate)).values
    assert torch.allclose(node, pipeline, atol=1e-6)
    assert torch.equal(pipeline, stage.values)
    assert torch.equal(pipeline, mono)
    assert not torch.allclose(pipeline, left, atol=1e-3)
    assert pipeline.shape[2] == -(-samples.shape[-1] // (grid.hop * grid.latent_factor))
