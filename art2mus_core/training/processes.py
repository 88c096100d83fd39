"""Training in one process, or in several that `accelerate launch` or `torchrun` starts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, distributed

from ..checkpoints.precision import imitates
from ..errors import Art2MusError, SettingError
from .config import TrainingConfig
from .sharding import is_sharded, plugin, shard_on_cpu

if TYPE_CHECKING:
    from accelerate import Accelerator

__all__ = ["accelerated", "agreed", "averaged", "check_processes", "gathered", "precision_of", "shared"]

Value = TypeVar("Value")

PATIENCE = timedelta(days=1)
"""How long processes wait for each other; the first computes the features of a large dataset alone."""

LOST = ("closed by peer", "reset by peer", "Broken pipe", "remote process exited")
"""Parts of the messages of Gloo and NCCL when another process has ended; their errors have no class of their own."""


def check_processes(config: TrainingConfig, count: int) -> None:
    """Check that some processes can share the batches of a configuration.

    Raises:
        SettingError: the batch is not divisible by their number and that of the parts that each computes.
    """
    if config.batch % (count * config.accumulate):
        parts = f" and accumulate {config.accumulate}" if config.accumulate > 1 else ""
        raise SettingError(
            f"a batch of {config.batch} for {count} process{'es' if count > 1 else ''}{parts}",
            f"a multiple of {count * config.accumulate}",
            "Change the batch.",
        )


@contextmanager
def accelerated(config: TrainingConfig, device: torch.device | None = None) -> Iterator[Accelerator]:
    """Open Hugging Face's accelerator for a run; it joins the processes that a launcher started, according to its environment variables.

    Args:
        config: configuration of the stage, with `precision` and `accumulate`.
        device: device of the networks, by default the CPU; each of several processes has a CUDA device of its own.

    Raises:
        SettingError: the device does not compute in the configured precision.
        Art2MusError: another process ended during the block.
    """
    device = device or torch.device("cpu")
    _forget()
    accelerator = _opened(config, device)
    try:
        yield accelerator
    except RuntimeError as error:
        if accelerator.num_processes == 1 or not any(sign in str(error) for sign in LOST):
            raise
        raise Art2MusError(
            f"one of {accelerator.num_processes} training processes ended before the others",
            "processes that run until the training is done",
            "See its own message, if it has one. Otherwise memory probably ran out: close other programs, or start fewer processes.",
        ) from error
    finally:
        accelerator.end_training()
        _forget()


def _opened(config: TrainingConfig, device: torch.device) -> Accelerator:
    from accelerate import Accelerator  # noqa: PLC0415
    from accelerate.utils import GradientAccumulationPlugin, InitProcessGroupKwargs  # noqa: PLC0415

    sharding = plugin()
    accelerator = Accelerator(
        cpu=device.type == "cpu",
        mixed_precision=precision_of(config, device),
        gradient_accumulation_plugin=GradientAccumulationPlugin(config.accumulate, sync_with_dataloader=False),
        kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)],
        fsdp_plugin=sharding,
    )
    if sharding and not is_sharded(accelerator):
        shard_on_cpu(accelerator, sharding)
    return accelerator


def _forget() -> None:
    """Let go of accelerate's global state, in which another run of this process may have left another precision."""
    from accelerate.state import AcceleratorState, GradientState  # noqa: PLC0415

    AcceleratorState._reset_state(reset_partial_state=True)  # noqa: SLF001 - it has no public way
    GradientState._reset_state()  # noqa: SLF001


def precision_of(config: TrainingConfig, device: torch.device) -> str:
    """The precision of a configuration on a device: `no`, `bf16` or `fp16`.

    Raises:
        SettingError: the device does not compute in it.
    """
    if config.precision == "fp16" and device.type == "cpu":
        raise SettingError("precision fp16 on the CPU", "no, bf16 or auto", "Change the precision.")
    if config.precision == "auto":
        return "no" if imitates(device, torch.bfloat16) else "bf16"
    return config.precision


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, part: Tensor) -> Tensor:  # noqa: ANN401, ARG004
        parts = [torch.empty_like(part) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, part)
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # noqa: ANN401, ARG004
        """The gradient of all processes' losses with respect to this process's rows."""
        whole = gradients[0].contiguous()
        distributed.all_reduce(whole)
        return whole.chunk(distributed.get_world_size())[distributed.get_rank()]


def gathered(values: Float[Tensor, "part ..."]) -> Float[Tensor, "whole ..."]:
    """The rows of all processes, in the order of their ranks; gradients return to each process."""
    return _Gather.apply(values.contiguous()) if distributed.is_initialized() else values  # type: ignore[no-untyped-call]


def averaged(values: dict[str, Tensor]) -> dict[str, float]:
    """Means of named values, each of any shape, over all processes; NaN is left out, and is the mean of nothing else."""
    sums = torch.stack([each.detach().float().nansum() for each in values.values()])
    counts = torch.stack([(~each.detach().isnan()).sum() for each in values.values()])
    both = torch.stack([sums, counts.to(sums)])
    if distributed.is_initialized():
        distributed.all_reduce(both)
    return dict(zip(values, (both[0] / both[1]).tolist(), strict=True))


def agreed(wish: bool, device: torch.device) -> bool:  # noqa: FBT001
    """Whether any process wishes something, in all processes."""
    flag = torch.tensor(float(wish), device=device)
    if distributed.is_initialized():
        distributed.all_reduce(flag, distributed.ReduceOp.MAX)
    return bool(flag)


def shared(compute: Callable[[], Value]) -> Value:
    """What the first process computes, in all processes."""
    if not distributed.is_initialized():
        return compute()
    box: list[Any] = [compute() if distributed.get_rank() == 0 else None]
    distributed.broadcast_object_list(box)
    found: Value = box[0]
    return found
