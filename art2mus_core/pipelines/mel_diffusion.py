"""The mel decoder by diffusion: our step beyond Art2Music's regression, which answers many possible pieces by their mean.

A regression of music that is drawn at random learns the average of all pieces that fit: chords without attacks. Here tempo, key and
band are read from the fused embedding and drawn, as in the route by AudioLDM 2, and a transformer denoises latents of a codec.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..audio.normalisation import MelNormalisation
from ..conditioning.plan import PlanModel
from ..diffusion.guidance import Guided
from ..diffusion.levels import count_levels
from ..diffusion.plan import METRE_CHANNELS, metre_channels
from ..diffusion.sampling import draw_noise
from ..networks.mel_codec import CodecDecoder, codec_factor
from ..networks.mel_transformer import MelTransformer
from ..types import AudioGrid, Condition, Fused, Latent, Mel, OnStep
from .settings import Settings
from .stages import denoise_noise

__all__ = ["DiffusionMelDecoder", "MelDenoiser"]


class MelDenoiser:
    """The transformer as a :class:`~art2mus_core.interfaces.Denoiser` of latents [B, C, frames, 1].

    Args:
        network: the transformer.
        timesteps: number of noise levels of its training.
    """

    def __init__(self, network: MelTransformer, timesteps: int) -> None:
        self.network, self.timesteps = network, timesteps

    def __call__(
        self, x: Float[Tensor, "batch channels frames 1"], t: Int[Tensor, "*batch"], condition: Condition
    ) -> Float[Tensor, "batch channels frames 1"]:
        there, frames = condition.to(self.network.leave.weight), x[..., 0].mT.to(self.network.leave.weight)
        count, length = frames.shape[:2]
        if there.plan is None:
            metre = frames.new_zeros(count, length, METRE_CHANNELS)
            played = torch.full((2, count), -1, device=frames.device)
        else:
            metre = metre_channels(there.plan, length).mT.to(frames)
            played = torch.stack([there.plan.key, there.plan.band]).long()
        share = (t.to(frames) / self.timesteps).expand(count)
        return self.network(frames, share, there.language[:, 0], metre, played).mT[..., None].to(x)


class DiffusionMelDecoder(nn.Module):
    """Draws a mel.

    Args:
        network: denoiser of standardised latents; its configuration has the noise levels, `scheduler`.
        codec: latents to normalised mels.
        plan_model: reads tempo, key and band from the fused embedding.
        normalisation: undone after the codec.
        grid: of the mel.
    """

    drawn = True

    def __init__(
        self,
        network: MelTransformer,
        codec: CodecDecoder,
        plan_model: PlanModel,
        normalisation: MelNormalisation,
        grid: AudioGrid,
    ) -> None:
        super().__init__()
        self.network, self.codec, self.plan_model = network, codec, plan_model
        self.normalisation, self.grid = normalisation, grid
        self.levels: dict[str, Any] = network.config["scheduler"]
        self.max_frames: int | None = network.config["max_frames"]
        self.factor = codec_factor(codec.config)

    def decode(
        self, fused: Fused, frames: int, seeds: Sequence[int], settings: Settings, *, on_step: OnStep | None = None
    ) -> Mel:
        """One mel per fused embedding and seed; without a neutral embedding there is no guidance."""
        latent = self.draw(fused, frames, seeds, settings, on_step=on_step)
        return replace(self.to_mel(latent, frames), plans=latent.plans)

    def draw(
        self, fused: Fused, frames: int, seeds: Sequence[int], settings: Settings, *, on_step: OnStep | None = None
    ) -> Latent:
        """The standardised latent of whole pieces, with their plans."""
        rate, device = self.grid.sample_rate / self.grid.hop / self.factor, self.network.leave.weight.device
        noise = draw_noise((self.codec.config["latent_dim"], -(-frames // self.factor), 1), seeds)
        positive = Condition(fused.values[:, None])
        negative = positive if fused.neutral is None else Condition(fused.neutral[:, None]).repeated(len(seeds))
        denoiser = MelDenoiser(self.network, self.levels["num_train_timesteps"])
        scale = settings.guidance if fused.neutral is not None else 1.0
        guided = Guided(denoiser, negative, scale, settings.guided_below * count_levels(self.levels))
        fixed: dict[str, Any] = {"rate": rate, "levels": self.levels, "device": device, "plan_model": self.plan_model}
        return denoise_noise(guided, positive, noise, settings, **fixed, on_step=on_step)

    def to_mel(self, latent: Latent, frames: int) -> Mel:
        """Mels of the first `frames` of standardised latents."""
        values = latent.values[..., 0].mT.to(self.codec.mean) * self.codec.std + self.codec.mean
        return Mel(self.normalisation.undo(self.codec(values)[:, :frames]))
