"""The pocket model's vocoder: sinusoidal oscillators and noise bands, with amplitudes from a small network.

A mel-to-wave network trained without a GAN blurs pitch, and GAN training is too expensive for this model. But the pocket model's
music is equal-tempered, so oscillators with fixed frequencies can render its partials, as the tonewheels of an electric organ do
(and harmonic-plus-noise models: Serra & Smith 1990; Engel, Hantrakul, Gu & Roberts 2020, DDSP). The network predicts only amplitudes,
240 times a second in the bundled model; no phase is estimated, and every note is in tune.

Each semitone has an oscillator at its pitch and at each detuning of the configuration: the fifth and seventh harmonics of a
tempered note are 14 and 31 cents below the scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import CheckpointError
from ..types import Mel, Waveform

__all__ = ["TonewheelVocoder"]

GOLDEN = 0.6180339887498949
AGAIN = "Install or download the checkpoint again."
MOST_CENTS = 1_200
"""An octave."""


class _Block(nn.Module):
    """ConvNeXt in one dimension (Liu et al. 2022)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 3 * width)
        self.down = nn.Linear(3 * width, width)

    def forward(self, x: Float[Tensor, "batch frames width"]) -> Float[Tensor, "batch frames width"]:
        mixed = self.norm(self.mix(x.mT).mT)
        return x + self.down(F.gelu(self.up(mixed)))


