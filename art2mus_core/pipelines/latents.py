"""From what the denoiser is told to sound: the half that every route over latent diffusion shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

from ..checkpoints.memory import allocating, available, check_memory
from ..diffusion.denoiser import LatentDenoiser
from ..errors import SettingError
from ..networks.unet import UNet
from ..types import Condition, Latent, Mel, OnStep, Step, Waveform
from .parts import MUSIC, Choice, Parts, open_parts
from .settings import Settings, check_seed, check_settings
from .stages import Resident, decode, denoise, encode_sound, finished, vocode

__all__ = ["LatentToMusic"]

Worked = TypeVar("Worked")
Route = TypeVar("Route", bound="LatentToMusic")


@dataclass(frozen=True)
class LatentToMusic:
    """What the denoiser is told in, one piece of music a seed out.

    Attributes:
        parts: the checkpoint.
        resident: the caller's memory policy; without one everything computes where it lies.
        frugal: whether a network is forgotten after its work.
        NETWORKS: which are opened, in the order of their work.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = MUSIC

    parts: Parts
    resident: Resident = nullcontext
    frugal: bool = False

    @classmethod
    def open(  # noqa: PYI019  beartype knows no Self in a class that it does not decorate
        cls: type[Route], choice: Choice, *, resident: Resident = nullcontext, frugal: bool = False
    ) -> Route:
        """Open a checkpoint.

        Args:
            choice: of its parts.
            resident: the caller's memory policy.
            frugal: open each network only for its work and forget it afterwards; done anyway where the memory does not
                hold them all.

        Raises:
            SettingError: no such checkpoint or part, or too little memory.
            CheckpointError: something in it is missing, damaged or does not fit.
        """
        with allocating(choice.checkpoint):
            parts = open_parts(choice)
            cls._check(parts)
            parts.check()
            weights, free = parts.weights(cls.NETWORKS), available()
            check_memory(max(weights.values()), f"a network of {choice.checkpoint}", free=free)
            frugal = frugal or (free is not None and sum(weights.values()) > free)
            for name in () if frugal else weights:
                getattr(parts, name)
        return cls(parts, resident, frugal)

    @classmethod
    def _check(cls, parts: Parts) -> None:
        """Check what this route needs beside a prior."""

    @property
    def name(self) -> str:
        """How the checkpoint was asked for."""
        return self.parts.choice.checkpoint

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
        return finished(self.decode(latent, on_step=on_step), self.parts.grid, settings.seconds)

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

        def work(unet: UNet, resident: Resident) -> Latent:
            with resident(unet):
                device = unet.conv_in.weight.device
                told = LatentDenoiser(unet), positive, negative
                grid, levels = self.parts.grid, self.parts.schedule
                return denoise(*told, settings, seeds, grid=grid, levels=levels, device=device, on_step=on_step)

        return self._work("unet", work, on_step, tell=False)

    def decode(self, latent: Latent, *, on_step: OnStep | None = None) -> Waveform:
        """From latents to sound, `hop` samples a mel frame."""
        return self.vocode(self.draw(latent, on_step=on_step), on_step=on_step)

    def draw(self, latent: Latent, *, on_step: OnStep | None = None) -> Mel:
        """From latents to mel spectrograms."""
        return self._work("autoencoder", lambda network, resident: decode(network, latent, resident=resident), on_step)

    def encode(self, waveform: Waveform, *, on_step: OnStep | None = None) -> Latent:
        """From sound to the mean of its latents; see :func:`~art2mus_core.pipelines.stages.encode_sound`.

        Raises:
            AudioError: a sound that is too short to have a spectrum.
        """
        grid = self.parts.grid
        return self._work(
            "autoencoder", lambda network, resident: encode_sound(network, waveform, grid, resident=resident), on_step
        )

    def vocode(self, mel: Mel, *, on_step: OnStep | None = None) -> Waveform:
        """From mel spectrograms to sound."""
        grid = self.parts.grid
        return self._work("vocoder", lambda network, resident: vocode(network, mel, grid, resident=resident), on_step)

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

    def _work(
        self, name: str, work: Callable[[Any, Resident], Worked], on_step: OnStep | None, *, tell: bool = True
    ) -> Worked:
        """Have a part do its work under the caller's policy; `tell` when it is done. No name here outlives the call."""
        opened = not self.parts.is_open(name)
        with allocating(f"{self.name}'s {name.replace('_', ' ')}"):
            network = getattr(self.parts, name)
            if opened and on_step:
                on_step(Step(f"open {name}", 1, 1))
            done = work(network, self.resident)
        if self.frugal and name in (*MUSIC, "encoder", "listener"):
            self.parts.release(name)
        if on_step and tell:
            on_step(Step(name, 1, 1))
        return done
