"""Fixtures for every room. Every test checks the core's shapes and types (`shapes.py`)."""

from __future__ import annotations

import os
import shutil
import signal

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the networks are tiny: threads would wait for each other

from .shapes import check_shapes

check_shapes("art2mus_core")

from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from types import SimpleNamespace  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
import pytest  # noqa: E402
import torch  # noqa: E402
from hypothesis import settings  # noqa: E402
from PIL import Image  # noqa: E402

from .warned import judged, pytest_runtest_protocol  # noqa: E402, F401 - a hook

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell leaves it to what it starts in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("untimed", deadline=None)  # a busy machine fails no test
settings.load_profile("untimed")


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """What is imported for the tests stays: it is not searched for garbage, neither now nor between them."""
    from art2mus_core.cli.progress import importing

    with importing(), judged():
        return (yield)


WIDTH, TEXT_WIDTH, DIM, ROWS = 10, 9, 7, 5
MEL_BINS = 4 * ROWS
"""Of the tiny checkpoints; every pair of sizes that could be confused is coprime or at least unequal."""

UNET: dict[str, Any] = {
    "in_channels": 3,
    "out_channels": 3,
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "block_out_channels": [6, 10, 14],
    "layers_per_block": 1,
    "norm_num_groups": 2,
    "attention_head_dim": [1, 2, 2],
}
VAE: dict[str, Any] = {
    "in_channels": 1,
    "out_channels": 1,
    "down_block_types": ["DownEncoderBlock2D"] * 3,
    "up_block_types": ["UpDecoderBlock2D"] * 3,
    "block_out_channels": [4, 6, 10],
    "latent_channels": 3,
    "norm_num_groups": 2,
    "layers_per_block": 1,
    "scaling_factor": 0.7,
}
LANGUAGE_MODEL: dict[str, Any] = {"n_embd": WIDTH, "n_head": 2, "n_layer": 2, "n_positions": 31, "vocab_size": 1}
SCHEDULER: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.0015,
    "beta_end": 0.0195,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
}
TONEWHEEL: dict[str, Any] = {
    "mel": {
        "sample_rate": 8000,
        "hop": 100,
        "mel_bins": MEL_BINS,
        "scale": "semitone",
        "lowest": 48.0,
        "highest": 0.0,
        "windows": [512, 256],
        "floor": 1e-4,
    },
    "width": 11,
    "blocks": 1,
    "subframes": 5,
    "detunings": [0.0, -14.0],
    "noise_window": 64,
    "channels": 2,
}
HIFIGAN: dict[str, Any] = {
    "model_type": "hifigan",
    "model_in_dim": MEL_BINS,
    "sampling_rate": 1600,
    "upsample_initial_channel": 12,
    "upsample_rates": [5, 4],
    "upsample_kernel_sizes": [16, 8],
    "resblock_kernel_sizes": [3],
    "resblock_dilation_sizes": [[1, 3]],
    "normalize_before": False,
    "initializer_range": 0.1,
}


