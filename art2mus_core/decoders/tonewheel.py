"""The pocket model's vocoder: sinusoidal oscillators and noise bands, with amplitudes from a small network.

A mel-to-wave network trained without a GAN blurs pitch, and GAN training is too expensive for this model. But the pocket model's
music is equal-tempered, so oscillators with fixed frequencies can render its partials, as the tonewheels of an electric organ do
(and harmonic-plus-noise models: Serra & Smith 1990; Engel, Hantrakul, Gu & Roberts 2020, DDSP). The network predicts only gains,
240 times a second in the bundled model; no phase is estimated, and every note is in tune.

Oscillators that play where a row of the mel only hears its neighbour would beat with it, and low tones would begin before their attack:
first the mel is sharpened to the tones that it may come from, and what the network predicts are gains for these.

Each semitone has an oscillator at its pitch and at each detuning of the configuration: the fifth and seventh harmonics of a
tempered note are 14 and 31 cents below the scale.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..audio.mel import tone_response, window_shapes
from ..errors import CheckpointError
from ..networks.convnext import ConvNeXt
from ..types import AudioGrid, Mel, Waveform
from .oscillators import Bank, filtered_noise, noise_bands, white_noise

__all__ = ["TonewheelVocoder"]

AGAIN = "Install or download the checkpoint again."
MOST_CENTS = 1_200
"""An octave."""

KERNEL = 5, 7
"""Frames and semitones."""

STRETCH = 128
"""Frames that are vocoded at once: their memory is small enough to be used again."""

UPDATES = 20
"""Further ones change the sound little."""

TEMPERED, NOISELESS = 3.0, -3.0
"""Logits, at the start of training, of the first detuning and of noise."""


def _held(levels: Float[Tensor, "batch frames bins"], count: int) -> Float[Tensor, "batch subframes bins"]:
    """`count` levels for each frame: its own, then the larger of its own and the next one's, so that gains below 1 can place an attack."""
    larger = torch.maximum(levels, torch.cat([levels[:, 1:], levels[:, -1:]], dim=1))
    return torch.stack([levels, *[larger] * (count - 1)], dim=2).flatten(1, 2)


@dataclass(frozen=True)
class _Piece:
    """A piece that is being vocoded.

    Attributes:
        mel: of the whole piece.
        tones: the sharpened mel; it may lack frames on which the sound of the moment does not depend.
        white: noise from half a noise window before the piece to half a window after it.
        bank: the oscillators.
        bands: of the noise.
    """

    mel: Float[Tensor, "batch frames bins"]
    tones: Float[Tensor, "batch known bins"]
    white: Float[Tensor, "channels padded"]
    bank: Bank
    bands: Float[np.ndarray, "bins bands"]


