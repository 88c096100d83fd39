"""The one file that uses ComfyUI's private interfaces; written for 0.15.0 and later, checked on 0.33.

The host's memory manager loads and frees networks that are wrapped in one of its model patchers. Networks built from the
host's layers can also stay partly in main memory.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import comfy.conds
import comfy.latent_formats
import comfy.model_base
import comfy.model_management as memory
import comfy.model_patcher
import comfy.ops
import comfy.patcher_extension
import comfy.sd
import comfy.supported_models_base
import comfy.utils
import comfy_execution.utils as execution_context
import numpy as np
import torch
from comfy.cli_args import args
from comfy_execution.progress import get_progress_state
from comfyui_version import __version__ as version
from jaxtyping import Float
from server import PromptServer
from torch import Tensor, nn

from ..art2mus_core.checkpoints.memory import is_shortage
from ..art2mus_core.checkpoints.precision import imitates
from ..art2mus_core.diffusion.plan import plan_beside
from ..art2mus_core.errors import Art2MusError, CheckpointError, SettingError
from ..art2mus_core.networks import products
from ..art2mus_core.networks.unet import UNet
from ..art2mus_core.types import AudioGrid, LanguageOfAudio, OnStep, Plan, Step
from .checks import require_conditioning, require_latent
from .denoiser import CoreDenoiser
from .failures import redact_errors
from .memory import DenoiserInfo, Preview
from .progress import Clock

__all__ = ["HostMemory", "HostModel", "Model", "keeps_metadata", "precision"]

Model: TypeAlias = comfy.model_patcher.ModelPatcher
"""The host's MODEL."""

PREVIEW_INTERVAL = 0.3
"""Least seconds between two previews."""

OLDEST = (0, 15, 0)


class HostLinear(comfy.ops.disable_weight_init.Linear, products.Linear):
    """The host's linear layer, which computes like the core's unless its weights are streamed or patched on the fly."""


LAYERS = {
    products.Linear: HostLinear,
    **{
        getattr(nn, name): getattr(comfy.ops.disable_weight_init, name)
        for name in ("Linear", "Conv1d", "Conv2d", "ConvTranspose1d", "GroupNorm", "LayerNorm", "Embedding")
    },
}
"""The core's and torch's layers and the host's equivalents, whose weights can be streamed from main memory."""

PREDICTIONS = {
    "epsilon": comfy.model_base.ModelType.EPS,
    "v_prediction": comfy.model_base.ModelType.V_PREDICTION,
}
"""diffusers' `prediction_type` and the host's."""


def precision() -> torch.dtype:
    """The host's number format for a denoiser, without its 8-bit formats, which need special layers.

    float32 on CPUs that only emulate the half format, where it would be many times slower.
    """
    device = memory.get_torch_device()
    chosen = memory.unet_dtype(device)
    chosen = chosen if chosen.itemsize > 1 else torch.float16
    return torch.float32 if device.type == "cpu" and imitates(device, chosen) else chosen


def keeps_metadata() -> bool:
    """Whether the host was started without `--disable-metadata`."""
    return not args.disable_metadata


