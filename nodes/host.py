"""The one file that touches ComfyUI's private interfaces; written for 0.15.0 and later, checked on 0.33.

Whatever holds weights is put into one of the host's patchers, so that its memory manager loads and frees it, and is made
of the host's layers, so that it can stay partly in main memory.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeAlias

import comfy.conds
import comfy.latent_formats
import comfy.model_base
import comfy.model_management as memory
import comfy.model_patcher
import comfy.ops
import comfy.supported_models_base
import comfy.utils
import comfy_execution.utils as execution_context
import numpy as np
import torch
from comfy.cli_args import args
from comfy_execution.progress import get_progress_state
from comfyui_version import __version__ as version
from server import PromptServer
from torch import Tensor, nn

from ..art2mus_core.checkpoints.memory import is_shortage
from ..art2mus_core.checkpoints.precision import imitates
from ..art2mus_core.errors import Art2MusError, CheckpointError, SettingError
from ..art2mus_core.networks.unet import UNet
from ..art2mus_core.types import AudioGrid, OnStep, Step
from .checks import require_conditioning, require_latent
from .denoiser import CoreDenoiser, HostUNet
from .failures import telling
from .memory import Picture
from .progress import Clock

__all__ = [
    "HostMemory",
    "HostModel",
    "art2mus_model",
    "diffusion_model",
    "keeps_metadata",
    "patcher",
    "precision",
    "reporter",
    "require_version",
    "resident",
]

Model: TypeAlias = comfy.model_patcher.ModelPatcher
"""What MODEL carries."""

BETWEEN_PICTURES = 0.3
"""Seconds in which at most one picture is sent."""

OLDEST = (0, 15, 0)

LAYERS = {
    getattr(nn, name): getattr(comfy.ops.disable_weight_init, name)
    for name in ("Linear", "Conv1d", "Conv2d", "ConvTranspose1d", "GroupNorm", "LayerNorm", "Embedding")
}
"""torch's layers and the host's, which compute the same but can be streamed in from main memory."""

PREDICTIONS = {
    "epsilon": comfy.model_base.ModelType.EPS,
    "v_prediction": comfy.model_base.ModelType.V_PREDICTION,
}
"""diffusers' names of what a network predicts, and the host's."""


def require_version() -> None:
    """Refuse a host older than the interfaces used here.

    Raises:
        Art2MusError: ComfyUI is too old.
    """
    if tuple(int(part) for part in re.findall(r"\d+", version)[:3]) < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise Art2MusError(f"ComfyUI {version}", f"{wanted} or newer", "Update ComfyUI and start it again.")


def precision() -> torch.dtype:
    """The host's choice of number format for a denoiser; its 8-bit formats need layers that ours are not.

    A CPU that only imitates a half format would take many times as long as in float32, which is taken instead.
    """
    device = memory.get_torch_device()
    chosen = memory.unet_dtype(device)
    chosen = chosen if chosen.itemsize > 1 else torch.float16
    return torch.float32 if device.type == "cpu" and imitates(device, chosen) else chosen


class Weights(nn.Module):
    """Several networks under one patcher; the host writes attributes of its own on this object."""

    def __init__(self, networks: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleDict(networks)


def _with_host_layers(network: nn.Module) -> nn.Module:
    for layer in network.modules():
        if type(layer) in LAYERS:
            layer.__class__ = LAYERS[type(layer)]
    network.requires_grad_(requires_grad=False)
    memory.archive_model_dtypes(network)
    return network.eval()


def patcher(networks: Mapping[str, nn.Module]) -> Model:
    """Small networks in one of the host's patchers, to be used within :func:`resident`.

    The plain patcher, which loads them whole: the core asks its weights where to compute.
    """
    return comfy.model_patcher.ModelPatcher(Weights(networks), memory.get_torch_device(), memory.unet_offload_device())


@contextmanager
def resident(patched: Model, working: float = 0) -> Iterator[torch.device]:
    """Have a patcher's networks loaded and yield the device; `working` bytes are needed beside the weights.

    Raises:
        OOM_EXCEPTION: memory ended, here or in the block; the host's own class, for which it unloads all models.
    """
    whole = isinstance(patched.model, Weights)
    try:
        memory.load_models_gpu([patched], memory_required=working, force_full_load=whole)
        yield patched.load_device
    except Exception as error:
        if not is_shortage(error):
            raise
        # Without its traceback the cause keeps none of the tensors alive that there was no room for.
        raise memory.OOM_EXCEPTION(f"{_short_of_memory()}") from error.with_traceback(None)


def _short_of_memory() -> Art2MusError:
    return Art2MusError(
        "the memory is full",
        "room for the model and the music",
        "Make the music shorter, take fewer artworks at a time, close other programs, or start ComfyUI with --lowvram.",
    )


def keeps_metadata() -> bool:
    """Whether files may tell how they were made."""
    return not args.disable_metadata


class HostLatents(comfy.latent_formats.LatentFormat):
    """The checkpoint's latents as the host's samplers, previews and empty latents see them.

    Args:
        grid: the checkpoint's sizes.
        picture: what a scaled latent looks like, for the host's previews.
    """

    def __init__(self, grid: AudioGrid, picture: Picture) -> None:
        self.grid, self.picture = grid, picture
        self.latent_channels, self.scale_factor = grid.latent_channels, grid.latent_scale
        # The host's empty audio latents count frames of so many samples of a compact disc.
        self.temporal_downscale_ratio = 44100 / grid.latent_rate
        if hasattr(comfy.latent_formats.LatentFormat, "latent_rgb_factors_reshape"):
            self.latent_rgb_factors = torch.eye(3).tolist()
            self.latent_rgb_factors_reshape = self._pixels

    def fix_empty_latent(self, latent: Tensor) -> Tensor:
        """The host's own empty audio latents have no rows; they are given ours (hosts after 0.33.0)."""
        return latent[..., None].repeat(1, 1, 1, self.grid.latent_rows) if latent.ndim == 3 else latent

    def _pixels(self, latent: Tensor) -> Tensor:
        pixels = torch.from_numpy(np.array(self.picture(latent[:1]).convert("RGB"), np.float32))
        return pixels.movedim(-1, 0)[None] / 127.5 - 1


