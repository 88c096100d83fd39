"""Seven real pairs, and every stage at sizes that train in a second."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional as F

from art2mus_core.checkpoints.folder import save_component
from art2mus_core.checkpoints.tensors import read_tensors
from art2mus_core.datasets.manifest import read_manifest, write_manifest
from art2mus_core.datasets.synthetic.pairs import synthesize
from art2mus_core.encoders import texts
from art2mus_core.training.config import MelFields, TrainingConfig
from art2mus_core.training.loop import train
from art2mus_core.training.run.saving import TRAINED, newest, read_average, read_note, read_progress
from art2mus_core.training.stages import stage_builder
from art2mus_core.types import AudioGrid, Embedding

STAGES = ("embedding", "vae", "vocoder", "prior", "aligner", "student", "codec")
"""Those whose parts are in one checkpoint."""

DIM, WIDTH, TOKENS, CHANNELS = 13, 10, 3, 5

MEL = MelFields(
    sample_rate=16_000,
    hop=200,
    mel_bins=96,
    scale="semitone",
    lowest=24,
    highest=0,
    windows=[4096, 2048, 1024],
    floor=3e-4,
)
"""80 frames per second, as the packaged one, at a lower rate."""
GRID = AudioGrid(**MEL.model_dump())

MODELS: dict[str, dict[str, Any]] = {
    "embedding": {
        "audio": {"bins": 96, "channels": [8, 16, 8], "floor": -8.1, "dim": DIM, "space": "tiny"},
    },
    "vae": {
        "in_channels": 1,
        "out_channels": 1,
        "latent_channels": CHANNELS,
        "block_out_channels": [2, 4, 6, 8],
        "down_block_types": ["DownEncoderBlock2D"] * 4,
        "up_block_types": ["UpDecoderBlock2D"] * 4,
        "layers_per_block": 1,
        "norm_num_groups": 2,
    },
    "vocoder": {"width": 11, "blocks": 1, "subframes": 4, "detunings": [0.0, -14.0], "noise_window": 128},
    "prior": {
        "projection_model": {"dim": DIM, "tokens": TOKENS, "width": WIDTH, "space": "tiny"},
        "language_model": {"n_embd": WIDTH, "n_layer": 1, "n_head": 2, "n_positions": 31},
        "unet": {
            "in_channels": CHANNELS,
            "out_channels": CHANNELS,
            "block_out_channels": [6, 14],
            "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
            "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"],
            "layers_per_block": 1,
            "norm_num_groups": 2,
            "attention_head_dim": [1, 2],
            "cross_attention_dim": [[WIDTH], [WIDTH]],
        },
    },
    "aligner": {"dim": DIM, "hidden": 17, "tokens": TOKENS, "width": WIDTH, "space": "tiny"},
    "codec": {"latent_dim": 7, "dim": 11, "blocks": 1, "patch": 2, "halvings": 1},
}
OPTIONS: dict[str, dict[str, Any]] = {
    "embedding": {"crop": 203},
    "vae": {"crop": 40, "scale": 0.37},
    "vocoder": {"crop": 32, "windows": [256, 512], "reconstructed": 0.5},
    "prior": {"crop": 7},
    "aligner": {"crop": 7},
    "student": {
        "steps": 2,
        "teacher": 4,
        "seconds": 1.2,
        "lora": {"rank": 2, "alpha": 20, "targets": ["to_q", "proj", "conv1", "conv_shortcut"]},
    },
    "codec": {"crop": 52},
}
PACKAGED = {"codec": "art2music-codec"}
"""Packaged configurations that have another name than their stage."""

COMMENTS = (
    ("so calm", "it glows"),
    ("loud  and\nred", " "),
    (),
    ("so calm",),
    ("dark", "wild", "sad"),
    ("it glows",),
    ("wild",),
)
SCHEDULER = {"num_train_timesteps": 1000, "prediction_type": "v_prediction"}
DECODERS: dict[str, dict[str, Any]] = {
    "bilstm": {"model_type": "bilstm", "dim": 9, "hidden_dim": 3, "layers": 1, "max_frames": 91},
    "diffusion": {
        "model_type": "diffusion",
        "dim": 12,
        "layers": 1,
        "heads": 3,
        "max_frames": 87,
        "scheduler": SCHEDULER,
    },
}
VOCODER = {
    "vocoder": {
        "upsample_initial_channel": 8,
        "upsample_rates": [10, 20],
        "upsample_kernel_sizes": [20, 40],
        "resblock_kernel_sizes": [3],
        "resblock_dilation_sizes": [[1, 3]],
        "normalize_before": False,
    },
    "discriminators": {"periods": [3], "scales": 2, "width": 4},
}
"""HiFi-GAN and its discriminators."""
NAMES = {"bilstm": "art2music-regression", "diffusion": "art2music"}

EVERYDAY = {"steps": 4, "batch": 3, "learning_rate": 1e-2, "ema": 0.5, "precision": "no", "validate_every": 3}

Tiny = Callable[..., TrainingConfig]
Run = Callable[..., Any]


def state_of(run: Path) -> dict[str, Any]:
    """The content of the newest state of a run, without what tells when and where it was written."""
    folder = newest(run)
    assert folder is not None
    note = read_note(folder)
    return {
        "step": note["step"],
        "data": note["data"],
        "trained": read_tensors(folder / TRAINED)[0],
        "average": read_average(folder),
        "optimiser": torch.load(folder / "optimizer.bin", weights_only=True),
        **read_progress(folder),
    }


def plain(parameters: Any, lr: float, weight_decay: float, **_: Any) -> torch.optim.Optimizer:
    """Descent in proportion to the gradient: AdamW makes as much of a gradient of rounding errors as of any other."""
    return torch.optim.SGD(parameters, lr, momentum=0.9, weight_decay=weight_decay)


@pytest.fixture(scope="session")
def tiny() -> Tiny:
    """The packaged configuration of a stage, shrunk; fields and options can be changed by name."""

    def shrink(name: str, options: dict[str, Any] | None = None, **fields: Any) -> TrainingConfig:
        name = PACKAGED.get(name, name)
        packaged = TrainingConfig.load(name)
        merged = {**packaged.options, **OPTIONS.get(packaged.stage, {}), **(options or {})}
        sizes = {"model": MODELS.get(packaged.stage, {}), "mel": MEL if packaged.mel else None}
        return TrainingConfig.load(name, {**EVERYDAY, **sizes, "options": merged, **fields})

    return shrink


@pytest.fixture(scope="session")
def eye(tmp_path_factory: pytest.TempPathFactory, write_eye: Run) -> Path:
    """A checkpoint with an image encoder to train, and nothing else. Not to be written to."""
    folder = tmp_path_factory.mktemp("eye")
    write_eye(folder, dim=DIM)
    return folder


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory, eye: Path) -> Path:
    """A dataset of four pairs to train on and three to validate with."""
    folder = tmp_path_factory.mktemp("pairs")
    made = synthesize(folder, 7, encoder=eye)
    write_manifest(folder, [replace(pair, split="train" if row < 4 else "validation") for row, pair in enumerate(made)])
    return folder


@pytest.fixture(scope="session")
def train_stage(pairs: Path) -> Run:
    """Train one stage on the pairs."""

    def run(config: TrainingConfig, checkpoint: Path, state: Path, **more: Any) -> Any:
        return train(stage_builder(config, pairs, checkpoint), config, state, **more)

    return run


@pytest.fixture(scope="session")
def trained(train_stage: Run, tiny: Tiny, eye: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that all stages were trained into, one after the other. Not to be written to.

    Beside it lie the stages' states.
    """
    folder = shutil.copytree(eye, tmp_path_factory.mktemp("trained") / "checkpoint")
    for stage in STAGES:
        objective, _ = train_stage(tiny(stage), folder, folder.parent / stage)
        objective.export(folder)
    return folder


