"""Every size that a checkpoint decides, in one dataclass; no other file contains such a number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

__all__ = ["AudioGrid", "Scale"]

Scale = Literal["slaney", "semitone"]


@dataclass(frozen=True)
class AudioGrid:
    """Every size between the embedding and the waveform, read from a checkpoint's configuration files.

    Attributes:
        sample_rate: in hertz.
        hop: samples per mel frame.
        mel_bins: bands of the mel spectrogram.
        scale: `slaney` (AudioLDM2: one window, Slaney's mel scale) or `semitone` (one band per semitone).
        lowest: centre of the first band; hertz for `slaney`, MIDI note number for `semitone`.
        highest: upper edge in hertz for `slaney`; not used by `semitone`.
        windows: FFT lengths, longest first; `slaney` has one, `semitone` one per frequency range.
        floor: lower limit of amplitudes before the natural logarithm.
        latent_channels: channels of the VAE's latent; this and the next three are 1 where only the mel matters.
        latent_factor: downsampling factor of the VAE, in time and in frequency.
        latent_scale: factor applied to the VAE's latents before noise is added (`scaling_factor`).
        language_width: width W of GPT-2 and of the language of audio.
        language_tokens: length of the language of audio; 8 in all checkpoints so far.
        channels: of the waveform, and of the VAE's spectrograms.
    """

    sample_rate: int
    hop: int
    mel_bins: int
    scale: Scale
    lowest: float
    highest: float
    windows: tuple[int, ...]
    floor: float
    latent_channels: int = 1
    latent_factor: int = 1
    latent_scale: float = 1.0
    language_width: int = 1
    language_tokens: int = 8
    channels: int = 1

    @property
    def latent_rows(self) -> int:
        """Rows of a latent: mel bins divided by the VAE's factor."""
        return self.mel_bins // self.latent_factor

    @property
    def latent_rate(self) -> float:
        """Latent frames per second."""
        return self.sample_rate / self.hop / self.latent_factor

    def latent_frames(self, seconds: float) -> int:
        """Latent frames that cover `seconds`."""
        return math.ceil(round(seconds * self.latent_rate, 6))

    def latent_shape(self, seconds: float) -> tuple[int, int, int]:
        """(channels, frames, rows) of one latent that covers `seconds`."""
        return self.latent_channels, self.latent_frames(seconds), self.latent_rows

    def samples(self, seconds: float) -> int:
        """Samples in `seconds`."""
        return round(seconds * self.sample_rate)