class HostModel(comfy.model_base.BaseModel):
    """The denoiser as the host's samplers want it; `grid` and `schedule` are the checkpoint's."""

    @property
    def picture(self) -> Picture:
        """Draws its latents."""
        return self.latent_format.picture

    def __init__(
        self,
        unet: UNet,
        config: comfy.supported_models_base.BASE,
        grid: AudioGrid,
        schedule: Mapping[str, Any],
        name: str,
    ) -> None:
        super().__init__(config, PREDICTIONS[_prediction(schedule)], memory.unet_offload_device())
        self.grid, self.schedule, self.name = grid, schedule, name
        unet.__class__ = HostUNet
        self.diffusion_model = _with_host_layers(unet)

    @telling
    def extra_conds(self, **kwargs: Any) -> dict[str, comfy.conds.CONDRegular]:  # noqa: ANN401
        """What the samplers hand to the network beside the language of audio.

        Raises:
            SettingError: a latent or a conditioning of another model.
        """
        require_latent(kwargs["noise"], self.grid)
        require_conditioning(kwargs.get("cross_attn"), kwargs.get("art2mus"), self.grid)
        conds = super().extra_conds(**kwargs)
        for key in ("text", "text_mask"):
            if kwargs.get(f"art2mus_{key}") is not None:
                conds[key] = comfy.conds.CONDRegular(kwargs[f"art2mus_{key}"])
        return conds


def _prediction(schedule: Mapping[str, Any]) -> str:
    kind, betas = schedule.get("prediction_type", "epsilon"), schedule.get("beta_schedule")
    if kind not in PREDICTIONS or betas != "scaled_linear":
        raise CheckpointError(
            f"a denoiser of {kind} on a {betas} schedule",
            f"{' or '.join(PREDICTIONS)} on scaled_linear",
            "Use another checkpoint.",
        )
    return kind


def _config(grid: AudioGrid, schedule: Mapping[str, Any], picture: Picture) -> comfy.supported_models_base.BASE:
    config = comfy.supported_models_base.BASE({"disable_unet_model_creation": True})
    config.sampling_settings = {
        "beta_schedule": "linear",  # the host's name for diffusers' scaled_linear
        "linear_start": schedule["beta_start"],
        "linear_end": schedule["beta_end"],
        "timesteps": schedule["num_train_timesteps"],
    }
    config.latent_format = HostLatents(grid, picture)
    return config