class Weights(nn.Module):
    """Several networks under one patcher; the host sets its own attributes on this object."""

    def __init__(self, networks: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.networks = nn.ModuleDict(networks)


def _with_host_layers(network: nn.Module) -> nn.Module:
    for layer in network.modules():
        own = next((kind for kind in type(layer).__mro__ if kind in LAYERS), None)
        if own is not None:
            layer.__class__ = LAYERS[own]
    network.requires_grad_(requires_grad=False)
    memory.archive_model_dtypes(network)
    return network.eval()


class HostUNet(UNet):
    """The core's UNet with the attributes and the `forward` arguments that the host expects."""

    @property
    def dtype(self) -> torch.dtype:
        """Number format of the weights."""
        return self.conv_in.weight.dtype

    def forward(  # type: ignore[override]  # the host's names
        self,
        x: Float[Tensor, "batch channels frames rows"],
        timesteps: Float[Tensor, "batch"],  # noqa: UP037
        context: Float[Tensor, "batch language width"],
        text: Float[Tensor, "batch length text_width"] | None = None,
        text_mask: Float[Tensor, "batch length"] | None = None,
        **more: Any,  # noqa: ANN401  control, transformer_options and what later hosts add
    ) -> Float[Tensor, "batch channels frames rows"]:
        """The prediction, by way of the wrappers that nodes such as the host's EasyCache put around a denoiser."""
        extension = comfy.patcher_extension
        kind, options = extension.WrappersMP.DIFFUSION_MODEL, more.get("transformer_options") or {}
        around = extension.WrapperExecutor.new_class_executor(
            self._predict, self, extension.get_all_wrappers(kind, options)
        )
        predicted: Tensor = around.execute(x, timesteps, context, text, text_mask, **more)
        return predicted

    def _predict(self, *inputs: Tensor | None, **_: Any) -> Tensor:  # noqa: ANN401
        return super().forward(*inputs)  # type: ignore[arg-type]  # as in `forward`


class HostLatents(comfy.latent_formats.LatentFormat):
    """The checkpoint's latent format for the host's samplers, previews and empty latents.

    Args:
        grid: sizes of the checkpoint.
        preview: draws a scaled latent.
    """

    def __init__(self, grid: AudioGrid, preview: Preview) -> None:
        self.grid, self.preview = grid, preview
        self.latent_channels, self.scale_factor = grid.latent_channels, grid.latent_scale
        # The host's empty audio latents count frames in samples at 44.1 kHz.
        self.temporal_downscale_ratio = 44100 / grid.latent_rate
        if hasattr(comfy.latent_formats.LatentFormat, "latent_rgb_factors_reshape"):
            self.latent_rgb_factors = torch.eye(3).tolist()
            self.latent_rgb_factors_reshape = self._pixels

    def fix_empty_latent(self, latent: Tensor) -> Tensor:
        """Add the rows that the host's empty audio latents lack (hosts after 0.33.0)."""
        return latent[..., None].repeat(1, 1, 1, self.grid.latent_rows) if latent.ndim == 3 else latent

    def _pixels(self, latent: Tensor) -> Tensor:
        pixels = torch.from_numpy(np.array(self.preview(latent[:1]).convert("RGB"), np.float32))
        return pixels.movedim(-1, 0)[None] / 127.5 - 1


class HostModel(comfy.model_base.BaseModel):
    """A checkpoint's denoiser as the host's BaseModel.

    Args:
        unet: the network, on the offload device; its class and its layers are replaced in place.
        info: facts about it.
    """

    def __init__(self, unet: UNet, info: DenoiserInfo) -> None:
        super().__init__(_config(info), _prediction(info.schedule), memory.unet_offload_device())
        self.info = info
        unet.__class__ = HostUNet
        self.diffusion_model = _with_host_layers(unet)

    @redact_errors
    def concat_cond(self, **kwargs: Any) -> Tensor | None:  # noqa: ANN401
        """The plan's channels beside a latent, for the host's samplers: that of a conditioning with artworks, else none."""
        if self.info.plan_model is None:
            return None
        _, plan = self._planned(**kwargs)
        return plan_beside(kwargs["noise"], plan)

    def _planned(self, **kwargs: Any) -> tuple[Tensor | None, Plan | None]:  # noqa: ANN401
        """The language of audio that has settled on its plan, and the plan, of a conditioning with artworks; else its language alone."""
        noise, language, model = kwargs["noise"], kwargs.get("cross_attn"), self.info.plan_model
        if model is None or language is None or not (kwargs.get("art2mus") or {}).get("artworks"):
            return language, None
        repeated = comfy.utils.repeat_to_batch_size(language, len(noise))
        plan = model.plan(LanguageOfAudio(repeated), noise, self.info.grid.latent_rate)
        return model.settled(repeated, plan), plan

    @redact_errors
    def extra_conds(self, **kwargs: Any) -> dict[str, comfy.conds.CONDRegular]:  # noqa: ANN401
        """The network's inputs for the host's samplers: the language of audio, T5 states and their mask.

        Raises:
            SettingError: the latent or the conditioning belongs to another model.
        """
        require_latent(kwargs["noise"], self.info.grid)
        require_conditioning(kwargs.get("cross_attn"), kwargs.get("art2mus"), self.info.grid)
        conds = super().extra_conds(**kwargs)
        language, plan = self._planned(**kwargs)
        if plan is not None:
            conds["c_crossattn"] = comfy.conds.CONDCrossAttn(language)
        for key in ("text", "text_mask"):
            if kwargs.get(f"art2mus_{key}") is not None:
                conds[key] = comfy.conds.CONDRegular(kwargs[f"art2mus_{key}"])
        return conds


def _prediction(schedule: Mapping[str, Any]) -> comfy.model_base.ModelType:
    kind, betas = schedule.get("prediction_type", "epsilon"), schedule.get("beta_schedule")
    if kind not in PREDICTIONS or betas != "scaled_linear":
        raise CheckpointError(
            f"a denoiser of {kind} on a {betas} schedule",
            f"{' or '.join(PREDICTIONS)} on scaled_linear",
            "Use another checkpoint.",
        )
    return PREDICTIONS[kind]


def _config(info: DenoiserInfo) -> comfy.supported_models_base.BASE:
    config = comfy.supported_models_base.BASE({"disable_unet_model_creation": True})
    config.sampling_settings = {
        "beta_schedule": "linear",  # the host's name for diffusers' scaled_linear
        "linear_start": info.schedule["beta_start"],
        "linear_end": info.schedule["beta_end"],
        "timesteps": info.schedule["num_train_timesteps"],
    }
    config.latent_format = HostLatents(info.grid, info.preview)
    return config


def _executing_node() -> str | None:
    """Id of the node on the canvas that is being executed; None without a server that shows progress texts."""
    context = getattr(execution_context, "get_executing_context", lambda: None)()
    if context is None or not hasattr(getattr(PromptServer, "instance", None), "send_progress_text"):
        return None
    return get_progress_state().dynprompt.get_display_node_id(context.node_id)


class HostMemory:
    """The host's memory manager as a :class:`~.memory.Memory`.

    Raises:
        Art2MusError: ComfyUI is older than 0.15.0.
    """

    def __init__(self) -> None:
        if tuple(int(part) for part in re.findall(r"\d+", version)[:3]) < OLDEST:
            wanted = ".".join(map(str, OLDEST))
            raise Art2MusError(f"ComfyUI {version}", f"{wanted} or newer", "Update ComfyUI and start it again.")
        self.dtype = precision()

    def manage(self, networks: Mapping[str, nn.Module]) -> Model:
        # The plain patcher loads networks whole, as the core needs: it computes on the device of their weights.
        return comfy.model_patcher.ModelPatcher(
            Weights(networks), memory.get_torch_device(), memory.unet_offload_device()
        )

    @contextmanager
    def resident(self, managed: Model, *, working: float = 0) -> Iterator[torch.device]:
        whole = isinstance(managed.model, Weights)
        try:
            memory.load_models_gpu([managed], memory_required=working, force_full_load=whole)
            yield managed.load_device
        except Exception as error:
            if not is_shortage(error):
                raise
            shortage = Art2MusError(
                "the memory is full",
                "enough memory for the model and the music",
                "Make the music shorter, use fewer artworks at a time, close other programs, or start ComfyUI with --lowvram.",
            )
            # The host unloads all models after its own exception class. Without its traceback the cause holds no tensors.
            raise memory.OOM_EXCEPTION(f"{shortage}") from error.with_traceback(None)

    def to_intermediate(self, tensor: Tensor) -> Tensor:
        return tensor.to(memory.intermediate_device(), torch.float32)

    def model(self, unet: UNet, info: DenoiserInfo) -> Model:
        # Looked up at call time: the host replaces this class at start-up when it manages memory dynamically.
        return comfy.model_patcher.CoreModelPatcher(
            HostModel(unet, info), memory.get_torch_device(), memory.unet_offload_device()
        )

    def info(self, model: Model) -> DenoiserInfo:
        if not isinstance(model.model, HostModel):
            raise SettingError(
                f"a {type(model.model).__name__} model", "an Art2Mus model", "Connect the MODEL of Load Art2Mus Model."
            )
        return model.model.info

    def as_student(self, model: Model) -> Model:
        changes = comfy.utils.load_torch_file(str(self.info(model).student), safe_load=True)
        student, _ = comfy.sd.load_lora_for_models(model, None, changes, 1.0, 0.0)
        return student

    @contextmanager
    def denoising(self, model: Model, pieces: int, frames: int) -> Iterator[tuple[CoreDenoiser, torch.device]]:
        grid = self.info(model).grid
        working = model.memory_required([2 * pieces, grid.latent_channels, frames, grid.latent_rows])
        with self.resident(model, working=working) as device:
            yield CoreDenoiser(model.model.diffusion_model, device, model.model.get_dtype_inference()), device

    def reporter(self, total: int, *, preview: Preview | None = None, amount: Callable[[int], str] = str) -> OnStep:
        bar, clock, node = comfy.utils.ProgressBar(total), Clock(amount), _executing_node()
        drawn = -math.inf

        def on_step(step: Step) -> None:
            nonlocal drawn
            memory.throw_exception_if_processing_interrupted()
            picture = None
            if preview and step.clean and (time.monotonic() > drawn + PREVIEW_INTERVAL or step.done == step.total):
                picture = ("JPEG", preview(step.clean.values[:1]), None)
                drawn = time.monotonic()
            bar.update_absolute(step.done, step.total, picture)
            if node:
                PromptServer.instance.send_progress_text(clock.describe(step), node)

        return on_step
