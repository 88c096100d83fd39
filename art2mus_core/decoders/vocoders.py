"""The table of vocoders, by the `model_type` of their configurations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..checkpoints.folder import check_component, load_component, read_config
from ..errors import CheckpointError
from ..networks.hifigan import HifiGan
from ..types import AudioGrid, Mel, Waveform
from .tonewheel import TonewheelVocoder

__all__ = ["VOCODERS", "AnyVocoder", "HifiGanVocoder", "check_vocoder", "load_vocoder"]


WHOLE, STRETCH = 30.0, 5.0
"""Seconds of music up to which HiFi-GAN computes a piece at once, and those that it computes at once of a longer one."""


class HifiGanVocoder(nn.Module):
    """HiFi-GAN, with its output cut to `hop` samples per frame.

    The network returns a few samples more, because its kernels are wider than their strides.

    Args:
        network: log-mel [B, T, bins] to samples [B, N].
        grid: its hop and rate.
    """

    def __init__(self, network: HifiGan, grid: AudioGrid) -> None:
        super().__init__()
        self.network, self.grid = network, grid

    def vocode(self, mel: Mel) -> Waveform:
        """`hop` samples per frame, one channel; one mel after the other and long ones in stretches, as they need much memory."""
        samples = torch.cat([self._played(each) for each in self._ready(mel).split(1)])
        return Waveform(samples[:, None, : mel.values.shape[1] * self.grid.hop], self.grid.sample_rate)

    def stream(self, mel: Mel, chunk_frames: int) -> Iterator[Waveform]:
        """What :meth:`vocode` returns, in pieces of `chunk_frames` frames; the last may be shorter.

        The first takes the work of its own frames and of those after it that its samples depend on.
        """
        size, left = chunk_frames * self.grid.hop, mel.values.shape[1] * self.grid.hop
        held: Tensor | None = None
        for piece in self.network.stream(self._ready(mel), chunk_frames):
            held = piece if held is None else torch.cat([held, piece], dim=-1)
            while left and held.shape[-1] >= (count := min(size, left)):
                yield Waveform(held[:, None, :count], self.grid.sample_rate)
                held, left = held[:, count:], left - count

    def _played(self, mel: Tensor) -> Tensor:
        rate = self.grid.sample_rate / self.grid.hop
        if mel.shape[1] <= WHOLE * rate:
            return self.network(mel)
        return torch.cat([*self.network.stream(mel, round(STRETCH * rate))], dim=-1)

    def _ready(self, mel: Mel) -> Tensor:
        """The mel as the weights are, and the weights as is fastest where they are."""
        weight = next(self.network.parameters())
        self.network.lay_out(channels_last=weight.device.type == "cpu")
        return mel.values.to(weight)


AnyVocoder = HifiGanVocoder | TonewheelVocoder


VOCODERS: dict[str, Callable[[dict[str, Any]], HifiGan | TonewheelVocoder]] = {
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
    return HifiGanVocoder(network, grid) if isinstance(network, HifiGan) else network


def _builder(folder: Path) -> Callable[[dict[str, Any]], HifiGan | TonewheelVocoder]:
    kind = read_config(folder, "vocoder").get("model_type")
    if not isinstance(kind, str) or kind not in VOCODERS:
        raise CheckpointError(
            f"a vocoder {kind!r} in {folder}", f"one of {', '.join(VOCODERS)}", "Use another checkpoint."
        )
    return VOCODERS[kind]
