"""The stages after conditioning, shared by all routes that use latent diffusion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

from ..checkpoints.memory import allocating, available, check_memory
from ..diffusion.denoiser import LatentDenoiser
from ..errors import SettingError
from ..types import Condition, Latent, Mel, OnStep, Step, Waveform
from .parts import MUSIC, Choice, Parts, open_parts
from .settings import Settings, check_seed, check_settings
from .stages import Resident, decode, denoise, encode_sound, finished, vocode

__all__ = ["LatentToMusic"]

Route = TypeVar("Route", bound="LatentToMusic")


@dataclass(frozen=True)
class LatentToMusic:
    """Generates music from conditions, one piece per seed.

    Attributes:
        parts: the parts of the checkpoint.
        resident: the caller's memory policy; by default networks stay where they are.
        offload: whether a network is freed after its stage.
        NETWORKS: the networks of the route, in the order of its stages.
    """

    NETWORKS: ClassVar[tuple[str, ...]] = MUSIC

    parts: Parts
    resident: Resident = nullcontext
    offload: bool = False

    @classmethod
    def open(  # noqa: PYI019  beartype knows no Self in a class that it does not decorate
        cls: type[Route], choice: Choice, *, resident: Resident = nullcontext, offload: bool = False
    ) -> Route:
        """Open a checkpoint.

        Args:
            choice: its parts.
            resident: the caller's memory policy.
            offload: load each network only for its stage and free it afterwards; forced if the memory cannot hold all.

        Raises:
            SettingError: an unknown checkpoint or part, or too little memory.
            CheckpointError: a part is missing, damaged or does not match.
        """
        with allocating(choice.checkpoint):
            parts = open_parts(choice)
            cls._check(parts)
            parts.check()
            weights, free = parts.weights(cls.NETWORKS), available()
            check_memory(max(weights.values()), f"a network of {choice.checkpoint}", free=free)
            offload = offload or sum(weights.values()) > free
            for name in () if offload else weights:
                getattr(parts, name)
        return cls(parts, resident, offload)

    @classmethod
    def _check(cls, parts: Parts) -> None:
        """Check the parts that this route needs besides a prior."""

    def settings(self, **chosen: Any) -> Settings:  # noqa: ANN401
        """The checkpoint's default settings, replaced by those that are given and not None.

        Raises:
            SettingError: a value outside its range.
        """
        return replace(self.parts.defaults, **check_settings(**chosen))

    def perform(
        self,
        conditions: tuple[Condition, Condition],
        settings: Settings,
        seeds: Sequence[int],
        *,
        on_step: OnStep | None = None,
    ) -> list[Waveform]:
        """Finished pieces for (positive, negative) conditions, one per seed."""
        latent = self.denoise(*conditions, settings, seeds, on_step=on_step)
        sound, grid = self.decode(latent, on_step=on_step), self.parts.grid
        return finished(sound, grid, settings.seconds, levelled=settings.level, plans=latent.plans)

    def denoise(
        self,
        positive: Condition,
        negative: Condition,
        settings: Settings,
        seeds: Sequence[int],
        *,
        on_step: OnStep | None = None,
    ) -> Latent:
        """Draw the noise of each seed and denoise it to a latent."""
        grid, levels = self.parts.grid, self.parts.schedule
        with self._using("unet", on_step, report=False) as unet, self.resident(unet):
            device = unet.conv_in.weight.device
            inputs = LatentDenoiser(unet), positive, negative
            fixed: dict[str, Any] = {
                "grid": grid,
                "levels": levels,
                "device": device,
                "plan_model": self.parts.plan_model,
            }
            return denoise(*inputs, settings, seeds, **fixed, on_step=on_step)

    def decode(self, latent: Latent, *, on_step: OnStep | None = None) -> Waveform:
        """Decode latents to sound, `hop` samples per mel frame."""
        mel = self.to_mel(latent, on_step=on_step)
        with self._using("vocoder", on_step) as vocoder:
            return vocode(vocoder, mel, self.parts.grid, resident=self.resident)

    def to_mel(self, latent: Latent, *, on_step: OnStep | None = None) -> Mel:
        """Decode latents to mel spectrograms."""
        with self._using("autoencoder", on_step) as autoencoder:
            return decode(autoencoder, latent, resident=self.resident)

    def encode(self, waveform: Waveform, *, on_step: OnStep | None = None) -> Latent:
        """Encode sound to the mean of its latents; see :func:`~art2mus_core.pipelines.stages.encode_sound`.

        Raises:
            AudioError: a sound too short for a spectrum.
        """
        with self._using("autoencoder", on_step) as autoencoder:
            return encode_sound(autoencoder, waveform, self.parts.grid, resident=self.resident)

    def _seeds(self, seeds: Sequence[int] | None, count: int, noun: str) -> list[int]:
        """A seed for each of `count` artworks or texts, by default 0."""
        drawn = list(seeds) if seeds is not None else [0] * count
        if not count or len(drawn) != count:
            raise SettingError(
                f"{len(drawn)} seeds for {count} {noun}s",
                f"at least one {noun} and a seed for each",
                "Pass one seed for each.",
            )
        for seed in drawn:
            check_seed(seed)
        return drawn

    @contextmanager
    def _using(self, name: str, on_step: OnStep | None, *, report: bool = True) -> Iterator[Any]:
        """A part for the length of a stage; it is loaded before and, with `offload`, freed afterwards."""
        loaded = self.parts.is_open(name)
        with allocating(f"{self.parts.choice.checkpoint}'s {name.replace('_', ' ')}"):
            part = getattr(self.parts, name)
            if on_step and not loaded:
                on_step(Step(f"open {name}", 1, 1))
            yield part
        if self.offload and name in (*MUSIC, "encoder", "audio_encoder"):
            self.parts.release(name)
        if on_step and report:
            on_step(Step(name, 1, 1))
