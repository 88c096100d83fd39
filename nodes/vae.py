"""The host's VAE object: latents to sound and back, for this pack's sampler and for core audio nodes."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from ..art2mus_core.decoders.sketch import MATERIAL, MelSketch, sketch_of
from ..art2mus_core.errors import SettingError
from ..art2mus_core.pipelines.parts import Parts
from ..art2mus_core.pipelines.stages import Resident, decode, encode_sound, vocode
from ..art2mus_core.types import Latent, Waveform
from .checks import require_latent
from .failures import telling
from .memory import Memory

__all__ = ["HostVAE"]

BYTES_A_MEL_VALUE = 4 * 512
"""Room the VAE's widest layer takes for each value of the spectrogram."""


class HostVAE:
    """VAE and vocoder in one, because the host's audio nodes want sound from `decode`.

    Latents are unscaled here, as they are between the host's nodes.

    Args:
        parts: the checkpoint's.
        memory: where they are kept.
    """

    def __init__(self, parts: Parts, memory: Memory) -> None:
        self.autoencoder, self.vocoder, self.grid, self.memory = parts.autoencoder, parts.vocoder, parts.grid, memory
        self.patcher = memory.hold({"autoencoder": self.autoencoder, "vocoder": self.vocoder})
        self.audio_sample_rate = self.grid.sample_rate

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
        """Unscaled latents of sound; channels are mixed where the model has fewer, and silence fills the last latent frame.

        Raises:
            SettingError: it is no sound.
        """
        if samples.ndim != 3:
            raise SettingError(
                f"a tensor of {list(samples.shape)}",
                "sound",
                "Use VAE Encode Audio: this VAE hears, and sees no pictures.",
            )
        sound = Waveform(samples.movedim(-1, 1), self.grid.sample_rate)
        resident = self._resident(samples.shape[0] * samples.shape[1])
        latent = encode_sound(self.autoencoder, sound, self.grid, resident=resident)
        return self.memory.put_by(latent.values / self.grid.latent_scale)

    def sketch(self) -> MelSketch:
        """What latents look like without this VAE, fitted to it."""
        frames = MATERIAL * self.grid.latent_factor
        with self._resident(frames * self.grid.hop)(self.autoencoder):
            return sketch_of(self.autoencoder, self.grid)

    def play(self, latent: Latent) -> Waveform:
        """Sound of scaled latents, where the host keeps what travels between nodes."""
        batch, _, frames, _ = latent.values.shape
        time = batch * frames * self.grid.latent_factor * self.grid.hop
        resident = self._resident(time)
        heard = vocode(self.vocoder, decode(self.autoencoder, latent, resident=resident), self.grid, resident=resident)
        return Waveform(self.memory.put_by(heard.samples), heard.sample_rate)

    def _resident(self, samples: int) -> Resident:
        """Both networks at once, for so many samples of sound."""
        working = samples * self.grid.channels // self.grid.hop * self.grid.mel_bins * BYTES_A_MEL_VALUE
        return lambda _: self.memory.resident(self.patcher, working=working)
