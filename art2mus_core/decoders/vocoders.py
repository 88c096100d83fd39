"""The table of vocoders, by the `model_type` of their configurations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from ..checkpoints.folder import check_component, load_component, read_config
from ..errors import CheckpointError
from ..networks.hifigan import HifiGan
from ..types import AudioGrid, Mel, Waveform
from .tonewheel import TonewheelVocoder

__all__ = ["VOCODERS", "AnyVocoder", "HifiGanVocoder", "check_vocoder", "load_vocoder"]


class HifiGanVocoder(nn.Module):
    """HiFi-GAN, with its output cut to `hop` samples per frame.

    The network returns a few samples more, because its kernels are wider than their strides.

    Args:
        network: log-mel [B, T, bins] to samples [B, N].
        grid: its hop and rate.
    """

    def __init__(self, network: nn.Module, grid: AudioGrid) -> None:
        super().__init__()
        self.network, self.grid = network, grid

    def vocode(self, mel: Mel) -> Waveform:
        """`hop` samples per frame, one channel."""
        weight = next(self.network.parameters())
        samples = self.network(mel.values.to(weight))
        return Waveform(samples[:, None, : mel.values.shape[1] * self.grid.hop], self.grid.sample_rate)


AnyVocoder = HifiGanVocoder | TonewheelVocoder


VOCODERS: dict[str, Callable[[dict[str, Any]], nn.Module]] = {
    "hifigan": HifiGan,
    "speecht5_hifigan": HifiGan,
    "tonewheel": TonewheelVocoder.from_config,
}
"""Builders of networks by `model_type`; transformers uses the second name, published AudioLDM2 the first."""


def check_vocoder(folder: Path) -> None:
    """Compare the header of the vocoder's weights with its configuration; no weight is read.

    Raises:
        CheckpointError: of an unknown type, missing or damaged, or different from the configuration.
    """
    check_component(folder, "vocoder", _builder(folder))


def load_vocoder(folder: Path, grid: AudioGrid) -> AnyVocoder:
    """Load the vocoder of a checkpoint, a :class:`~art2mus_core.interfaces.Vocoder`.

    Raises:
        CheckpointError: as :func:`check_vocoder`, or weights that are not finite.
    """
    network = load_component(folder, "vocoder", _builder(folder))
    return network if isinstance(network, TonewheelVocoder) else HifiGanVocoder(network, grid)


def _builder(folder: Path) -> Callable[[dict[str, Any]], nn.Module]:
    kind = read_config(folder, "vocoder").get("model_type")
    if not isinstance(kind, str) or kind not in VOCODERS:
        raise CheckpointError(
            f"a vocoder {kind!r} in {folder}", f"one of {', '.join(VOCODERS)}", "Use another checkpoint."
        )
    return VOCODERS[kind]
