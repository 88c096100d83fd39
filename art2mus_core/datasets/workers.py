"""Work on many pairs in several processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import torch

__all__ = ["spread"]

CHUNK = 16
"""Items a process is handed at a time; so few are worked on where they are."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(work: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result]:
    """`work` of each item, in their order, one thread a process.

    The processes start afresh: a fork of one that has used torch's threads may wait for ever.
    """
    if workers <= 1 or len(items) <= CHUNK:
        yield from map(work, items)
        return
    fresh = get_context("spawn")
    with ProcessPoolExecutor(workers, fresh, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        yield from pool.map(work, items, chunksize=CHUNK)
