"""Work on many pairs in several processes."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import chain, islice
from multiprocessing import get_context
from typing import TypeVar

import torch

__all__ = ["spread"]

FEW = 16
"""So few items are worked on where they are; of more, so many wait for a process."""

POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What numerical libraries ask for the number of their threads, once, when they are loaded."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """`work` of each item, in their order, one thread a process.

    Items are taken and results kept a few ahead of what is asked for, however large either is.

    The processes start afresh: a fork of one that has used torch's threads may wait for ever. Were their libraries to take a
    thread for every core, they would wait for each other: that made measuring music half as fast.
    """
    rest = iter(items)
    few = list(islice(rest, FEW + 1))
    if workers <= 1 or len(few) <= FEW:
        yield from map(work, chain(few, rest))
        return
    fresh = get_context("spawn")
    with ProcessPoolExecutor(workers, fresh, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        with _single_threads():  # all processes start with the first items that are handed out
            waiting = deque(pool.submit(work, item) for item in few)
        for item in rest:
            yield waiting.popleft().result()
            waiting.append(pool.submit(work, item))
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def _single_threads() -> Iterator[None]:
    """Processes that start within this block give every library one thread."""
    before = {name: os.environ.get(name) for name in POOLS}
    os.environ.update(dict.fromkeys(POOLS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
