"""Process many items in parallel processes."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain, islice
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.process import BaseProcess
from threading import Thread
from types import FrameType
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

AGAIN = 0.1
"""Seconds after which processes that are to stop are interrupted again, as each may have begun what was queued for it."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(work: Callable[[Item], Result], items: Iterable[Item], workers: int, *, few: int = FEW) -> Iterator[Result]:
    """The results of `work` for each item, in order, from `workers` processes with one thread each.

    Only a few items and results are held in memory at a time. After an error, after Ctrl-C, or if no more results are wanted, work that
    has begun is interrupted by a `KeyboardInterrupt`, and further work does not begin.

    The processes are spawned, as a fork of a process that has used torch's threads may deadlock. With a thread for every
    core in each process, measuring music took twice as long.

    Args:
        work: a function of a module.
        items: what it is called with.
        workers: number of processes.
        few: up to this many items, at most `FEW`, are processed without further processes.

    Raises:
        Art2MusError: a process ended before its work was done, as when the system stops it because memory runs out.
    """
    rest = iter(items)
    head = list(islice(rest, FEW + 1))
    if workers <= 1 or len(head) <= few:
        yield from map(work, chain(head, rest))
        return
    fresh, others = get_context("spawn"), active_children()
    task = partial(_attend, work)
    try:
        with ProcessPoolExecutor(workers, fresh, initializer=_begin) as pool, _stopping(pool, others):
            with environment(ONE_THREAD), _deaf():  # all processes start when the first items are submitted
                waiting = deque(pool.submit(task, item) for item in head)
            for item in rest:
                yield waiting.popleft().result()
                waiting.append(pool.submit(task, item))
            while waiting:
                yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise Art2MusError(
            f"one of {workers} worker processes ended abruptly, usually because memory ran out",
            "processes that run until their work is done",
            "Close other programs, or use fewer processes (`--workers`, if the command has it). In a script, call this below "
            "`if __name__ == '__main__':`.",
        ) from error


@contextmanager
def _stopping(pool: ProcessPoolExecutor, others: list[BaseProcess]) -> Iterator[None]:
    """If this block is left early, stop the processes of the pool, which are those besides `others`, and wait for their end."""
    try:
        yield
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        while running := [each for each in active_children() if each not in others]:
            for each in running:
                if hasattr(signal, "pthread_kill") and each.pid:  # elsewhere this would kill it in the middle of a file
                    with suppress(ProcessLookupError):  # it has just ended
                        os.kill(each.pid, signal.SIGINT)
            running[0].join(AGAIN)
        raise


@contextmanager
def _deaf() -> Iterator[None]:
    """Let processes that start in this block get no Ctrl-C before they begin to work; this process gets it afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _attend(work: Callable[[Item], Result], item: Item) -> Result:
    """Work that can be interrupted, once, so that nothing interrupts its tidying up."""
    signal.signal(signal.SIGINT, _interrupt)
    try:
        return work(item)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _interrupt(_: int, __: FrameType | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _begin() -> None:
    """Use one thread, and end with the process that started this one, however that ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
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
