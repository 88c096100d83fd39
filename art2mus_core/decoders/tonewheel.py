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
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..audio.mel import tone_response, window_shapes
from ..errors import CheckpointError
from ..types import AudioGrid, Mel, Waveform
from .oscillators import filtered_noise, noise_bands, tones_of, white_noise

__all__ = ["TonewheelVocoder"]

AGAIN = "Install or download the checkpoint again."
MOST_CENTS = 1_200
"""An octave."""

KERNEL = 5, 7
"""Frames and semitones."""

STRETCH = 128
"""Frames that the network sees at once: their memory is small enough to be used again."""

UPDATES = 20
"""Further ones change the sound little."""

TEMPERED, NOISELESS = 3.0, -3.0
"""Logits, at the start of training, of the first detuning and of noise."""


def _held(levels: Float[Tensor, "batch frames bins"], count: int) -> Float[Tensor, "batch subframes bins"]:
    """`count` levels for each frame: its own, then the larger of its own and the next one's, so that gains below 1 can place an attack."""
    larger = torch.maximum(levels, torch.cat([levels[:, 1:], levels[:, -1:]], dim=1))
    return torch.stack([levels, *[larger] * (count - 1)], dim=2).flatten(1, 2)


class _Block(nn.Module):
    """ConvNeXt over frames and semitones (Liu et al. 2022), without its normalisation, because levels carry meaning.

    The mean over all semitones tells each of an attack, which is sharp in time only in the high ones.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(width, width, KERNEL, padding="same", groups=width)
        self.across = nn.Conv2d(width, width, 1)
        self.up = nn.Conv2d(width, 3 * width, 1)
        self.down = nn.Conv2d(3 * width, width, 1)

    def forward(self, x: Float[Tensor, "batch width frames bins"]) -> Float[Tensor, "batch width frames bins"]:
        mixed = self.mix(x)
        return x + self.down(F.gelu(self.up(mixed + self.across(mixed.mean(-1, keepdim=True)))))


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
        self.blocks = nn.Sequential(*(_Block(width) for _ in range(blocks)))
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
        return self._sound(mel, self._sharpened(self._levels(mel)), self._white(mel), 0, mel.shape[1])

    def stream(self, mel: Mel, chunk_frames: int) -> Iterator[Waveform]:
        """What :meth:`vocode` returns of one piece, [channels, T, bins], in chunks of `chunk_frames` frames; the last may be shorter.

        The first takes the work of its own frames and of those after it that its samples depend on.
        """
        values = mel.values.to(self.leave.weight)
        frames, white, tones = values.shape[1], self._white(values), values[:, :0]
        for start in range(0, frames, chunk_frames):
            stop = min(start + chunk_frames, frames)
            needed = min(frames, stop + self.near + self.reach)
            if needed > tones.shape[1]:
                rest = frames if start else needed  # after the first chunk all at once: each update reads far around
                tones = self._sharpened(self._levels(values[:, : rest + 2 * UPDATES * self.smear]))[:, :rest]
            yield Waveform(self._sound(values, tones, white, start, stop)[:, None], self.rate)

    def _sound(
        self,
        mel: Float[Tensor, "batch frames bins"],
        tones: Float[Tensor, "batch known bins"],
        white: Float[Tensor, "channels padded"],
        start: int,
        stop: int,
    ) -> Float[Tensor, "batch samples"]:
        """The samples of the frames from `start` to `stop`; `tones` may lack frames on which these do not depend."""
        count, first, end = self.subframes, max(0, start - self.near), min(stop + self.near, mel.shape[1])
        gains = self._predicted(mel, tones, first, end).unflatten(1, (count, -1))
        loudness, noisiness, tuning = gains.split([1, 1, self.per_semitone], dim=2)
        shares, audible = (
            part.permute(0, 3, 1, 2, 4).flatten(1, 2)  # one after the other in time
            for part in (2 * loudness.sigmoid() * tuning.softmax(2), 2 * noisiness.sigmoid())
        )
        held, noise = (_held(part[:, first : end + 1], count)[:, : shares.shape[1]] for part in (tones, mel.exp()))
        played = held[:, :, None] * shares
        here = slice((start - first) * count, (stop - first) * count)
        sound = tones_of(
            played[:, here.start : here.stop + 1].flatten(2),
            2 * np.pi * self._frequencies(self.config["detunings"]).ravel() / self.rate,
            self.stride,
            range(start * count, stop * count),
        )
        levels = noise * audible[:, :, 0]
        bands = noise_bands(self._frequencies([0.0])[0], self.rate, self.noise_window)
        part = white[:, first * count * self.stride :]
        filtered = filtered_noise(levels, part, bands, self.stride)
        return sound + filtered[:, here.start * self.stride : here.stop * self.stride]

    def _predicted(
        self,
        mel: Float[Tensor, "batch frames bins"],
        tones: Float[Tensor, "batch known bins"],
        start: int,
        stop: int,
    ) -> Float[Tensor, "batch outputs predicted bins"]:
        """What the network predicts, `STRETCH` frames at a time, with the frames around them that they depend on."""
        parts = []
        for place in range(start, stop, STRETCH):
            first, end = max(0, place - self.reach), min(place + STRETCH, stop)
            seen = torch.stack(
                [part[:, first : end + self.reach] for part in (mel, (tones + self.grid.floor).log())], dim=1
            )
            seen = 1 - seen / math.log(self.grid.floor)
            seen = seen.contiguous(memory_format=torch.channels_last)  # two thirds of the time on a processor
            features = self.enter(seen) + self.pitch
            parts.append(self.leave(self.blocks(features)[:, :, place - first :][:, :, : end - place]))
        return torch.cat(parts, dim=2)

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

    def _white(self, mel: Float[Tensor, "batch frames bins"]) -> Float[Tensor, "channels padded"]:
        samples, channels = mel.shape[1] * self.subframes * self.stride, self.config["channels"]
        return white_noise(samples, channels, self.noise_window // 2).to(mel)
