"""Vocoders by the name in their configuration."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from ..checkpoints.folder import load_component, read_config
from ..errors import CheckpointError
from ..types import AudioGrid, Mel, Waveform
from .tonewheel import TonewheelVocoder

__all__ = ["VOCODERS", "AnyVocoder", "HifiGanVocoder", "load_vocoder"]


class HifiGanVocoder(nn.Module):
    """The HiFi-GAN of published checkpoints.

    It returns a few samples more than `hop` a frame, because its kernels are wider than their strides; they are cut.

    Args:
        network: transformers' `SpeechT5HifiGan`, log-mel [B, T, bins] to samples [B, N].
        grid: whose hop and rate it has.
    """

    def __init__(self, network: nn.Module, grid: AudioGrid) -> None:
        super().__init__()
        self.network, self.grid = network, grid

    def vocode(self, mel: Mel) -> Waveform:
        """`hop` samples a frame, one channel."""
        weight = next(self.network.parameters())
        samples = self.network(mel.values.to(weight))
        return Waveform(samples[:, None, : mel.values.shape[1] * self.grid.hop], self.grid.sample_rate)


AnyVocoder = HifiGanVocoder | TonewheelVocoder


def _hifigan(folder: Path, grid: AudioGrid) -> HifiGanVocoder:
    from transformers.models.speecht5.configuration_speecht5 import SpeechT5HifiGanConfig  # noqa: PLC0415
    from transformers.models.speecht5.modeling_speecht5 import SpeechT5HifiGan  # noqa: PLC0415

    def build(config: dict[str, Any]) -> SpeechT5HifiGan:
        return SpeechT5HifiGan(SpeechT5HifiGanConfig(**config))

    return HifiGanVocoder(load_component(folder, "vocoder", build), grid)


def _tonewheel(folder: Path, grid: AudioGrid) -> TonewheelVocoder:  # noqa: ARG001  its own configuration holds the grid
    return load_component(folder, "vocoder", TonewheelVocoder.from_config)


VOCODERS: dict[str, Callable[[Path, AudioGrid], AnyVocoder]] = {"hifigan": _hifigan, "tonewheel": _tonewheel}
"""`model_type` of the configuration to loader."""


def load_vocoder(folder: Path, grid: AudioGrid) -> AnyVocoder:
    """The vocoder of a checkpoint; it fills the :class:`~art2mus_core.types.Vocoder` protocol.

    Raises:
        CheckpointError: of no known type, missing or damaged.
    """
    kind = read_config(folder, "vocoder").get("model_type")
    if kind not in VOCODERS:
        raise CheckpointError(
            f"a vocoder {kind!r} in {folder}", f"one of {', '.join(VOCODERS)}", "Use another checkpoint."
        )
    return VOCODERS[kind](folder, grid)
