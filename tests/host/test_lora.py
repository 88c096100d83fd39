"""A LoRA of ours in the host's own node Load LoRA (Model)."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from art2mus_core.audio.reading import read_audio

from .graphs import in_four_nodes

pytestmark = pytest.mark.host

NAME = "mine-lora.safetensors"
SETTINGS = {"steps": 2, "seconds": 1.0, "guidance": 1.5, "shared_noise": False, "level": False}


@pytest.fixture(scope="module")
def lora(server, pocket_like: Path) -> Path:
    """Trained names, random values, in the layers of every kind that training can change."""
    from art2mus_core.checkpoints.folder import load_component
    from art2mus_core.checkpoints.lora import denoiser_fingerprint, save_lora
    from art2mus_core.diffusion.denoiser import build_unet
    from art2mus_core.training.adapters import LoraFields, add_lora

    torch.manual_seed(0)
    targets = ["to_q", "to_k", "to_v", "to_out.0", "conv1", "proj_in", "conv"]
    weights = add_lora(load_component(pocket_like, "unet", build_unet), LoraFields(rank=3, targets=targets))
    for value in weights.parameters():
        torch.nn.init.normal_(value, std=0.2)
    path = server.base / "models" / "loras" / NAME
    save_lora(
        path,
        weights.state_dict(),
        alpha=5.0,
        prior=pocket_like.name,
        denoiser=denoiser_fingerprint(pocket_like),
        licence="CC0-1.0",
        run="none",
    )
    return path


def music(server, lora: str | None = None, strength: float = 1.0) -> torch.Tensor:
    graph = in_four_nodes(**SETTINGS, seed=3)
    if lora:
        inputs = {"model": ["2", 0], "lora_name": lora, "strength_model": strength}
        graph["7"] = {"class_type": "LoraLoaderModelOnly", "inputs": inputs}
        graph["5"]["inputs"]["model"] = ["7", 0]
    (path,) = server.outputs(server.run(graph))
    return read_audio(path, mono=False).samples


def test_the_hosts_own_node_loads_every_key_and_plays_what_the_core_plays(server, lora: Path, pocket_like: Path):
    from art2mus_core.images.listing import samples
    from art2mus_core.images.reading import read_artwork
    from art2mus_core.pipelines import load

    before = len(server.log.read_text())
    plain, none, changed, again = music(server), music(server, NAME, 0.0), music(server, NAME, 0.5), music(server)
    assert torch.equal(none, plain)
    assert torch.equal(again, plain)
    said = server.log.read_text()[before:]
    assert not [words for words in ("lora key not loaded", "NOT LOADED", "ERROR") if words in said]
    artwork = read_artwork(samples()["silver_forest"])
    (ours,) = load(str(pocket_like), lora=f"{lora}:0.5").compose([artwork], seeds=[3], **SETTINGS)
    assert (changed - plain).abs().max() > 0.02
    torch.testing.assert_close(changed, ours.samples, rtol=0, atol=2e-4)