class Letters(torch.nn.Module):
    """A text encoder: how often the first 11 letters occur, at unit norm."""

    space, dim = "letters", 11

    def encode(self, texts: list[str]) -> Embedding:
        counts = torch.tensor([[float(text.count(letter)) for letter in "abcdefghijk"] for text in texts])
        return Embedding(F.normalize(counts + 0.1, dim=-1), self.space)


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(texts.TEXT_ENCODERS, "letters", lambda *_, **__: Letters())


@pytest.fixture(scope="module")
def commented(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pairs with comments; one without, one without a band, and one without a plan."""
    folder = shutil.copytree(pairs, tmp_path_factory.mktemp("commented") / "pairs")
    rows = [replace(pair, comments=told) for pair, told in zip(read_manifest(pairs), COMMENTS, strict=True)]
    rows[1] = replace(rows[1], band=None)
    rows[3] = replace(rows[3], band=None, tempo=None, mode=None)
    write_manifest(folder, rows)
    return folder


@pytest.fixture(scope="module")
def mel_parts(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with an image and a text encoder, a codec and a vocoder. Not to be written to."""
    folder = tmp_path_factory.mktemp("mel") / "checkpoint"
    for part in ("image_encoder", "codec_encoder", "codec_decoder", "vocoder"):
        shutil.copytree(trained / part, folder / part)
    save_component(folder, "text_encoder", torch.nn.Linear(1, 1), {"model_type": "letters"}, half=False)
    return folder


@pytest.fixture(scope="module")
def mel_config(tiny: Tiny) -> Tiny:
    def change(kind: str, options: dict[str, Any] | None = None, **fields: Any) -> Any:
        sizes = {"fusion": {"dim": 5}, "mel_decoder": DECODERS[kind]}
        return tiny(NAMES[kind], {"encoder": None, **(options or {})}, **{"model": sizes, **fields})

    return change


@pytest.fixture(scope="session")
def hifigan(tiny: Tiny) -> Tiny:
    def change(options: dict[str, Any] | None = None, **fields: Any) -> TrainingConfig:
        sizes = {"model": VOCODER, "batch": 1, "steps": 2, "validate_every": 2}
        return tiny("art2music-vocoder", {"crop": 11, **(options or {})}, **{**sizes, **fields})

    return change


@pytest.fixture
def build_mel(commented: Path, mel_parts: Path, mel_config: Tiny, letters: None) -> Run:
    return lambda kind, options=None, **fields: stage_builder(
        mel_config(kind, options, **fields), commented, mel_parts
    )()
