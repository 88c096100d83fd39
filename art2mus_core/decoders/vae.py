"""The VAE: mel spectrograms to latents and back."""

from __future__ import annotations

import torch
from torch import nn

from ..networks.autoencoder import Autoencoder
from ..networks.stretches import decoded
from ..types import Latent, Mel

__all__ = ["MelAutoencoder"]


class MelAutoencoder(nn.Module):
    """Log-mel [B * channels, T, bins] to scaled latents [B, C, T / factor, bins / factor] and back.

    Args:
        vae: the network.
        scale: factor of its latents, `AudioGrid.latent_scale`.
    """

    def __init__(self, vae: Autoencoder, scale: float) -> None:
        super().__init__()
        self.vae, self.scale, self.channels = vae, scale, vae.config["in_channels"]

    def decode(self, latent: Latent) -> Mel:
        """[B, C, frames, rows] to [B * channels, frames * factor, rows * factor], one piece after the other, in little memory."""
        values = latent.values.to(next(self.vae.parameters())) / self.scale
        return Mel(torch.cat([decoded(self.vae, piece).float() for piece in values.split(1)]).flatten(0, 1))

    def encode(self, mel: Mel, generator: torch.Generator | None = None) -> Latent:
        """The mean of each mel's latent or, with a generator, a sample; T and bins must be multiples of the factor."""
        values = mel.values.to(next(self.vae.parameters())).unflatten(0, (-1, self.channels))
        posterior = self.vae.encode(values)
        return Latent((posterior.sample(generator) if generator else posterior.mean).float() * self.scale)
