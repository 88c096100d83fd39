"""Where networks are while nodes work: in the hands of the host's memory manager or, without a host, on one device.

What the nodes do is written against :class:`Memory`, so that it runs, and is tested, without a running host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from PIL import Image
from torch import Tensor, nn

from ..art2mus_core.diffusion.denoiser import LatentDenoiser
from ..art2mus_core.networks.unet import UNet
from ..art2mus_core.types import AudioGrid, Denoiser, OnStep

__all__ = ["Memory", "Model", "Picture", "PlainMemory", "host_memory"]

Picture = Callable[[Tensor], Image.Image]
"""Draws one scaled latent, [1, channels, frames, rows], as the spectrogram it stands for."""


class Inside(Protocol):
    """What is known of a denoiser."""

    @property
    def grid(self) -> AudioGrid:
        """The checkpoint's sizes."""

    @property
    def schedule(self) -> Mapping[str, Any]:
        """The content of its `scheduler_config.json`."""

    @property
    def name(self) -> str:
        """The checkpoint's name."""

    @property
    def picture(self) -> Picture:
        """Draws its latents."""


class Memory(Protocol):
    """A memory policy for networks that outlive the work of one node."""

    @property
    def dtype(self) -> torch.dtype:
        """Precision of denoisers, language models and encoders."""

    def hold(self, networks: Mapping[str, nn.Module]) -> Any:  # noqa: ANN401  the host's ModelPatcher
        """Small networks as one thing that can be made resident."""

    def resident(self, held: Any, *, working: float = 0) -> AbstractContextManager[Any]:  # noqa: ANN401
        """Have them where they compute for the length of a block; `working` bytes are needed beside the weights."""

    def put_by(self, tensor: Tensor) -> Tensor:
        """A tensor in float32 where what travels between nodes is kept."""

    def model(self, unet: UNet, grid: AudioGrid, schedule: Mapping[str, Any], *, name: str, picture: Picture) -> Any:  # noqa: ANN401
        """MODEL of a denoiser."""

    def inside(self, model: Any) -> Inside:  # noqa: ANN401
        """What is known of a MODEL.

        Raises:
            SettingError: another family's model is connected.
        """

    def denoising(self, model: Any, pieces: int, frames: int) -> AbstractContextManager[tuple[Denoiser, torch.device]]:  # noqa: ANN401
        """A MODEL's denoiser, resident with room for so many pieces of so many latent frames, and where it computes."""

    def reporter(self, total: int, picture: Picture | None = None) -> OnStep:
        """An `on_step` that shows how far `total` steps are, and stops the work when a person wants it to stop."""


@dataclass(frozen=True)
class Model:
    """MODEL without a host."""

    unet: UNet
    grid: AudioGrid
    schedule: Mapping[str, Any]
    name: str
    picture: Picture


class PlainMemory:
    """Everything on one device, for good.

    Args:
        device: where.
        dtype: see :class:`Memory`.
    """

    def __init__(self, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        self.device, self.dtype = torch.device(device), dtype

    def hold(self, networks: Mapping[str, nn.Module]) -> nn.ModuleDict:
        return nn.ModuleDict(networks)

    @contextmanager
    def resident(self, held: nn.Module, *, working: float = 0) -> Iterator[torch.device]:  # noqa: ARG002
        held.to(self.device)
        yield self.device

    def put_by(self, tensor: Tensor) -> Tensor:
        return tensor.to("cpu", torch.float32)

    def model(self, unet: UNet, grid: AudioGrid, schedule: Mapping[str, Any], *, name: str, picture: Picture) -> Model:
        return Model(unet, grid, schedule, name, picture)

    def inside(self, model: Model) -> Model:
        return model

    @contextmanager
    def denoising(self, model: Model, pieces: int, frames: int) -> Iterator[tuple[Denoiser, torch.device]]:  # noqa: ARG002
        yield LatentDenoiser(model.unet.to(self.device)), self.device

    def reporter(self, total: int, picture: Picture | None = None) -> OnStep:  # noqa: ARG002
        return lambda _: None


def host_memory() -> Memory:
    """The host's; imported here, because its interfaces are there only while it runs."""
    from .host import HostMemory

    return HostMemory()