class TonewheelVocoder(nn.Module):
    """Log-mel on the semitone scale to sound.

    Args:
        mel: `sample_rate`, `hop`, `mel_bins`, `lowest`, `floor` (and the other fields of the audio grid).
        width: channels of the network.
        blocks: number of blocks.
        subframes: amplitudes per mel frame, `hop / subframes` samples apart.
        detunings: cents from the tempered pitch, one oscillator each per semitone.
        noise_window: FFT length of the noise filter.
        channels: of the sound; their mels are adjacent in a batch. Channels share their tones' phases and half of their noise's power.
    """

    def __init__(  # noqa: PLR0917  sizes, in the order of the configuration
        self,
        mel: dict[str, Any],
        width: int,
        blocks: int,
        subframes: int,
        detunings: list[float],
        noise_window: int,
        channels: int = 1,
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "model_type": "tonewheel",
            "mel": mel,
            "width": width,
            "blocks": blocks,
            "subframes": subframes,
            "detunings": detunings,
            "noise_window": noise_window,
            "channels": channels,
        }
        self.rate, self.bins, self.subframes = mel["sample_rate"], mel["mel_bins"], subframes
        self.stride = mel["hop"] // subframes
        self.quietest = math.log(mel["floor"])
        self.per_semitone = len(detunings)
        self.noise_window = noise_window
        self.enter = nn.Conv1d(self.bins, width, 7, padding=3)
        self.blocks = nn.Sequential(*(_Block(width) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width)
        self.wheels = nn.Linear(width, subframes * self.bins * self.per_semitone)
        self.noise = nn.Linear(width, subframes * self.bins)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> TonewheelVocoder:
        keys = ("mel", "width", "blocks", "subframes", "detunings", "noise_window")
        window, rate, cents = config["noise_window"], config["mel"]["sample_rate"], config["detunings"]
        if (
            type(window) is not int or not 2 <= window <= rate
        ):  # half of it is mirrored at the ends of a piece of one second
            raise CheckpointError(f"a vocoder with noise_window {window!r}", f"a whole number from 2 to {rate}", AGAIN)
        if not all(type(each) in {int, float} and abs(each) <= MOST_CENTS for each in cents):
            raise CheckpointError(
                f"a vocoder with detunings {cents!r}", f"a list of numbers from -{MOST_CENTS} to {MOST_CENTS}", AGAIN
            )
        vocoder = cls(**{key: config[key] for key in keys}, channels=config.get("channels", 1))
        if not 1 <= vocoder.stride <= vocoder.noise_window // 2:
            raise CheckpointError(
                f"a vocoder with hop {config['mel']['hop']} and {vocoder.subframes} subframes",
                f"a hop of {vocoder.subframes} to {vocoder.subframes * (vocoder.noise_window // 2)} samples",
                AGAIN,
            )
        return vocoder

    def forward(self, mel: Float[Tensor, "batch frames bins"]) -> Float[Tensor, "batch samples"]:
        """`hop` samples per frame; the batch is a multiple of the channels."""
        scaled = 1 - mel / self.quietest
        features = self.norm(self.blocks(self.enter(scaled.mT).mT))
        level = mel.exp().repeat_interleave(self.subframes, dim=1)
        batch, frames, _ = level.shape
        tone_gains = 2 * torch.sigmoid(self.wheels(features).view(batch, frames, self.per_semitone, self.bins))
        noise_gains = 2 * torch.sigmoid(self.noise(features).view(batch, frames, self.bins))
        return self._tones(level[:, :, None] * tone_gains) + self._filtered_noise(level * noise_gains)

    def vocode(self, mel: Mel) -> Waveform:
        weight = self.wheels.weight
        return Waveform(self(mel.values.to(weight))[:, None], self.rate)

    def _frequencies(self, detunings: Sequence[float]) -> np.ndarray:
        """Hertz of every semitone at each detuning in cents, [detunings, bins]."""
        pitch = self.config["mel"]["lowest"] + np.arange(self.bins) + np.asarray(detunings)[:, None] / 100
        return 440.0 * 2.0 ** ((pitch - 69) / 12)

    def _tones(self, amplitudes: Float[Tensor, "batch frames detunings bins"]) -> Float[Tensor, "batch samples"]:
        """Sum of sinusoids of fixed frequency, with amplitudes interpolated linearly between frames.

        Within a frame of s samples, sin(w (n s + j) + phi) is a sum of products of a function of n and one of j, so all
        oscillators are computed by one matrix product.
        """
        frames = amplitudes.shape[1]
        radians = 2 * np.pi * self._frequencies(self.config["detunings"]).ravel() / self.rate
        silent = radians >= np.pi  # from the Nyquist frequency on
        start = np.arange(frames)[:, None] * (radians * self.stride) + 2 * np.pi * GOLDEN * np.arange(len(radians))
        within = radians[:, None] * np.arange(self.stride)
        ramp = np.arange(self.stride) / self.stride
        sine, cosine = np.sin(within), np.cos(within)
        sine[silent], cosine[silent] = 0, 0
        falling, rising = 1 - ramp, ramp
        basis = np.concatenate([cosine * falling, sine * falling, cosine * rising, sine * rising])
        here = amplitudes.flatten(2)
        following = torch.cat([here[:, 1:], here[:, -1:]], dim=1)
        s = torch.as_tensor(np.sin(start), dtype=here.dtype, device=here.device)
        c = torch.as_tensor(np.cos(start), dtype=here.dtype, device=here.device)
        factors = torch.cat([here * s, here * c, following * s, following * c], dim=-1)
        return (factors @ torch.as_tensor(basis, dtype=here.dtype, device=here.device)).flatten(1)

    def _filtered_noise(self, levels: Float[Tensor, "batch frames bins"]) -> Float[Tensor, "batch samples"]:
        """Deterministic white noise, filtered in the short-time spectrum (overlap-add, Hann)."""
        samples, channels = levels.shape[1] * self.stride, self.config["channels"]
        generator = torch.Generator().manual_seed(0)
        white = torch.randn(samples, generator=generator).to(levels)[None]
        if channels > 1:
            own = torch.randn(channels, samples, generator=generator).to(levels)
            white = (white + own) / math.sqrt(2)
        window = torch.hann_window(self.noise_window, dtype=levels.dtype, device=levels.device)
        spectrum = torch.stft(white, self.noise_window, self.stride, window=window, return_complex=True)
        gains = (levels @ self._bands(levels)).mT
        gains = torch.cat([gains, gains[..., -1:]], dim=-1)
        shaped = (spectrum * gains.unflatten(0, (-1, channels))).flatten(0, 1)
        return torch.istft(shaped, self.noise_window, self.stride, window=window, length=samples)

    def _bands(self, like: Tensor) -> Float[Tensor, "bins bands"]:
        """Weights of each semitone's noise in the bins of the noise window, linear between the semitones."""
        rows = np.log2(self._frequencies([0.0])[0])
        bins = np.log2(np.maximum(1e-9, np.arange(self.noise_window // 2 + 1) * self.rate / self.noise_window))
        bands = np.stack([np.interp(bins, rows, unit) for unit in np.eye(self.bins)])
        bands[:, bins < rows[0]] = 0
        return torch.as_tensor(bands, dtype=like.dtype, device=like.device)
