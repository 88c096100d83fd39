"""The host's VAE: latents to audio and back, for this pack's sampler and for core audio nodes."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from ..art2mus_core.decoders.preview import PROBE_FRAMES, LatentPreview, preview_of
from ..art2mus_core.errors import SettingError
from ..art2mus_core.pipelines.parts import Parts
from ..art2mus_core.pipelines.stages import Resident, decode, encode_sound, vocode
from ..art2mus_core.types import Latent, Waveform
from .checks import require_latent
from .failures import redact_errors
from .memory import Memory

__all__ = ["HostVAE"]

BYTES_A_MEL_VALUE = 4 * 512
"""Bytes that the VAE's widest layer needs for each value of the spectrogram."""


class HostVAE:
    """VAE and vocoder in one object, because the host's audio nodes expect a waveform from `decode`.

    Latents are unscaled, as between all of the host's nodes.

    Args:
        parts: parts of the checkpoint.
        memory: memory policy.
    """

    def __init__(self, parts: Parts, memory: Memory) -> None:
        self.autoencoder, self.vocoder, self.grid, self.memory = parts.autoencoder, parts.vocoder, parts.grid, memory
        self.patcher = memory.manage({"autoencoder": self.autoencoder, "vocoder": self.vocoder})
        self.audio_sample_rate = self.grid.sample_rate

    def __repr__(self) -> str:
        return f"HostVAE({self.audio_sample_rate} Hz)"  # the host shows it with an error

    @redact_errors
    def decode(self, samples: Float[Tensor, "batch channels frames rows"]) -> Float[Tensor, "batch time 1"]:
        """Decode unscaled latents to audio, in the host's order of dimensions.

        Raises:
            SettingError: the latents belong to another model.
        """
        require_latent(samples, self.grid)
        return self.decode_latent(Latent(samples * self.grid.latent_scale)).samples.movedim(1, -1)

    @redact_errors
    def decode_tiled(
        self, samples: Float[Tensor, "batch channels frames rows"], **_: int
    ) -> Float[Tensor, "batch time 1"]:
        """The same as `decode`: a minute of music fits into memory without tiles."""
        return self.decode(samples)

    @redact_errors
    def temporal_compression_decode(self) -> None:
        """Refuse tiled decoding of images, which calls this first.

        Raises:
            SettingError: always.
        """
        raise SettingError("a node that decodes pictures", "VAE Decode Audio", "This VAE decodes audio only.")

    @redact_errors
    def encode(self, samples: Float[Tensor, "batch time channels"]) -> Float[Tensor, "batch latents frames rows"]:
        """Encode audio to unscaled latents. Extra channels are averaged; silence completes the last latent frame.

        Raises:
            SettingError: the tensor is not audio.
        """
        if samples.ndim != 3:
            raise SettingError(
                f"a tensor of {list(samples.shape)}",
                "audio",
                "Use VAE Encode Audio: this VAE encodes audio only.",
            )
        sound = Waveform(samples.movedim(-1, 1), self.grid.sample_rate)
        resident = self._resident(samples.shape[0] * samples.shape[1])
        latent = encode_sound(self.autoencoder, sound, self.grid, resident=resident)
        return self.memory.to_intermediate(latent.values / self.grid.latent_scale)

    def fit_preview(self) -> LatentPreview:
        """Fit a latent preview to this VAE."""
        frames = PROBE_FRAMES * self.grid.latent_factor
        with self._resident(frames * self.grid.hop)(self.autoencoder):
            return preview_of(self.autoencoder, self.grid)

    def decode_latent(self, latent: Latent) -> Waveform:
        """Decode scaled latents to audio on the intermediate device."""
        batch, _, frames, _ = latent.values.shape
        time = batch * frames * self.grid.latent_factor * self.grid.hop
        resident = self._resident(time)
        audio = vocode(self.vocoder, decode(self.autoencoder, latent, resident=resident), self.grid, resident=resident)
        return Waveform(self.memory.to_intermediate(audio.samples), audio.sample_rate)

    def _resident(self, samples: int) -> Resident:
        """The policy for both networks, with memory for that many audio samples."""
        working = samples * self.grid.channels // self.grid.hop * self.grid.mel_bins * BYTES_A_MEL_VALUE
        return lambda _: self.memory.resident(self.patcher, working=working)
