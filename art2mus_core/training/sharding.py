"""FSDP: weights, gradients and the optimiser's state of which each process keeps a part."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..errors import SettingError
from .objective import Objective

if TYPE_CHECKING:
    from accelerate import Accelerator, FullyShardedDataParallelPlugin

__all__ = ["choose_units", "is_sharded", "plugin", "put", "read_optimiser", "shard_on_cpu", "whole", "write_optimiser"]

UNITS = ("ResidualBlock", "Transformer")
"""Classes of the denoiser whose weights are gathered when they are needed; those of GPT-2, which runs eight times, once a step."""

OPTIMISER = "optimizer.bin"


def plugin() -> FullyShardedDataParallelPlugin | None:
    """Accelerate's settings of FSDP if the launcher asks for it (`accelerate launch --use_fsdp`), else None.

    Always FSDP 2, with weights in float32 as without it; autocast chooses the precision.

    Raises:
        SettingError: torch is too old.
    """
    if os.environ.get("ACCELERATE_USE_FSDP", "false").lower() != "true" or os.environ.get("WORLD_SIZE", "1") == "1":
        return None
    from accelerate import FullyShardedDataParallelPlugin  # noqa: PLC0415

    try:
        from torch.distributed.fsdp import MixedPrecisionPolicy  # noqa: PLC0415
    except ImportError as error:
        raise SettingError(f"FSDP with torch {torch.__version__}", "torch 2.6 or newer", "Update torch.") from error
    return FullyShardedDataParallelPlugin(
        fsdp_version=2,
        reshard_after_forward=True,
        auto_wrap_policy="transformer_based_wrap",
        transformer_cls_names_to_wrap=list(UNITS),
        state_dict_type="FULL_STATE_DICT",
        mixed_precision_policy=MixedPrecisionPolicy(),
        activation_checkpointing=False,
        cpu_ram_efficient_loading=False,
    )


def shard_on_cpu(accelerator: Accelerator, chosen: FullyShardedDataParallelPlugin) -> None:
    """Have accelerate shard on CPUs, too, where it ignores the settings (as of version 1.15)."""
    from accelerate import PartialState  # noqa: PLC0415
    from accelerate.utils import DistributedType  # noqa: PLC0415

    accelerator.state.fsdp_plugin = chosen
    for state in (PartialState(), accelerator.state):  # the first is copied to the second again and again
        state.distributed_type = DistributedType.FSDP


def is_sharded(accelerator: Accelerator) -> bool:
    """Whether the processes share the weights."""
    from accelerate.utils import DistributedType  # noqa: PLC0415

    return accelerator.distributed_type == DistributedType.FSDP


def choose_units(accelerator: Accelerator, objective: Objective) -> None:
    """Name those classes to accelerate that the objective has; it refuses others."""
    present = {type(module).__name__ for module in objective.modules()}
    accelerator.state.fsdp_plugin.transformer_cls_names_to_wrap = [name for name in UNITS if name in present]


def whole(value: Tensor) -> Tensor:
    """A tensor with the parts of all processes, which have to call this together."""
    return value.full_tensor() if hasattr(value, "full_tensor") else value


@torch.no_grad()
def put(values: dict[str, Tensor], into: dict[str, Tensor]) -> None:
    """Copy whole tensors into others of the same names, of which this process may have parts."""
    for name, target in into.items():
        target.copy_(_parted(values[name].to(target.device), target))


def _parted(value: Tensor, like: Any) -> Tensor:  # noqa: ANN401 - torch 2.4 has no public DTensor
    if not hasattr(like, "full_tensor"):
        return value
    from torch.distributed.tensor import distribute_tensor  # noqa: PLC0415

    return distribute_tensor(value, like.device_mesh, like.placements)


def write_optimiser(network: nn.Module, optimiser: torch.optim.Optimizer, folder: Path, *, first: bool) -> None:
    """Have the first process write the optimiser's state, by the names of weights; all have to call this together."""
    from torch.distributed.checkpoint.state_dict import StateDictOptions, get_optimizer_state_dict  # noqa: PLC0415

    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    state = get_optimizer_state_dict(network, optimiser, options=options)
    if first:
        torch.save(state, folder / OPTIMISER)


def read_optimiser(network: nn.Module, optimiser: torch.optim.Optimizer, folder: Path, *, first: bool) -> None:
    """Read what :func:`write_optimiser` wrote, into the parts of all processes."""
    from torch.distributed.checkpoint.state_dict import StateDictOptions, set_optimizer_state_dict  # noqa: PLC0415

    options = StateDictOptions(full_state_dict=True, broadcast_from_rank0=True)
    state: dict[str, Any] = torch.load(folder / OPTIMISER, map_location="cpu", weights_only=True) if first else {}
    set_optimizer_state_dict(network, optimiser, state, options=options)
