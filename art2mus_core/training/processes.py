"""Training in one process, or in several that `torchrun` starts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, distributed

from ..errors import Art2MusError

__all__ = ["Place", "averaged", "gathered", "joined"]

PATIENCE = timedelta(days=1)
"""How long processes wait for each other; the first computes the features of a large dataset alone."""

LOST = ("closed by peer", "reset by peer", "Broken pipe", "remote process exited")
"""Parts of the messages of Gloo and NCCL when another process has ended; their errors have no class of their own."""


@dataclass(frozen=True)
class Place:
    """The device and rank of this process.

    Attributes:
        device: device of the networks.
        rank: rank of the process; the first one, 0, writes files.
        count: number of processes.
    """

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    rank: int = 0
    count: int = 1

    @contextmanager
    def one_first(self) -> Iterator[None]:
        """Run the block on the first process before the others, which then find its features on disk."""
        if self.count > 1 and self.rank > 0:
            distributed.barrier()
        yield
        if self.count > 1 and self.rank == 0:
            distributed.barrier()


@contextmanager
def joined(device: torch.device) -> Iterator[Place]:
    """Join the processes that `torchrun` started, according to its environment variables.

    Args:
        device: device of the networks; each process uses its own CUDA device.

    Raises:
        Art2MusError: another process ended during the block.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Place(device)
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    try:
        yield Place(device, distributed.get_rank(), count)
    except RuntimeError as error:
        if not any(sign in str(error) for sign in LOST):
            raise
        raise Art2MusError(
            f"one of {count} training processes ended before the others",
            "processes that run until the training is done",
            "See its own message, if it has one. Otherwise memory probably ran out: close other programs, or start fewer processes.",
        ) from error
    finally:
        distributed.destroy_process_group()


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


def gathered(values: Float[Tensor, "part width"]) -> Float[Tensor, "whole width"]:
    """The rows of all processes, in the order of their ranks; gradients return to each process."""
    return _Gather.apply(values.contiguous()) if distributed.is_initialized() else values  # type: ignore[no-untyped-call]


def averaged(values: dict[str, Tensor]) -> dict[str, float]:
    """Means of named values over all processes."""
    means = torch.stack([value.detach().float() for value in values.values()])
    if distributed.is_initialized():
        distributed.all_reduce(means)
        means /= distributed.get_world_size()
    return dict(zip(values, means.tolist(), strict=True))