class TonewheelVocoder(nn.Module):
    """Log-mel on the semitone scale to sound.

    Attributes:
        reach: frames to either side on which a prediction of the network depends.
        smear: frames to either side that one update of the sharpened mel reads, twice.
        near: frames to either side whose gains change the sound of a frame.

    Args:
        mel: the fields of the audio grid that specify the mel.
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
        numbers = {name: float(mel[name]) for name in ("lowest", "highest", "floor")}
        self.grid = AudioGrid(**{**mel, **numbers, "windows": tuple(mel["windows"])})
        self.rate, self.bins, self.subframes = mel["sample_rate"], mel["mel_bins"], subframes
        self.stride = mel["hop"] // subframes
        self.per_semitone = len(detunings)
        self.noise_window = noise_window
        self.reach, self.smear = KERNEL[0] // 2 * (1 + blocks), max(mel["windows"]) // 2 // mel["hop"]
        self.near = -(-(1 + -(-noise_window // 2 // max(1, self.stride))) // subframes)
        self.enter = nn.Conv2d(2, width, KERNEL, padding="same")
        self.pitch = nn.Parameter(torch.zeros(width, 1, self.bins))
        self.blocks = nn.Sequential(*(ConvNeXt(width, KERNEL) for _ in range(blocks)))
        self.leave = nn.Conv2d(width, subframes * (2 + self.per_semitone), 1)
        # at first tempered tones alone, as loud as the mel says
        start = [0.0, NOISELESS, TEMPERED, *[0.0] * (self.per_semitone - 1)]
        self.leave.bias = nn.Parameter(torch.tensor(start * subframes))
        with torch.no_grad():
            self.leave.weight.mul_(0.1)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> TonewheelVocoder:
        keys = ("mel", "width", "blocks", "subframes", "detunings", "noise_window")
        window, rate, cents = config["noise_window"], config["mel"]["sample_rate"], config["detunings"]
        if (scale := config["mel"]["scale"]) != "semitone":
            raise CheckpointError(f"a tonewheel vocoder of a mel with scale {scale!r}", "the scale semitone", AGAIN)
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
        piece, frames = self._piece(mel, self._sharpened(self._levels(mel))), mel.shape[1]
        starts = range(0, frames, STRETCH)
        return torch.cat([self._sound(piece, start, min(start + STRETCH, frames)) for start in starts], dim=-1)

    def stream(self, mel: Mel, chunk_frames: int) -> Iterator[Waveform]:
        """What :meth:`vocode` returns of one piece, [channels, T, bins], in chunks of `chunk_frames` frames; the last may be shorter.

        The first takes the work of its own frames and of those after it that its samples depend on.
        """
        values = mel.values.to(self.leave.weight)
        frames, piece = values.shape[1], self._piece(values, values[:, :0])
        for start in range(0, frames, chunk_frames):
            stop = min(start + chunk_frames, frames)
            needed = min(frames, stop + self.near + self.reach)
            if needed > piece.tones.shape[1]:
                rest = frames if start else needed  # after the first chunk all at once: each update reads far around
                tones = self._sharpened(self._levels(values[:, : rest + 2 * UPDATES * self.smear]))[:, :rest]
                piece = replace(piece, tones=tones)
            parts = [self._sound(piece, at, min(at + STRETCH, stop)) for at in range(start, stop, STRETCH)]
            yield Waveform(torch.cat(parts, dim=-1)[:, None], self.rate)

    def _piece(self, mel: Float[Tensor, "batch frames bins"], tones: Float[Tensor, "batch known bins"]) -> _Piece:
        samples, channels = mel.shape[1] * self.subframes * self.stride, self.config["channels"]
        radians = 2 * np.pi * self._frequencies(self.config["detunings"]).ravel() / self.rate
        bank = Bank(radians, self.stride, mel.shape[1] * self.subframes)
        bands = noise_bands(self._frequencies([0.0])[0], self.rate, self.noise_window)
        return _Piece(mel, tones, white_noise(samples, channels, self.noise_window // 2).to(mel), bank, bands)

    def _sound(self, piece: _Piece, start: int, stop: int) -> Float[Tensor, "batch samples"]:
        """The samples of the frames from `start` to `stop`."""
        count, first, end = self.subframes, max(0, start - self.near), min(stop + self.near, piece.mel.shape[1])
        gains = self._predicted(piece, first, end)
        loudness, noisiness, tuning = gains.split([1, 1, self.per_semitone], dim=2)
        shares, audible = (
            part.permute(0, 3, 1, 2, 4).flatten(1, 2)  # one after the other in time
            for part in (2 * loudness.sigmoid() * tuning.softmax(2), 2 * noisiness.sigmoid())
        )
        held, noise = (
            _held(part, count)[:, : shares.shape[1]]
            for part in (piece.tones[:, first : end + 1], piece.mel[:, first : end + 1].exp())
        )
        here = slice((start - first) * count, (stop - first) * count)
        played = held[:, here.start : here.stop + 1, None] * shares[:, here.start : here.stop + 1]
        sound = piece.bank.tones(played.flatten(2), range(start * count, stop * count))
        levels = noise * audible[:, :, 0]
        white = piece.white[:, first * count * self.stride :]
        filtered = filtered_noise(levels, white, piece.bands, self.stride)
        return sound + filtered[:, here.start * self.stride : here.stop * self.stride]

    def _predicted(self, piece: _Piece, start: int, stop: int) -> Float[Tensor, "batch count gains predicted bins"]:
        """What the network predicts of frames, from the frames around them that they depend on."""
        first, end = max(0, start - self.reach), stop + self.reach
        tones = (piece.tones[:, first:end] + self.grid.floor).log()
        seen = torch.stack([piece.mel[:, first:end], tones], dim=1)
        seen = 1 - seen / math.log(self.grid.floor)
        seen = seen.contiguous(memory_format=torch.channels_last)  # two thirds of the time on a processor
        features = self.enter(seen) + self.pitch
        gains = self.leave(self.blocks(features)[:, :, start - first :][:, :, : stop - start])
        return gains.unflatten(1, (self.subframes, -1))

    def _levels(self, mel: Float[Tensor, "batch frames bins"]) -> Float[Tensor, "batch frames bins"]:
        return (mel.exp() - self.grid.floor).clamp(min=0)

    def _sharpened(self, levels: Float[Tensor, "batch frames bins"]) -> Float[Tensor, "batch frames bins"]:
        """Amplitudes of tones that have these levels in the mel.

        In the mel a tone is in several rows, and in the frames around its own, as far as the rows' windows reach. The non-negative solution of
        least Kullback-Leibler divergence is approached by multiplicative updates from the levels themselves (Richardson 1972, Lucy
        1974; Lee & Seung 2001).
        """
        spread = torch.as_tensor(tone_response(self.grid), dtype=levels.dtype, device=levels.device)
        shapes = torch.as_tensor(window_shapes(self.grid), dtype=levels.dtype, device=levels.device)[:, None]
        reach, total = self.smear, spread.sum(1)

        def smeared(x: Tensor) -> Tensor:
            return F.conv1d(F.pad(x.mT, (reach, reach), mode="replicate"), shapes, groups=self.bins).mT

        tones = levels
        for _ in range(UPDATES):
            heard = smeared(tones @ spread) + self.grid.floor / 1000
            tones = tones * (smeared(levels / heard) @ spread.mT) / total
        return tones

    def vocode(self, mel: Mel) -> Waveform:
        """The pieces one after the other, because the network needs much memory for many at once."""
        pieces = mel.values.to(self.leave.weight).split(self.config["channels"])
        return Waveform(torch.cat([self(piece) for piece in pieces])[:, None], self.rate)

    def _frequencies(self, detunings: Sequence[float]) -> np.ndarray:
        """Hertz of every semitone at each detuning in cents, [detunings, bins]."""
        pitch = self.config["mel"]["lowest"] + np.arange(self.bins) + np.asarray(detunings)[:, None] / 100
        return 440.0 * 2.0 ** ((pitch - 69) / 12)
