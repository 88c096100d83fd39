"""The diffusion route: ArtToMus (arXiv 2602.17599) on AudioLDM2's classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from ..audio.level import finish
from ..checkpoints.names import locate
from ..conditioning.constants import conditions
from ..conditioning.language import roll_out
from ..diffusion.denoiser import LatentDenoiser
from ..diffusion.guidance import Guided
from ..diffusion.sampling import draw_noise, sample
from ..diffusion.schedules import schedule
from ..errors import SettingError
from ..types import Artwork, Condition, Latent, Mel, OnStep, Waveform
from .assembly import Parts, assemble
from .settings import Settings, check_seed, check_settings

__all__ = ["ArtToMusic", "Resident"]

Resident = Callable[[nn.Module], AbstractContextManager[Any]]
"""Keeps a network where it computes for the length of a `with` block: the caller's memory policy."""


@dataclass(frozen=True)
class ArtToMusic:
    """Artworks in, one piece of music each out.

    Attributes:
        parts: the loaded checkpoint.
        name: how the checkpoint was asked for.
        resident: the caller's memory policy; without one everything computes where it lies.
    """

    parts: Parts
    name: str
    resident: Resident = nullcontext

    @classmethod
    def load(cls, name: str, *, aligner: str = "model", dtype: torch.dtype | None = None) -> ArtToMusic:
        """Open a checkpoint; see :func:`art2mus_core.pipelines.load`."""
        return cls(assemble(locate(name), aligner=aligner, dtype=dtype or torch.float32), name)

    @property
    def defaults(self) -> Settings:
        """Settings that suit this checkpoint."""
        return self.parts.defaults

    def settings(self, **chosen: Any) -> Settings:  # noqa: ANN401
        """The checkpoint's defaults with what was chosen, None meaning not chosen.

        Raises:
            SettingError: a value outside its range.
        """
        return replace(self.defaults, **check_settings(**chosen))

    def compose(
        self,
        artworks: Sequence[Artwork],
        *,
        seconds: float | None = None,
        seeds: Sequence[int] | None = None,
        steps: int | None = None,
        guidance: float | None = None,
        solver: str | None = None,
        on_step: OnStep | None = None,
    ) -> list[Waveform]:
        """Music for artworks, all in one batch; what is not given is the checkpoint's default.

        A piece depends on its artwork, its seed and the settings, not on what else is in the batch (but for the last
        bits of floating-point sums).

        Args:
            artworks: one or more.
            seconds: length of every piece, 1 to 60.
            seeds: one an artwork, 0 each if none are given.
            steps: denoising steps.
            guidance: how far the music is pushed from music of no artwork.
            solver: name of the schedule.
            on_step: told after every denoising step.

        Returns:
            One waveform [1, 1, N] an artwork, N = `AudioGrid.samples(seconds)`.

        Raises:
            SettingError: a value outside its range, no artworks, or not a seed for each.
        """
        settings = self.settings(seconds=seconds, steps=steps, guidance=guidance, solver=solver)
        drawn = list(seeds) if seeds is not None else [0] * len(artworks)
        if not artworks or len(drawn) != len(artworks):
            raise SettingError(
                f"{len(drawn)} seeds for {len(artworks)} artworks",
                "at least one artwork and a seed for each",
                "Count them.",
            )
        for seed in drawn:
            check_seed(seed)
        with torch.inference_mode():
            positive, negative = self.condition(artworks)
            latent = self.denoise(positive, negative, settings, drawn, on_step=on_step)
            waveform = self.decode(latent)
        exact = waveform.samples[..., : self.parts.grid.samples(settings.seconds)].float().cpu()
        return [finish(Waveform(piece[None], waveform.sample_rate)) for piece in exact]

    def condition(self, artworks: Sequence[Artwork]) -> tuple[Condition, Condition]:
        """What the denoiser is told of the artworks, and of none."""
        parts = self.parts
        with self.resident(parts.encoder):
            embedding = parts.encoder.encode(list(artworks))
        with self.resident(parts.aligner):
            prompt = parts.aligner.align(embedding)
        with self.resident(parts.language_model):
            language = roll_out(parts.language_model, prompt, parts.grid.language_tokens)
        return conditions(language, parts.constants)

    def denoise(
        self,
        positive: Condition,
        negative: Condition,
        settings: Settings,
        seeds: Sequence[int],
        *,
        on_step: OnStep | None = None,
    ) -> Latent:
        """From each seed's noise to a latent."""
        parts = self.parts
        levels = schedule(parts.schedule, settings.solver, settings.steps)
        noise = draw_noise(parts.grid.latent_shape(settings.seconds), seeds)
        with self.resident(parts.unet):
            denoiser = Guided(LatentDenoiser(parts.unet), negative, settings.guidance)
            return sample(denoiser, positive, noise.to(parts.unet.device), levels, on_step=on_step)

    def decode(self, latent: Latent) -> Waveform:
        """From latents to sound, `hop` samples a mel frame."""
        return self.vocode(self.draw(latent))

    def draw(self, latent: Latent) -> Mel:
        """From latents to mel spectrograms."""
        with self.resident(self.parts.autoencoder):
            return self.parts.autoencoder.decode(latent)

    def vocode(self, mel: Mel) -> Waveform:
        """From mel spectrograms to sound."""
        with self.resident(self.parts.vocoder):
            return self.parts.vocoder.vocode(mel)