def write_checkpoint(folder: Path, *, published: bool) -> Path:
    """A complete folder of tiny random networks, as the bundled model has it or as published ones have it."""
    from art2mus_core.aligners.files import save_aligner
    from art2mus_core.aligners.visual import VisualAligner
    from art2mus_core.checkpoints.folder import save_component, save_config, save_index
    from art2mus_core.conditioning.constants import Constants, save_constants
    from art2mus_core.conditioning.plan import PlanModel
    from art2mus_core.diffusion.denoiser import build_unet
    from art2mus_core.diffusion.plan import CHANNELS as PLAN
    from art2mus_core.encoders.pocket import PocketAudioEncoder, PocketImageEncoder
    from art2mus_core.networks.autoencoder import Autoencoder
    from art2mus_core.networks.gpt2 import GPT2

    torch.manual_seed(0)
    widths = [[None, WIDTH, TEXT_WIDTH]] if published else [[WIDTH]]
    unet = {**UNET, "cross_attention_dim": widths * 3}
    if not published:
        unet["in_channels"] += PLAN
        plan = PlanModel(8, WIDTH, 0.2, ["folk", "jazz trio"])
        torch.nn.init.normal_(plan.centres)
        save_component(folder, "plan_model", plan, plan.config, half=False)
    save_component(folder, "unet", build_unet(unet), unet, half=True)
    vae = VAE if published else {**VAE, "in_channels": 2, "out_channels": 2}
    save_component(folder, "vae", Autoencoder(vae), vae, half=True)
    save_component(folder, "language_model", GPT2(LANGUAGE_MODEL), LANGUAGE_MODEL, half=True)
    encoder = PocketImageEncoder(16, [8, 16], DIM, "tiny")
    save_component(folder, "image_encoder", encoder, encoder.config, half=True)
    listener = PocketAudioEncoder(MEL_BINS, [8, 16], -9.0, DIM, "tiny")
    save_component(folder, "audio_encoder", listener, listener.config, half=True)
    save_component(folder, "vocoder", *_vocoder(published=published), half=True)
    aligner = VisualAligner(dim=DIM, hidden=13, tokens=4, width=WIDTH, space="tiny")
    save_aligner(folder / "aligner" / "model.safetensors", aligner, licence="CC0-1.0", run="none", half=True)
    kind = "epsilon" if published else "v_prediction"
    save_config(folder, "scheduler", {**SCHEDULER, "prediction_type": kind})
    save_constants(folder, Constants(torch.randn(1, 8, WIDTH), **(_texts() if published else {})))
    save_index(folder, {"unet": ["audioldm2", "AudioLDM2UNet2DConditionModel"]}, {"steps": 3, "guidance": 1.5})
    return folder


def _vocoder(*, published: bool) -> tuple[torch.nn.Module, dict[str, Any]]:
    if published:
        from transformers import SpeechT5HifiGan, SpeechT5HifiGanConfig

        return SpeechT5HifiGan(SpeechT5HifiGanConfig(**HIFIGAN)), HIFIGAN
    from art2mus_core.decoders.tonewheel import TonewheelVocoder

    vocoder = TonewheelVocoder.from_config(TONEWHEEL)
    return vocoder, vocoder.config


def _texts() -> dict[str, torch.Tensor]:
    return {
        "text": torch.randn(1, 6, TEXT_WIDTH),
        "text_mask": torch.ones(1, 6, dtype=torch.bool),
        "unconditional_text": torch.randn(1, 4, TEXT_WIDTH),
        "unconditional_text_mask": torch.tensor([[True, False, False, False]]),
    }


@pytest.fixture(scope="session")
def pocket_like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint laid out as the bundled one: one cross-attention, tonewheel vocoder. Not to be written to."""
    return write_checkpoint(tmp_path_factory.mktemp("pocket-like"), published=False)


@pytest.fixture(scope="session")
def published_like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint laid out as AudioLDM2's: a T5 slot, HiFi-GAN. Not to be written to."""
    return write_checkpoint(tmp_path_factory.mktemp("published-like"), published=True)


@pytest.fixture(scope="session")
def talking_like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint as AudioLDM2 is fetched: text encoders, and no constants yet. Not to be written to."""
    from .text_encoders import write_text_encoders

    folder = write_checkpoint(tmp_path_factory.mktemp("talking-like"), published=True)
    (folder / "constants" / "model.safetensors").unlink()
    (folder / "constants").rmdir()
    write_text_encoders(folder, width=WIDTH, text_width=TEXT_WIDTH)
    return folder


@pytest.fixture(scope="session")
def talking(talking_like: Path) -> SimpleNamespace:
    """Its networks in the classes of the published pipeline."""
    from .text_encoders import open_published

    return open_published(talking_like)


@pytest.fixture(scope="session")
def commented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that reads comments, with a regression of mels. Not to be written to."""
    from art2mus_core.encoders.texts import TEXT_ENCODERS

    from .art2music_checkpoint import load_tiny_words, write_art2music

    TEXT_ENCODERS["tiny_words"] = load_tiny_words
    return write_art2music(tmp_path_factory.mktemp("commented"))


@pytest.fixture
def own_commented(commented: Path, tmp_path: Path) -> Path:
    """Such a checkpoint of the test's own, to be damaged."""
    return shutil.copytree(commented, tmp_path / "own-commented")


