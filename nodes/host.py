"""The one file that touches ComfyUI's private interfaces; written for 0.14.1 and later, checked on 0.33.

Whatever holds weights is put into one of the host's patchers, so that its memory manager loads and frees it, and is made
of the host's layers, so that it can stay partly in main memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import comfy.conds
import comfy.latent_formats
import comfy.model_base
import comfy.model_management as memory
import comfy.model_patcher
import comfy.ops
import comfy.supported_models_base
import comfy.utils
import torch
from comfy.cli_args import args
from comfyui_version import __version__ as version
from diffusers import AudioLDM2UNet2DConditionModel
from jaxtyping import Float, Int
from torch import Tensor, nn

from ..art2mus_core.errors import Art2MusError, CheckpointError, SettingError
from ..art2mus_core.types import AudioGrid, Condition, OnStep, Step

__all__ = [
    "HostDenoiser",
    "HostModel",
    "art2mus_model",
    "diffusion_model",
    "intermediate",
    "keeps_metadata",
    "patcher",
    "precision",
    "reporter",
    "require_version",
    "resident",
]

Model = comfy.model_patcher.ModelPatcher
"""What MODEL carries."""

OLDEST = (0, 14, 1)

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
    """The host's choice of number format for a denoiser; its 8-bit formats need layers that ours are not."""
    chosen = memory.unet_dtype(memory.get_torch_device())
    return chosen if chosen.itemsize > 1 else torch.float16


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
    """Have a patcher's networks loaded and yield the device; `working` bytes are needed beside the weights."""
    whole = isinstance(patched.model, Weights)
    memory.load_models_gpu([patched], memory_required=working, force_full_load=whole)
    yield patched.load_device


def keeps_metadata() -> bool:
    """Whether files may tell how they were made."""
    return not args.disable_metadata


def intermediate(tensor: Tensor) -> Tensor:
    """A tensor where the host keeps what travels between nodes."""
    return tensor.to(memory.intermediate_device(), torch.float32)


class HostUNet(AudioLDM2UNet2DConditionModel):
    """diffusers' network, called as the host calls its own."""

    def forward(
        self,
        x: Float[Tensor, "batch channels frames rows"],
        timesteps: Float[Tensor, "batch"],  # noqa: UP037
        context: Float[Tensor, "batch language width"] | None = None,
        text: Float[Tensor, "batch length text_width"] | None = None,
        text_mask: Float[Tensor, "batch length"] | None = None,
        **_: Any,  # noqa: ANN401  control, transformer_options and what later hosts add
    ) -> Float[Tensor, "batch channels frames rows"]:
        return (
            super()
            .forward(
                x,
                timesteps,
                encoder_hidden_states=context,
                encoder_hidden_states_1=text,
                encoder_attention_mask_1=text_mask,
            )
            .sample
        )


class HostModel(comfy.model_base.BaseModel):
    """The denoiser as the host's samplers want it; `grid` and `schedule` are the checkpoint's."""

    def __init__(
        self,
        unet: AudioLDM2UNet2DConditionModel,
        config: comfy.supported_models_base.BASE,
        grid: AudioGrid,
        schedule: Mapping[str, Any],
        name: str,
    ) -> None:
        super().__init__(config, PREDICTIONS[_prediction(schedule)], memory.unet_offload_device())
        self.grid, self.schedule, self.name = grid, schedule, name
        unet.__class__ = HostUNet
        self.diffusion_model = _with_host_layers(unet)

    def extra_conds(self, **kwargs: Any) -> dict[str, comfy.conds.CONDRegular]:  # noqa: ANN401
        """What the samplers hand to the network beside the language of audio."""
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


def _config(grid: AudioGrid, schedule: Mapping[str, Any]) -> comfy.supported_models_base.BASE:
    config = comfy.supported_models_base.BASE({"disable_unet_model_creation": True})
    config.sampling_settings = {
        "beta_schedule": "linear",  # the host's name for diffusers' scaled_linear
        "linear_start": schedule["beta_start"],
        "linear_end": schedule["beta_end"],
        "timesteps": schedule["num_train_timesteps"],
    }
    config.latent_format = comfy.latent_formats.LatentFormat()
    config.latent_format.latent_channels = grid.latent_channels
    config.latent_format.scale_factor = grid.latent_scale
    return config


def diffusion_model(
    unet: AudioLDM2UNet2DConditionModel, grid: AudioGrid, schedule: Mapping[str, Any], name: str
) -> Model:
    """The host's MODEL around a checkpoint's denoiser; core samplers and LoRA loaders work on it.

    Args:
        unet: the network, on the offload device; its class and its layers are exchanged in place.
        grid: the checkpoint's sizes.
        schedule: diffusers' scheduler configuration.
        name: the checkpoint's name, for messages and provenance.
    """
    model = HostModel(unet, _config(grid, schedule), grid, schedule, name)
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


class HostDenoiser:
    """The core's Denoiser over a MODEL that is resident, with whatever patches it carries."""

    def __init__(self, model: Model) -> None:
        self._network = art2mus_model(model).diffusion_model
        self._like = {"device": model.load_device, "dtype": art2mus_model(model).get_dtype_inference()}

    def __call__(
        self, x: Float[Tensor, "batch channels frames rows"], t: Int[Tensor, ""], condition: Condition
    ) -> Float[Tensor, "batch channels frames rows"]:
        def ready(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(**self._like)

        steps = t.expand(len(x)).to(self._like["device"])
        predicted = self._network(
            ready(x), steps, ready(condition.language), ready(condition.text), ready(condition.text_mask)
        )
        return predicted.to(x)


def reporter(total: int) -> OnStep:
    """An `on_step` that moves the host's progress bar and raises when the person presses stop."""
    bar = comfy.utils.ProgressBar(total)

    def on_step(step: Step) -> None:
        memory.throw_exception_if_processing_interrupted()
        bar.update_absolute(step.done, step.total)

    return on_step
