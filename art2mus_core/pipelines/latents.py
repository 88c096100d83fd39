"""The stages after conditioning, shared by all routes that use latent diffusion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch

from ..checkpoints.memory import check_memory
from ..diffusion.denoiser import LatentDenoiser
from ..diffusion.schedules import STUDENT
from ..types import Condition, Latent, Mel, OnStep, Waveform
from .choice import Choice
from .opening import Route
from .parts import MUSIC, Parts, open_parts
from .peaks import working_memory
from .presets import INSTANT, of_preset
from .settings import Settings, check_settings
from .stages import decode, denoise, encode_sound, finished, vocode

__all__ = ["LatentToMusic"]


@dataclass(frozen=True)
class LatentToMusic(Route):
    """Generates music from conditions, one piece per seed."""

    NETWORKS: ClassVar[tuple[str, ...]] = MUSIC
    FREED: ClassVar[tuple[str, ...]] = (*MUSIC, "student", "encoder", "audio_encoder")

    parts: Parts

    @classmethod
    def _networks(cls, choice: Choice) -> tuple[str, ...]:
        of = {"unet": "student"} if choice.preset == INSTANT else {}
        return tuple(of.get(name, name) for name in cls.NETWORKS)

    @classmethod
    def _checked(cls, choice: Choice) -> Parts:
        parts = open_parts(choice)
        cls._check(parts)
        parts.check()
        return parts

    @classmethod
    def _check(cls, parts: Parts) -> None:
        """Check the parts that this route needs besides a prior."""

    def settings(self, **chosen: Any) -> Settings:  # noqa: ANN401
        """The checkpoint's settings of a `preset`, by default `balanced`, replaced by those that are given and not None.

        Raises:
            SettingError: a value outside its range, or a preset that the checkpoint does not have.
        """
        given = check_settings(**chosen)
        return replace(of_preset(self.parts.presets, given.get("preset"), self.parts.folder.name), **given)

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
        network = "student" if settings.solver == STUDENT else "unet"
        with self._using(network, on_step, report=False) as unet, self.resident(unet):
            device = unet.conv_in.weight.device
            self._check_memory(settings.seconds, len(seeds), device)
            inputs = LatentDenoiser(unet), positive, negative
            fixed: dict[str, Any] = {
                "grid": grid,
                "levels": levels,
                "device": device,
                "plan_model": self.parts.plan_model,
            }
            return denoise(*inputs, settings, seeds, **fixed, on_step=on_step)

    def working(self, seconds: float, count: int) -> dict[str, int]:
        """Bytes besides weights that `count` pieces of a length need, by stage from denoising on."""
        parts = self.parts
        return working_memory(parts.folder, parts.grid, seconds, count, parts.precision)

    def predicted(self, seconds: float, count: int) -> int:
        """Bytes that `count` pieces of a length need beside the open networks, in the stage from denoising on that needs most."""
        rest = [name for name in ("autoencoder", "vocoder") if not self.parts.is_open(name)]
        working, weights = self.working(seconds, count), self.parts.weights(rest)
        if self.offload:
            return max(size + weights.get(name, 0) for name, size in working.items())
        return max(working.values()) + sum(weights.values())

    def _check_memory(self, seconds: float, count: int, device: torch.device) -> None:
        """Check that pieces of a length fit into the memory of a device, before the first step.

        Raises:
            SettingError: they do not.
        """
        if device.type not in ("cpu", "cuda"):
            return
        free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None
        what = f"composing {count} x {seconds:g} s at once" if count > 1 else f"composing {seconds:g} s"
        check_memory(self.predicted(seconds, count), what, free=free)

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