def diffusion_model(unet: UNet, grid: AudioGrid, schedule: Mapping[str, Any], *, name: str, picture: Picture) -> Model:
    """The host's MODEL around a checkpoint's denoiser; core samplers and LoRA loaders work on it.

    Args:
        unet: the network, on the offload device; its class and its layers are exchanged in place.
        grid: the checkpoint's sizes.
        schedule: diffusers' scheduler configuration.
        name: the checkpoint's name, for messages and provenance.
        picture: what its latents look like.
    """
    model = HostModel(unet, _config(grid, schedule, picture), grid, schedule, name)
    # Looked up at call time: the host swaps this class at start when it manages memory dynamically.
    return comfy.model_patcher.CoreModelPatcher(model, memory.get_torch_device(), memory.unet_offload_device())


def art2mus_model(model: Model) -> HostModel:
    """What is inside a MODEL, if it is one of ours.

    Raises:
        SettingError: another family's model is connected.
    """
    if not isinstance(model.model, HostModel):
        raise SettingError(
            f"a {type(model.model).__name__} model", "an Art2Mus model", "Connect the MODEL of Load Art2Mus Model."
        )
    return model.model


def reporter(total: int, picture: Picture | None = None, amount: Callable[[int], str] = str) -> OnStep:
    """An `on_step` that moves the host's progress bar, says what is left, and raises when the person presses stop.

    Args:
        total: steps in all.
        picture: draws a step's clean latent, to be shown above the bar.
        amount: how a number of steps is said.
    """
    bar, clock, node = comfy.utils.ProgressBar(total), Clock(amount), _node()
    drawn = -math.inf

    def on_step(step: Step) -> None:
        nonlocal drawn
        memory.throw_exception_if_processing_interrupted()
        shown = None
        if picture and step.clean and (time.monotonic() > drawn + BETWEEN_PICTURES or step.done == step.total):
            shown = ("JPEG", picture(step.clean.values[:1]), None)
            drawn = time.monotonic()
        bar.update_absolute(step.done, step.total, shown)
        if node:
            PromptServer.instance.send_progress_text(clock.say(step), node)

    return on_step


def _node() -> str | None:
    """The node on the canvas that is at work, if a server shows one."""
    working = getattr(execution_context, "get_executing_context", lambda: None)()
    if working is None or not hasattr(getattr(PromptServer, "instance", None), "send_progress_text"):
        return None
    return get_progress_state().dynprompt.get_display_node_id(working.node_id)


class HostMemory:
    """The host's memory manager as the nodes see it: a :class:`~.memory.Memory`.

    Raises:
        Art2MusError: ComfyUI is too old.
    """

    def __init__(self) -> None:
        require_version()
        self.dtype = precision()

    def hold(self, networks: Mapping[str, nn.Module]) -> Model:
        return patcher(networks)

    def resident(self, held: Model, *, working: float = 0) -> AbstractContextManager[torch.device]:
        return resident(held, working)

    def put_by(self, tensor: Tensor) -> Tensor:
        return tensor.to(memory.intermediate_device(), torch.float32)

    def model(self, unet: UNet, grid: AudioGrid, schedule: Mapping[str, Any], *, name: str, picture: Picture) -> Model:
        return diffusion_model(unet, grid, schedule, name=name, picture=picture)

    def inside(self, model: Model) -> HostModel:
        return art2mus_model(model)

    @contextmanager
    def denoising(self, model: Model, pieces: int, frames: int) -> Iterator[tuple[CoreDenoiser, torch.device]]:
        inside = art2mus_model(model)
        shape = [2 * pieces, inside.grid.latent_channels, frames, inside.grid.latent_rows]
        with resident(model, working=model.memory_required(shape)) as device:
            yield CoreDenoiser(inside.diffusion_model, model.load_device, inside.get_dtype_inference()), device

    def reporter(self, total: int, picture: Picture | None = None) -> OnStep:
        return reporter(total, picture)
