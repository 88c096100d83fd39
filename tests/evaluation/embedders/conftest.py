"""Tiny evaluation models with random weights, in the layouts of the published ones."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification, ClapFeatureExtractor

from art2mus_core.checkpoints.folder import save_component
from art2mus_core.encoders.imagebind import TOWERS
from art2mus_core.types import Waveform

HEARD = {
    "sampling_rate": 8000,
    "max_length_s": 1,
    "hop_length": 80,
    "fft_window_size": 256,
    "feature_size": 8,
    "frequency_max": 4000,
}
"""CLAP's front end: windows of one second, as many frames as the tiny tower can hear."""

AST = {
    "hidden_size": 12,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "intermediate_size": 17,
    "max_length": 52,
    "num_mel_bins": 128,
    "num_labels": 5,
}
TOWER: dict[str, Any] = {"model_type": "imagebind", "dim": 13, "space": "imagebind"}
VISION = {"tower": "vision", "size": 35, "patch": 7, "frames": 2, "width": 33, "layers": 2, "heads": 3, "hidden": 47}
AUDIO = {
    "tower": "audio",
    "sample_rate": 8000,
    "bins": 23,
    "frames": 31,
    "clips": 3,
    "seconds": 0.3,
    "mean": -4.268,
    "std": 9.138,
    "patch": 8,
    "stride": 5,
    "width": 22,
    "layers": 2,
    "heads": 2,
    "hidden": 27,
}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """An empty home."""
    monkeypatch.setenv("ART2MUS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def sound() -> Callable[..., Waveform]:
    """Makes tones that rise in noise, of which no two windows are alike."""

    def make(seconds: float, rate: int = 8000, channels: int = 1, seed: int = 0) -> Waveform:
        generator = torch.Generator().manual_seed(seed)
        time = torch.arange(round(seconds * rate)) / rate
        tone = 0.4 * torch.sin(2 * torch.pi * (220 * time + 90 * time**2))
        noise = 0.05 * torch.randn(1, channels, len(time), generator=generator)
        return Waveform(tone + noise, rate)

    return make


@pytest.fixture(scope="session")
def clap_folder(tmp_path_factory, talking_like) -> Path:
    """A CLAP as the published ones are: vocab.json and merges.txt, its weights a pickle. Not to be written to."""
    folder = tmp_path_factory.mktemp("clap")
    config = json.loads((talking_like / "text_encoder" / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "clap"}), encoding="utf-8")
    torch.save(load_file(talking_like / "text_encoder" / "model.safetensors"), folder / "pytorch_model.bin")
    model = json.loads((talking_like / "tokenizer" / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]), encoding="utf-8")
    merges = [" ".join(pair) for pair in model["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n", encoding="utf-8")
    ClapFeatureExtractor(**HEARD, truncation="rand_trunc").save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def ast_folder(tmp_path_factory) -> Path:
    """An AST as transformers writes it, which is as the published one is. Not to be written to."""
    folder = tmp_path_factory.mktemp("ast")
    torch.manual_seed(2)
    network = ASTForAudioClassification(ASTConfig(**AST))
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    network.save_pretrained(folder)
    with warnings.catch_warnings(action="ignore"):  # some of its 128 triangles are empty
        ASTFeatureExtractor(max_length=52, mean=-4.3, std=4.6).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def imagebind_folder(tmp_path_factory) -> Path:
    """ImageBind's two towers as they are converted. Not to be written to."""
    folder = tmp_path_factory.mktemp("imagebind")
    torch.manual_seed(3)
    for name, kind, config in (
        ("image_encoder", "vision", TOWER | VISION),
        ("audio_encoder", "audio", TOWER | AUDIO),
    ):
        save_component(folder, name, TOWERS[kind](config), config, half=False)
    return folder


@pytest.fixture(scope="session")
def vggish_file(tmp_path_factory) -> Path:
    """A whole VGGish as torchvggish stores it; rows of its two widest layers are one row, stored once.

    That row is positive, as its input is: a ReLU must not hide in which order the input comes.
    """
    generator = torch.Generator().manual_seed(4)

    def random(*shape: int) -> torch.Tensor:
        fan = max(torch.Size(shape[1:]).numel(), 1)
        return torch.randn(shape, generator=generator) * (2 / fan) ** 0.5

    channels = ((0, 1, 64), (3, 64, 128), (6, 128, 256), (8, 256, 256), (11, 256, 512), (13, 512, 512))
    state = {f"features.{n}.weight": random(out, into, 3, 3) for n, into, out in channels}
    state |= {f"features.{n}.bias": 0.1 * torch.randn(out, generator=generator) for n, _, out in channels}
    state |= {
        "embeddings.0.weight": random(1, 12288).abs().expand(4096, 12288),
        "embeddings.2.weight": random(1, 4096).abs().expand(4096, 4096),
        "embeddings.4.weight": random(128, 4096),
    }
    state |= {f"embeddings.{n}.bias": torch.full((size,), 2.0) for n, size in ((0, 4096), (2, 4096), (4, 128))}
    path = tmp_path_factory.mktemp("vggish") / "vggish-0.pth"
    torch.save(state, path)
    return path


@pytest.fixture
def rewritten(tmp_path) -> Callable[..., Path]:
    """Copies a folder whose weights are changed as told, and keeps them as safetensors."""

    def write(folder: Path, change: Callable[[dict[str, torch.Tensor]], None], **config: object) -> Path:
        copy = tmp_path / "changed"
        copy.mkdir()
        for file in folder.iterdir():
            if file.suffix in {".json", ".txt"}:
                (copy / file.name).write_bytes(file.read_bytes())
        pickled = folder / "pytorch_model.bin"
        state = torch.load(pickled, weights_only=True) if pickled.is_file() else load_file(folder / "model.safetensors")
        state = {key: value.clone() for key, value in state.items()}
        change(state)
        save_file(state, copy / "model.safetensors")
        said = json.loads((copy / "config.json").read_text(encoding="utf-8"))
        (copy / "config.json").write_text(json.dumps({**said, **config}), encoding="utf-8")
        return copy

    return write
