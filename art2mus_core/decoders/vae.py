"""AudioLDM2's VAE: mel spectrograms to latents and back."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from torch import nn

from ..types import Latent, Mel

__all__ = ["MelAutoencoder", "build_vae"]


def build_vae(config: dict[str, Any]) -> AutoencoderKL:
    """The VAE of a configuration file."""
    return AutoencoderKL.from_config(config)


class MelAutoencoder(nn.Module):
    """Log-mel [B, T, bins] to scaled latents [B, C, T / factor, bins / factor] and back.

    Args:
        vae: the network.
        scale: what its samples are multiplied by, `AudioGrid.latent_scale`.
    """

    def __init__(self, vae: AutoencoderKL, scale: float) -> None:
        super().__init__()
        self.vae, self.scale = vae, scale

    def decode(self, latent: Latent) -> Mel:
        """[B, C, frames, rows] to [B, frames * factor, rows * factor]."""
        values = latent.values.to(next(self.vae.parameters())) / self.scale
        return Mel(self.vae.decode(values, return_dict=False)[0][:, 0])

    def encode(self, mel: Mel, generator: torch.Generator | None = None) -> Latent:
        """The mean of a mel's latent or, with a generator, a sample; T and bins are multiples of the factor."""
        values = mel.values.to(next(self.vae.parameters()))[:, None]
        posterior = self.vae.encode(values, return_dict=False)[0]
        return Latent((posterior.sample(generator) if generator else posterior.mode()) * self.scale)
