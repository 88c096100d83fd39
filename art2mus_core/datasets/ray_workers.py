"""Process many items on Ray Data: on a Ray of this machine, or on the cluster that RAY_ADDRESS names.

Ray repeats the work of a process that ended abruptly, and keeps each result once. The machines of a cluster need this package, and must
see all files at the same paths.
"""

from __future__ import annotations

import os
import pickle
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from ..errors import Art2MusError
from .batching import batches
from .workers import ONE_THREAD, environment

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["spread"]

WINDOW = 1024
"""Items that Ray has at a time. Between two windows, processes wait for the last task of the first."""

TOGETHER = 8
"""Most items of a task. A task costs Ray 10 to 30 ms; a task whose process ended is repeated as a whole."""

ATTEMPTS = 3
"""How often a task may end its process; Ray Data itself would repeat it for ever."""

STORE = 2**28
"""Bytes of memory in which a Ray of this machine passes items and results on. A window needs a small part of it."""

WAITS = 5.0, 20.0
"""Seconds before Ray is started again. On a busy machine one of its processes may be loaded too late for a limit of 15 s that is fixed
(ray-project/ray, issue 65983); the next time it is in the disk's cache.
"""

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DATA_LOG_LEVEL": "CRITICAL", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}
"""Ray sends no statistics of use, logs nothing that is raised as well, and hides no GPU from work that reserved none."""

LOCALLY = "Run the same command again, which resumes; or use the engine local (`--engine local`)."

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """The results of `work` for each item, in order, from `workers` processes of Ray with one thread each.

    Only a window of items and results is held in memory at a time. Ray is started with the first item, unless it runs, and stopped
    after the last.

    Raises:
        Art2MusError: Ray cannot be started, it gave up, or the same work ended its process again and again.
    """
    windows = batches(items, WINDOW)
    if not (first := next(windows, [])):
        return
    with _running(workers), TemporaryDirectory(prefix="art2mus-") as marks:
        for window in chain([first], windows):
            yield from _results(partial(_task, work, Path(marks)), window, workers)


def _results(task: Callable[[pa.Table], pa.Table], window: Sequence[Any], workers: int) -> Iterator[Any]:
    from ray import data, exceptions  # noqa: PLC0415  of the extra ray

    size = max(1, min(TOGETHER, len(window) // (4 * workers)))
    rows = [{"item": pickle.dumps(item)} for item in window]
    given = data.from_items(rows, override_num_blocks=-(-len(rows) // size))
    given.context.execution_options.preserve_order = True
    given.context.enable_progress_bars = False
    done = given.map_batches(task, batch_format="pyarrow", batch_size=None, compute=data.TaskPoolStrategy(size=workers))
    try:
        for row in done.iter_rows():
            result, error = pickle.loads(row["result"])  # noqa: S301  pickled by `_task`
            if error is not None:
                raise error
            yield result
    except exceptions.RayError as error:
        raise Art2MusError(
            f"Ray gave up ({_reason(error)})", "processes that run until their work is done", LOCALLY
        ) from error


def _task(work: Callable[[Any], Any], marks: Path, table: pa.Table) -> pa.Table:
    """A column of pickled results, or errors, from a column of pickled items. A file in `marks` grows with each attempt."""
    import pyarrow as pa  # noqa: PLC0415  of the extra data

    items = table["item"].to_pylist()
    mark = marks / sha256(b"".join(items)).hexdigest()
    mark.parent.mkdir(exist_ok=True)  # on another machine of a cluster
    with mark.open("ab") as file:
        file.write(b".")
    if mark.stat().st_size > ATTEMPTS:
        return pa.table({"result": [pickle.dumps((None, _fatal(items)))] * len(items)})
    torch.set_num_threads(1)
    results = [_attempt(work, item) for item in items]
    mark.unlink(missing_ok=True)
    return pa.table({"result": results})


def _attempt(work: Callable[[Any], Any], item: bytes) -> bytes:
    try:
        return pickle.dumps((work(pickle.loads(item)), None))  # noqa: S301  pickled by `_results`
    except Exception as error:  # noqa: BLE001  raised again by the process that asked, in the class that it has
        return pickle.dumps((None, error))


def _fatal(items: Sequence[bytes]) -> Art2MusError:
    first = str(pickle.loads(items[0]))  # noqa: S301  pickled by `_results`
    return Art2MusError(
        f"work on {len(items)} items, the first of which is {first[:160]}, ended its process {ATTEMPTS} times",
        "processes that run until their work is done",
        "Leave the file out that does this, and run the same command again, which resumes; or use fewer processes (`--workers`).",
    )


@contextmanager
def _running(workers: int) -> Iterator[None]:
    """Ray runs in this block; one that ran before goes on afterwards."""
    import ray  # noqa: PLC0415

    if ray.is_initialized():
        yield
        return
    try:
        _start(workers)
        yield
    finally:
        ray.shutdown()


def _start(workers: int) -> None:
    import ray  # noqa: PLC0415

    cluster = os.environ.get("RAY_ADDRESS")
    own = {} if cluster else {"num_cpus": workers, "object_store_memory": STORE, "include_dashboard": False}
    variables = {**ONE_THREAD, **QUIET, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with environment(variables):
        from ray import data  # noqa: F401, PLC0415  reads them
    for wait in (*WAITS, None):
        try:
            with environment(variables):
                ray.init(cluster or "local", log_to_driver=False, logging_level="ERROR", **own)
        except Exception as error:
            ray.shutdown()
            if wait is None:
                came = f"Ray did not start in {len(WAITS) + 1} attempts ({_reason(error)})"
                raise Art2MusError(
                    came, "a machine with time to start it, or a cluster at RAY_ADDRESS", LOCALLY
                ) from error
            time.sleep(wait)
        else:
            return


def _reason(error: Exception) -> str:
    """The first lines of an error of Ray, which goes on with a traceback."""
    return " ".join(str(error).split())[:200] or type(error).__name__
