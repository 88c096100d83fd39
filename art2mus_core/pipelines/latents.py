"""From what the denoiser is told to sound: the half that every route shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from torch import nn
from torch.nn import functional as F

from ..audio.level import finish
from ..audio.mel import MelTransform
from ..checkpoints.memory import allocating, available, check_memory
from ..checkpoints.names import locate
from ..diffusion.denoiser import LatentDenoiser
from ..diffusion.guidance import Guided
from ..diffusion.sampling import draw_noise, sample
from ..diffusion.schedules import schedule
from ..errors import SettingError
from ..networks.unet import UNet
from ..types import Condition, Latent, Mel, OnStep, Step, Waveform
from .prior import Networks
from .settings import Settings, check_seed, check_settings

__all__ = ["LatentToMusic", "Resident"]

Resident = Callable[[nn.Module], AbstractContextManager[Any]]
"""Keeps a network where it computes for the length of a `with` block: the caller's memory policy."""

Worked = TypeVar("Worked")
Route = TypeVar("Route", bound="LatentToMusic")


@dataclass(frozen=True)
class LatentToMusic:
    """What the denoiser is told in, one piece of music a seed out.

    Attributes:
        parts: the checkpoint.
        name: how the checkpoint was asked for.
        resident: the caller's memory policy; without one everything computes where it lies.
        frugal: whether a network is forgotten after its work.
    """

    parts: Networks
    name: str
    resident: Resident = nullcontext
    frugal: bool = False

    @classmethod
    def open(  # noqa: PYI019  beartype knows no Self in a class that it does not decorate
        cls: type[Route], name: str, find: Callable[[Path], Any], *, frugal: bool = False
    ) -> Route:
        """Open a checkpoint.

        Args:
            name: of the checkpoint, see :func:`~art2mus_core.checkpoints.names.locate`.
            find: its folder to its parts.
            frugal: open each network only for its work and forget it afterwards; done anyway where the memory does not
                hold them all.

        Raises:
            SettingError: no such checkpoint, or too little memory.
            CheckpointError: something in it is missing, damaged or does not fit.
        """
        with allocating(name):
            parts = find(locate(name))
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

        def work(unet: UNet) -> Latent:
            denoiser = Guided(LatentDenoiser(unet), negative, settings.guidance)
            return sample(denoiser, positive, noise.to(unet.conv_in.weight.device), levels, on_step=on_step)

        return self._work("unet", work, on_step, tell=False)

    def decode(self, latent: Latent, *, on_step: OnStep | None = None) -> Waveform:
        """From latents to sound, `hop` samples a mel frame."""
        return self.vocode(self.draw(latent, on_step=on_step), on_step=on_step)

    def draw(self, latent: Latent, *, on_step: OnStep | None = None) -> Mel:
        """From latents to mel spectrograms."""
        return self._work("autoencoder", lambda autoencoder: autoencoder.decode(latent), on_step)

    def encode(self, waveform: Waveform, *, on_step: OnStep | None = None) -> Latent:
        """From sound [B, 1, N] to the mean of its latents; silence fills its last latent frame.

        Raises:
            AudioError: a sound that is too short to have a spectrum.
        """
        grid = self.parts.grid
        missing = -waveform.samples.shape[-1] % (grid.hop * grid.latent_factor)
        mel = Mel(MelTransform(grid)(F.pad(waveform.samples[:, 0], (0, missing))))
        return self._work("autoencoder", lambda autoencoder: autoencoder.encode(mel), on_step)

    def vocode(self, mel: Mel, *, on_step: OnStep | None = None) -> Waveform:
        """From mel spectrograms to sound."""
        return self._work("vocoder", lambda vocoder: vocoder.vocode(mel), on_step)

    def _drawn(self, seeds: Sequence[int] | None, count: int, noun: str) -> list[int]:
        """A seed for each of `count` artworks or texts, 0 where none are given."""
        drawn = list(seeds) if seeds is not None else [0] * count
        if not count or len(drawn) != count:
            raise SettingError(
                f"{len(drawn)} seeds for {count} {noun}s", f"at least one {noun} and a seed for each", "Count them."
            )
        for seed in drawn:
            check_seed(seed)
        return drawn

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
