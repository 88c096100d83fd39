"""A route without diffusion takes a network, a pipeline and a row: one is made here and used from the command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from art2mus_core.audio.reading import read_audio
from art2mus_core.checkpoints.folder import load_component, read_config, save_component, save_config
from art2mus_core.checkpoints.grid import mel_fields
from art2mus_core.cli import main
from art2mus_core.decoders.vocoders import load_vocoder
from art2mus_core.encoders.files import load_image_encoder
from art2mus_core.errors import SettingError
from art2mus_core.pipelines import load
from art2mus_core.pipelines.choice import Choice
from art2mus_core.pipelines.prompts import PromptText
from art2mus_core.pipelines.routes import ROUTES, ArtworkPipeline
from art2mus_core.pipelines.settings import Settings, check_settings
from art2mus_core.pipelines.stages import Resident, finished, vocode
from art2mus_core.types import Artwork, AudioGrid, Mel, Waveform

from ..conftest import DIM, MEL_BINS, write_checkpoint

KIND = "PlainMelPipeline"


class MelDecoder(nn.Module):
    """One constant log-mel frame per embedding: [B, dim] to [B, frames, bins]."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        self.frame = nn.Linear(config["dim"], config["bins"])

    def forward(self, values: torch.Tensor, frames: int) -> torch.Tensor:
        return self.frame(values)[:, None].expand(-1, frames, -1)


@dataclass(frozen=True)
class MelToMusic:
    """Artwork, embedding, mel, waveform."""

    choice: Choice
    folder: Path
    grid: AudioGrid
    resident: Resident

    @classmethod
    def open(cls, choice: Choice, *, resident: Resident, offload: bool) -> MelToMusic:
        folder = Path(choice.checkpoint)
        return cls(choice, folder, AudioGrid(**mel_fields(folder, "vocoder")), resident)

    def settings(self, **chosen: Any) -> Settings:
        return replace(Settings(), **check_settings(**chosen))

    def encode_text(self, text: PromptText, *, on_step: Any = None) -> Any:
        raise SettingError("a text prompt", "none with this checkpoint", "Leave it out.")

    def tags(self, settings: Settings, text: PromptText) -> dict[str, str]:
        return {"model": self.folder.name, "seconds": str(settings.seconds)}

    @torch.inference_mode()
    def compose(
        self, artworks: Sequence[Artwork], *, seeds: Any = None, text: Any = None, on_step: Any = None, **chosen: Any
    ) -> list[Waveform]:
        settings = self.settings(**chosen)
        encoder = load_image_encoder(self.folder, dtype=torch.float32)
        decoder = load_component(self.folder, "mel_decoder", MelDecoder)
        frames = -(-self.grid.samples(settings.seconds) // self.grid.hop)
        with self.resident(encoder), self.resident(decoder):
            mel = Mel(decoder(encoder.encode(list(artworks)).values, frames))
        sound = vocode(load_vocoder(self.folder, self.grid), mel, self.grid, resident=self.resident)
        return finished(sound, self.grid, settings.seconds)


@pytest.fixture
def mel_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Image encoder, mel decoder and vocoder; no GPT-2, denoiser, scheduler or VAE."""
    folder = write_checkpoint(tmp_path / "plain", published=False)
    for name in ("aligner", "audio_encoder", "constants", "language_model", "scheduler", "unet", "vae"):
        shutil.rmtree(folder / name)
    save_config(folder, "vocoder", {**read_config(folder, "vocoder"), "channels": 1})
    config = {"dim": DIM, "bins": MEL_BINS}
    save_component(folder, "mel_decoder", MelDecoder(config), config, half=True)
    (folder / "model_index.json").write_text(json.dumps({"_class_name": KIND}), encoding="utf-8")
    monkeypatch.setitem(ROUTES, KIND, {"artwork": lambda: MelToMusic})
    return folder


def test_a_route_without_diffusion_composes(mel_checkpoint: Path, paintings: Path, tmp_path: Path):
    assert isinstance(load(str(mel_checkpoint)), ArtworkPipeline)
    out = tmp_path / "music"
    with pytest.raises(SystemExit) as leaving:
        main(["compose", str(paintings), "--model", str(mel_checkpoint), "--seconds", "1.5", "--out", str(out)])
    assert leaving.value.code == 0
    pieces = [read_audio(path) for path in sorted(out.glob("*.flac"))]
    assert [piece.samples.shape for piece in pieces] == [(1, 1, 12_000)] * 3
    assert not torch.equal(pieces[0].samples, pieces[1].samples)


def test_candidates_and_other_inputs_need_diffusion(
    mel_checkpoint: Path, paintings: Path, capsys: pytest.CaptureFixture
):
    with pytest.raises(SettingError, match="no route from text in plain, whose class is PlainMelPipeline"):
        load(str(mel_checkpoint), route="text")
    with pytest.raises(SystemExit) as leaving:
        main(["compose", str(paintings / "dawn.png"), "--model", str(mel_checkpoint), "--candidates", "2"])
    assert leaving.value.code == 2
    assert "2 candidates from a model that draws nothing" in capsys.readouterr().err
