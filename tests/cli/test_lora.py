"""`art2mus compose --lora`, and training a LoRA without its package."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from art2mus_core.audio.reading import read_audio, read_tags
from art2mus_core.checkpoints.folder import load_component
from art2mus_core.checkpoints.lora import denoiser_fingerprint, save_lora
from art2mus_core.diffusion.denoiser import build_unet

from .saying import one_line, written

SHORT = ("--seconds", "1", "--steps", "2")


@pytest.fixture
def lora(pocket_like: Path, tmp_path: Path) -> Path:
    """A LoRA of every attention to the language of audio."""
    torch.manual_seed(0)
    unet, weights = load_component(pocket_like, "unet", build_unet), {}
    for name, value in unet.named_parameters():
        if name.endswith("to_out.0.weight"):
            layer = name.removesuffix(".weight")
            weights[f"{layer}.lora_A.weight"] = torch.randn(2, value.shape[1])
            weights[f"{layer}.lora_B.weight"] = torch.randn(value.shape[0], 2)
    path = tmp_path / "loud.safetensors"
    save_lora(
        path,
        weights,
        alpha=2.0,
        prior=pocket_like.name,
        denoiser=denoiser_fingerprint(pocket_like),
        licence="CC0-1.0",
        run="none",
    )
    return path


def test_a_lora_changes_the_music_and_is_in_its_tags(art2mus, paintings, lora: Path):
    for name, given in (("plain", ()), ("none", ("--lora", f"{lora}:0")), ("half", ("--lora", f"{lora}:0.5"))):
        code, _, err = art2mus("compose", paintings / "dawn.png", "-o", f"{name}.flac", *SHORT, *given)
        assert (code, err) == (0, "")
    plain, none, half = (read_audio(Path(f"{name}.flac")).samples for name in ("plain", "none", "half"))
    assert torch.equal(plain, none)
    assert not torch.allclose(plain, half, atol=1e-3)
    tags = read_tags(Path("half.flac"))
    assert (tags["lora"], tags["lora_strength"]) == ("loud.safetensors", "0.5")
    assert tags["lora_sha256"] == hashlib.sha256(lora.read_bytes()).hexdigest()
    assert not [name for name in read_tags(Path("plain.flac")) if "lora" in name]


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("{lora}:loud", "strength 'loud' of the LoRA loud.safetensors"),
        ("{lora}x", "no LoRA file"),
        ("{model}/aligner/model.safetensors", "expected a LoRA for the denoiser"),
    ],
    ids=["strength", "missing", "an aligner"],
)
def test_a_wrong_lora_is_one_line(art2mus, paintings, lora: Path, pocket_like: Path, named: str, told: str):  # noqa: PLR0917
    code, out, err = art2mus("compose", paintings / "dawn.png", "--lora", named.format(lora=lora, model=pocket_like))
    assert (code, out) == (2, "")
    assert one_line(err)
    assert told in err
    assert written() == []


def test_another_models_lora_is_one_line(art2mus, paintings, lora: Path, published_like: Path):
    code, out, err = art2mus("compose", paintings / "dawn.png", "--lora", lora, model=published_like)
    assert (code, out) == (2, "")
    assert one_line(err)
    assert "was trained for the denoiser of" in err
    assert written() == []
