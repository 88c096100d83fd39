"""Work on many pairs in several processes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import TypeVar

import torch

__all__ = ["spread"]

CHUNK = 16
"""Items a process is handed at a time; so few are worked on where they are."""

POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What numerical libraries ask for the number of their threads, once, when they are loaded."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(work: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result]:
    """`work` of each item, in their order, one thread a process.

    The processes start afresh: a fork of one that has used torch's threads may wait for ever. Were their libraries to take a
    thread for every core, they would wait for each other: that made measuring music half as fast.
    """
    if workers <= 1 or len(items) <= CHUNK:
        yield from map(work, items)
        return
    fresh = get_context("spawn")
    with ProcessPoolExecutor(workers, fresh, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        with _single_threads():  # all processes start with the first item that is handed out
            results = pool.map(work, items, chunksize=CHUNK)
        yield from results


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
