"""Counts the memory of tensors while operations make and free them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from weakref import finalize

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

__all__ = ["Allocations"]


class Allocations(TorchDispatchMode):
    """Counts the bytes of the tensors that operations make, as long as they exist.

    The tensors may lack values. If one is asked for, as whether a mask is all true, the answer is yes.

    Args:
        known: tensors that are not counted, nor are views of them.

    Attributes:
        now: bytes at present.
        peak: the most bytes so far.
    """

    def __init__(self, known: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self.known = [tensor.untyped_storage() for tensor in known]
        self.seen = {id(storage) for storage in self.known}

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401
        if func is torch.ops.aten._local_scalar_dense.default:  # noqa: SLF001
            return True
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self._count(tensor.untyped_storage())
        return made

    def _count(self, storage: torch.UntypedStorage) -> None:
        if id(storage) in self.seen:
            return
        self.seen.add(id(storage))
        self.now += storage.nbytes()
        self.peak = max(self.peak, self.now)
        finalize(storage, self._forget, id(storage), storage.nbytes()).atexit = False

    def _forget(self, key: int, size: int) -> None:
        self.seen.discard(key)
        self.now -= size
