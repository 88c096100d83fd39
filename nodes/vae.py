"""The host's VAE object: latents to sound and back, for this pack's sampler and for core audio nodes."""

from __future__ import annotations

from typing import cast

from jaxtyping import Float
from torch import Tensor, nn

from ..art2mus_core.audio.mel import MelTransform
from ..art2mus_core.decoders.sketch import MATERIAL, MelSketch, sketch_of
from ..art2mus_core.decoders.vae import MelAutoencoder
from ..art2mus_core.errors import SettingError
from ..art2mus_core.types import AudioGrid, Latent, Mel, Vocoder, Waveform
from .checks import require_latent
from .failures import telling
from .host import intermediate, patcher, resident

__all__ = ["HostVAE"]

BYTES_A_MEL_VALUE = 4 * 512
"""Room the VAE's widest layer takes for each value of the spectrogram."""


class HostVAE:
    """VAE and vocoder in one, because the host's audio nodes want sound from `decode`.

    Latents are unscaled here, as they are between the host's nodes.

    Args:
        autoencoder: latent to mel and back.
        vocoder: mel to sound.
        grid: the checkpoint's sizes.
    """

    def __init__(self, autoencoder: MelAutoencoder, vocoder: nn.Module, grid: AudioGrid) -> None:
        self.patcher = patcher({"autoencoder": autoencoder, "vocoder": vocoder})
        self.autoencoder, self.vocoder, self.grid = autoencoder, vocoder, grid
        self.audio_sample_rate = grid.sample_rate

    def __repr__(self) -> str:
        return f"HostVAE({self.audio_sample_rate} Hz)"  # the host sends it beside an error

    @telling
    def decode(self, samples: Float[Tensor, "batch channels frames rows"]) -> Float[Tensor, "batch time 1"]:
        """Sound of unscaled latents, time before channels as the host has it.

        Raises:
            SettingError: they are another model's.
        """
        require_latent(samples, self.grid)
        return self.play(Latent(samples * self.grid.latent_scale)).samples.movedim(1, -1)

    @telling
    def decode_tiled(
        self, samples: Float[Tensor, "batch channels frames rows"], **_: int
    ) -> Float[Tensor, "batch time 1"]:
        """The same: a minute of music fits without tiles."""
        return self.decode(samples)

    @telling
    def temporal_compression_decode(self) -> None:
        """What tiled decoding of pictures asks first.

        Raises:
            SettingError: always.
        """
        raise SettingError("a node that decodes pictures", "VAE Decode Audio", "This VAE hears, and sees no pictures.")

    @telling
    def encode(self, samples: Float[Tensor, "batch time channels"]) -> Float[Tensor, "batch latents frames rows"]:
        """Unscaled latents of sound; several channels are mixed.

        Raises:
            SettingError: it is no sound.
        """
        if samples.ndim != 3:
            raise SettingError(
                f"a tensor of {list(samples.shape)}",
                "sound",
                "Use VAE Encode Audio: this VAE hears, and sees no pictures.",
            )
        with resident(self.patcher, working=self._working(samples.shape[0] * samples.shape[1])) as device:
            mel = MelTransform(self.grid).to(device)(samples.mean(-1).to(device))
            whole = mel.shape[1] // self.grid.latent_factor * self.grid.latent_factor
            latent = self.autoencoder.encode(Mel(mel[:, :whole]))
        return intermediate(latent.values / self.grid.latent_scale)

    def sketch(self) -> MelSketch:
        """What latents look like without this VAE, fitted to it."""
        frames = MATERIAL * self.grid.latent_factor
        with resident(self.patcher, working=self._working(frames * self.grid.hop)):
            return sketch_of(self.autoencoder, self.grid)

    def play(self, latent: Latent) -> Waveform:
        """Sound of scaled latents, where the host keeps what travels between nodes."""
        batch, _, frames, _ = latent.values.shape
        time = batch * frames * self.grid.latent_factor * self.grid.hop
        with resident(self.patcher, working=self._working(time)) as device:
            heard = self._vocoder.vocode(self.autoencoder.decode(Latent(latent.values.to(device))))
        return Waveform(intermediate(heard.samples), heard.sample_rate)

    @property
    def _vocoder(self) -> Vocoder:
        return cast("Vocoder", self.vocoder)

    def _working(self, samples: int) -> int:
        return samples // self.grid.hop * self.grid.mel_bins * BYTES_A_MEL_VALUE