@pytest.fixture(scope="session")
def write_imagebind() -> Callable[..., dict[str, Any]]:
    """Writes a random picture tower of ImageBind's kind, `dim` wide at its end, and returns its configuration."""
    from art2mus_core.checkpoints.folder import save_component
    from art2mus_core.encoders.imagebind import TOWERS

    sizes = {"size": 12, "patch": 4, "frames": 2, "width": 10, "layers": 1, "heads": 2, "hidden": 13}

    def write(folder: Path, *, dim: int) -> dict[str, Any]:
        config = {"model_type": "imagebind", "tower": "vision", **sizes, "dim": dim, "space": "imagebind"}
        save_component(folder, "image_encoder", TOWERS["vision"](config), config, half=True)
        return config

    return write


@pytest.fixture(scope="session")
def write_eye() -> Callable[..., Any]:
    """Writes and returns an image encoder of the bundled kind with a random backbone, the prior's character and a new head."""
    from art2mus_core.checkpoints.folder import save_component
    from art2mus_core.encoders.efficientnet_files import new_encoder

    sizes = {"width": 0.25, "depth": 0.4, "channels": 24, "size": 35, "hidden": 13}

    def write(folder: Path, *, dim: int = DIM, space: str = "tiny", size: int = 35) -> Any:
        encoder = new_encoder({**sizes, "size": size, "dim": dim, "space": space}).eval()
        told = {"source": "a random network", "licence": "CC0-1.0"}
        save_component(folder, "image_encoder", encoder, encoder.config, half=True, **told)
        return encoder

    return write


@pytest.fixture(params=[False, True], ids=["pocket-like", "published-like"])
def checkpoint(request: pytest.FixtureRequest) -> Path:
    """Both kinds of checkpoint, one after the other. Not to be written to."""
    return request.getfixturevalue("published_like" if request.param else "pocket_like")


@pytest.fixture
def own_checkpoint(pocket_like: Path, tmp_path: Path) -> Path:
    """A pocket-like checkpoint of the test's own, to be damaged."""
    return shutil.copytree(pocket_like, tmp_path / "own")


@pytest.fixture
def link() -> Callable[[Path, Path | str], None]:
    """Makes a symbolic link, which Windows allows only some users."""

    def make(path: Path, target: Path | str) -> None:
        try:
            path.symlink_to(target)
        except OSError as error:
            pytest.skip(f"no symbolic links here: {error.strerror}")

    return make


@pytest.fixture
def paintings(tmp_path: Path) -> Path:
    """A folder of three small pictures."""
    folder = tmp_path / "paintings"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ("dawn", "dusk", "noon"):
        Image.fromarray(rng.integers(256, size=(21, 34, 3), dtype=np.uint8)).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="session")
def small_pairs(tmp_path_factory) -> Path:
    """Five pairs, three of them to train on, of music under two licences. Not to be written to."""
    from art2mus_core.audio.files import write_audio
    from art2mus_core.datasets.manifest import Pair, write_manifest
    from art2mus_core.types import Waveform

    folder, rng, rows = tmp_path_factory.mktemp("small-pairs"), np.random.default_rng(0), []
    for number in range(5):
        Image.fromarray(rng.integers(256, size=(21, 34, 3), dtype=np.uint8)).save(folder / f"{number}.png")
        sound = torch.from_numpy(rng.uniform(-0.5, 0.5, (1, 1, 16000))).float()
        write_audio(folder / f"{number}.flac", Waveform(sound, 8000), tags={}, cover=None)
        files = (f"{number}.png", f"{number}" * 64, f"{number}.flac", 2.0, 8000)
        licence = "CC0-1.0" if number == 1 else "CC-BY-4.0"
        rows.append(Pair(str(number), "train" if number < 3 else "validation", *files, source="test", licence=licence))
    write_manifest(folder, rows)
    return folder


@pytest.fixture(scope="session")
def small_yaml(tmp_path_factory) -> Path:
    """The configuration of a small aligner. Not to be written to."""
    import yaml

    path = tmp_path_factory.mktemp("small") / "small.yaml"
    everyday = {"steps": 9, "batch": 2, "learning_rate": 0.01, "ema": 0.5, "precision": "no"}
    sizes = {"model": {"hidden": 13, "tokens": 3}, "options": {"name": "mine", "crop": 7, "licence": "CC-BY-4.0"}}
    path.write_text(yaml.safe_dump({"stage": "aligner", **everyday, **sizes}), encoding="utf-8")
    return path
