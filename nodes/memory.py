"""The memory policy of the nodes' networks, as a protocol that the host's memory manager implements.

:mod:`.assembly` and :mod:`.vae` depend on the protocol only, so that they run and are tested without ComfyUI.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from PIL import Image
from torch import Tensor, nn

from ..art2mus_core.conditioning.plan import PlanModel
from ..art2mus_core.interfaces import Denoiser
from ..art2mus_core.networks.unet import UNet
from ..art2mus_core.pipelines.presets import CUSTOM, of_preset
from ..art2mus_core.pipelines.settings import Settings
from ..art2mus_core.types import AudioGrid, OnStep

__all__ = ["DenoiserInfo", "Memory", "Preview", "host_memory"]

Preview = Callable[[Tensor], Image.Image]
"""Draws one scaled latent, [1, channels, frames, rows], as a spectrogram."""


@dataclass(frozen=True)
class DenoiserInfo:
    """Facts about the denoiser in a MODEL.

    Attributes:
        name: name of the checkpoint.
        grid: sizes of the checkpoint.
        schedule: content of its `scheduler_config.json`.
        preview: draws its latents.
        plan_model: reads tempo, key and band of a piece, if the denoiser has a plan.
        presets: settings of the checkpoint by preset.
        student: the file of its student, if it has one.
    """

    name: str
    grid: AudioGrid
    schedule: Mapping[str, Any]
    preview: Preview
    plan_model: PlanModel | None = None
    presets: Mapping[str, Settings] = field(default_factory=dict)
    student: Path | None = None

    def resolved(self, asked: Settings) -> Settings:
        """The settings that a node asks for: steps and guidance of their preset if they name one, else their own.

        Raises:
            SettingError: the checkpoint has no such preset.
        """
        if asked.preset == CUSTOM:
            return asked
        found = of_preset(self.presets, asked.preset, self.name)
        kept = {name: getattr(asked, name) for name in ("seconds", "shared_noise", "level", "reprise")}
        return replace(found, **kept)


class Memory(Protocol):
    """A memory policy for networks that are used by several nodes."""

    @property
    def dtype(self) -> torch.dtype:
        """Number format of denoisers, language models and encoders."""

    def manage(self, networks: Mapping[str, nn.Module]) -> Any:  # noqa: ANN401  the host's ModelPatcher
        """Put small networks under memory management, as one object for :meth:`resident`."""

    def resident(self, managed: Any, *, working: float = 0) -> AbstractContextManager[Any]:  # noqa: ANN401
        """Load managed networks for a `with` block that needs `working` more bytes."""

    def to_intermediate(self, tensor: Tensor) -> Tensor:
        """A float32 copy on the device where values that travel between nodes are kept."""

    def model(self, unet: UNet, info: DenoiserInfo) -> Any:  # noqa: ANN401
        """Wrap a denoiser as MODEL."""

    def info(self, model: Any) -> DenoiserInfo:  # noqa: ANN401
        """Facts about a MODEL.

        Raises:
            SettingError: it is not an Art2Mus model.
        """

    def as_student(self, model: Any) -> Any:  # noqa: ANN401
        """A MODEL whose denoiser is its student, without another copy of its weights."""

    def denoising(self, model: Any, pieces: int, frames: int) -> AbstractContextManager[tuple[Denoiser, torch.device]]:  # noqa: ANN401
        """Load a MODEL's denoiser, with room for that many pieces and latent frames; yields it and its device."""

    def reporter(self, total: int, *, preview: Preview | None = None, amount: Callable[[int], str] = str) -> OnStep:
        """An `on_step` that shows progress and raises when the user cancels.

        Args:
            total: number of steps.
            preview: draws a step's clean latent.
            amount: formats a number of steps.
        """


def host_memory() -> Memory:
    """The host's memory manager. Imported here, because its modules exist only in a running host."""
    from .host import HostMemory

    return HostMemory()
