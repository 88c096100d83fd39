"""The diffusion route: ArtToMus (arXiv 2602.17599) on AudioLDM2's classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from diffusers.pipelines.audioldm2.modeling_audioldm2 import AudioLDM2UNet2DConditionModel
from torch import nn

from ..audio.level import finish
from ..checkpoints.memory import allocating, available, check_memory
from ..checkpoints.names import locate
from ..conditioning.constants import conditions
from ..conditioning.language import roll_out
from ..diffusion.denoiser import LatentDenoiser
from ..diffusion.guidance import Guided
from ..diffusion.sampling import draw_noise, sample
from ..diffusion.schedules import schedule
from ..errors import SettingError
from ..types import Artwork, AudioEncoder, Condition, Embedding, Latent, Mel, OnStep, Step, Waveform
from .assembly import Choice, Parts, assemble
from .settings import Settings, check_seed, check_settings
from .texts import read_words
from .words import Said, Words

__all__ = ["ArtToMusic", "Resident"]

Resident = Callable[[nn.Module], AbstractContextManager[Any]]
"""Keeps a network where it computes for the length of a `with` block: the caller's memory policy."""

Worked = TypeVar("Worked")


@dataclass(frozen=True)
class ArtToMusic:
    """Artworks in, one piece of music each out.

    Attributes:
        parts: the checkpoint.
        name: how the checkpoint was asked for.
        resident: the caller's memory policy; without one everything computes where it lies.
        frugal: whether a network is forgotten after its work.
    """

    parts: Parts
    name: str
    resident: Resident = nullcontext
    frugal: bool = False

    @classmethod
    def load(cls, name: str, choice: Choice | None = None, *, frugal: bool = False) -> ArtToMusic:
        """Open a checkpoint; see :func:`art2mus_core.pipelines.load`."""
        with allocating(name):
            parts = assemble(locate(name), choice or Choice())
            weights, free = parts.weights().values(), available()
            check_memory(max(weights), f"a network of {name}", free=free)
            frugal = frugal or (free is not None and sum(weights) > free)
            if not frugal:
                parts.open()
        return cls(parts, name, frugal=frugal)

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
        said: Said | None = None,
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
            said: words to go with the artworks, from :meth:`read`.
            on_step: told after every denoising step, and after every other stage.

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
            embedding = self.embed(artworks, on_step=on_step)
            told = self.condition(embedding, said, on_step=on_step)
            return self.perform(told, settings, drawn, on_step=on_step)

    def embed(self, artworks: Sequence[Artwork], *, on_step: OnStep | None = None) -> Embedding:
        """What the encoder says of artworks."""
        return self._work("encoder", lambda encoder: encoder.encode(list(artworks)), on_step)

    def read(self, words: Words, *, on_step: OnStep | None = None) -> Said:
        """What the checkpoint's text encoders make of words; once for any number of artworks.

        Raises:
            SettingError: a text beside an encoder whose embedding is not as wide as T5's states.
            CheckpointError: the checkpoint has no text encoders, or they are damaged.
        """
        parts = self.parts
        with torch.inference_mode():
            return read_words(
                parts.folder,
                words,
                parts.constants,
                dim=parts.aligner.dim,
                dtype=parts.dtype,
                resident=self.resident,
                on_step=on_step,
            )

    def condition(
        self, embedding: Embedding, said: Said | None = None, *, on_step: OnStep | None = None
    ) -> tuple[Condition, Condition]:
        """What the denoiser is told of the artworks behind an embedding, and of none."""
        prompt = self._work("aligner", lambda aligner: aligner.align(embedding), on_step)
        length = self.parts.grid.language_tokens
        if said:
            both = said.beside(prompt, embedding)
            return self._work("language_model", lambda model: both.conditions(model, length), on_step)
        language = self._work("language_model", lambda model: roll_out(model, prompt, length), on_step)
        return conditions(language, self.parts.constants)

    def perform(
        self,
        told: tuple[Condition, Condition],
        settings: Settings,
        seeds: Sequence[int],
        *,
        on_step: OnStep | None = None,
    ) -> list[Waveform]:
        """Finished pieces of what the denoiser is told, one a seed."""
        latent = self.denoise(*told, settings, seeds, on_step=on_step)
        waveform = self.decode(latent, on_step=on_step)
        exact = waveform.samples[..., : self.parts.grid.samples(settings.seconds)].float().cpu()
        return [finish(Waveform(piece[None], waveform.sample_rate)) for piece in exact]

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
        levels = schedule(self.parts.schedule, settings.solver, settings.steps)
        noise = draw_noise(self.parts.grid.latent_shape(settings.seconds), seeds)

        def work(unet: AudioLDM2UNet2DConditionModel) -> Latent:
            denoiser = Guided(LatentDenoiser(unet), negative, settings.guidance)
            return sample(denoiser, positive, noise.to(unet.device), levels, on_step=on_step)

        return self._work("unet", work, on_step, tell=False)

    def decode(self, latent: Latent, *, on_step: OnStep | None = None) -> Waveform:
        """From latents to sound, `hop` samples a mel frame."""
        return self.vocode(self.draw(latent, on_step=on_step), on_step=on_step)

    def draw(self, latent: Latent, *, on_step: OnStep | None = None) -> Mel:
        """From latents to mel spectrograms."""
        return self._work("autoencoder", lambda autoencoder: autoencoder.decode(latent), on_step)

    def vocode(self, mel: Mel, *, on_step: OnStep | None = None) -> Waveform:
        """From mel spectrograms to sound."""
        return self._work("vocoder", lambda vocoder: vocoder.vocode(mel), on_step)

    def score(self, embedding: Embedding, pieces: Sequence[Waveform], *, on_step: OnStep | None = None) -> list[float]:
        """How much each piece sounds like one artwork: cosines in the encoder's space."""

        def work(listener: AudioEncoder) -> list[float]:
            heard = torch.cat([listener.encode(piece).values for piece in pieces])
            return torch.cosine_similarity(heard.float(), embedding.values.to(heard.device).float()).tolist()

        return self._work("listener", work, on_step)

    def _work(self, name: str, work: Callable[[Any], Worked], on_step: OnStep | None, *, tell: bool = True) -> Worked:
        """Have a network do its work where the caller wants it; `tell` when it is done. No name here outlives the call."""
        opened = not self.parts.is_open(name)
        with allocating(f"{self.name}'s {name.replace('_', ' ')}"):
            network = getattr(self.parts, name)
            if opened and on_step:
                on_step(Step(f"open {name}", 1, 1))
            with self.resident(network):
                done = work(network)
        if self.frugal:
            self.parts.release(name)
        if on_step and tell:
            on_step(Step(name, 1, 1))
        return done
