"""Process many items in parallel processes."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from threading import Thread
from typing import TypeVar

import torch

from ..errors import Art2MusError

__all__ = ["ONE_THREAD", "environment", "spread"]

FEW = 16
"""Up to this many items are processed without further processes; of more, this many are queued."""

POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""Environment variables from which numerical libraries read their number of threads when they are loaded."""

ONE_THREAD = dict.fromkeys(POOLS, "1")
"""The environment in which such libraries use one thread."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """The results of `work` for each item, in order, from `workers` processes with one thread each.

    Only a few items and results are held in memory at a time.

    The processes are spawned, as a fork of a process that has used torch's threads may deadlock. With a thread for every
    core in each process, measuring music took twice as long.

    Raises:
        Art2MusError: a process ended before its work was done, as when the system stops it because memory runs out.
    """
    rest = iter(items)
    few = list(islice(rest, FEW + 1))
    if workers <= 1 or len(few) <= FEW:
        yield from map(work, chain(few, rest))
        return
    fresh = get_context("spawn")
    try:
        with ProcessPoolExecutor(workers, fresh, initializer=_begin) as pool:
            with environment(ONE_THREAD):  # all processes start when the first items are submitted
                waiting = deque(pool.submit(work, item) for item in few)
            for item in rest:
                yield waiting.popleft().result()
                waiting.append(pool.submit(work, item))
            while waiting:
                yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise Art2MusError(
            f"one of {workers} worker processes ended abruptly, usually because memory ran out",
            "processes that run until their work is done",
            "Close other programs, or use fewer processes (`--workers`, if the command has it). In a script, call this below "
            "`if __name__ == '__main__':`.",
        ) from error


def _begin() -> None:
    """Use one thread, and end with the process that started this one, however that ends."""
    torch.set_num_threads(1)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    if parent := parent_process():
        parent.join()
    os._exit(1)


@contextmanager
def environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for the processes that start in this block."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value
