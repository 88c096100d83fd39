"""Compose batches in several processes: of this machine, of Ray, or those that a launcher such as accelerate's started."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import chdir, closing
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache, partial
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..checkpoints.memory import available, check_memory
from ..checkpoints.names import locate
from ..errors import SettingError
from ..pipelines.routes import ART2MUSIC, AUDIOLDM2, open_route, route_class
from ..pipelines.settings import Settings
from ..pipelines.stages import visiting
from ..types import OnStep, Step
from .composing import Composer, Request, run
from .devices import REMEDY, warn_if_emulated
from .outcomes import Clock, Outcome
from .planning import Job

if TYPE_CHECKING:
    from ..datasets.shards import Spread

__all__ = ["choose_workers", "run_spread"]

PROCESS = 5 * 10**8
"""Bytes of memory of a process with all libraries, without weights."""

WORTHWHILE = {AUDIOLDM2: 40.0, ART2MUSIC: 240.0}
"""Seconds of music that a process should compose at least, by the class of the model: starting it takes as long as composing half of that."""

PATIENCE = timedelta(days=1)
"""How long launched processes wait for each other at the end."""

Groups = Sequence[Sequence[Job]]


def choose_workers(request: Request, groups: Groups, wanted: int | None, engine: str = "local") -> int:
    """How many processes compose, each with one thread.

    By default there is one for each core, with enough music for each to be worth its start, as far as memory reaches. One, with all
    threads, is left for a GPU, where most cores would be idle otherwise, and in a process that a launcher started.

    Raises:
        SettingError: an unknown engine, or too little memory for as many as are wanted, or for a network of the model.
        CheckpointError: the model is damaged.
    """
    if engine != "local":
        _engine(engine, 1)  # an unknown name is an error before anything is opened
    most = min(len(groups), wanted or min(_cores(), _worthwhile(request, groups)))
    if _launched() > 1 or most <= 1:
        return 1
    if engine == "local" and wanted is None and (request.device.type != "cpu" or 2 * most < _cores()):
        return 1
    if engine == "ray" and os.environ.get("RAY_ADDRESS"):
        return most  # on machines whose memory is not known here
    each = _memory(request, max(map(len, groups)))
    if wanted is None:
        return max(1, min(most, available() // each))
    fewer = "Close other programs, or choose a smaller number of --workers."
    check_memory(most * each, f"composing in {most} processes", remedy=fewer)
    return most


def run_spread(
    request: Request, groups: Groups, on_step: OnStep, *, engine: str = "local", workers: int = 1
) -> Outcome | None:
    """Compose groups in `workers` processes of an engine, or share them with the processes that a launcher started.

    The music is that of one process with as many threads: groups are the same for any number of processes.

    Returns:
        The outcome as of :func:`.composing.run`, with the sum of the seconds of all processes; None in a launched process that is
        not the first.

    Raises:
        SettingError: an unknown engine, or another than local in processes that a launcher started.
        Art2MusError: all artworks fail for one reason, the model cannot be used, or a process ended before its work was done.
    """
    started, whole = time.perf_counter(), Outcome(request.choice.checkpoint, request.seed, prompt=request.prompt)
    parts: Iterable[Outcome] | None
    if _launched() > 1:
        if engine != "local":
            raise SettingError(
                f"the engine {engine} in {_launched()} processes of a launcher", "one of both", "Leave one of them out."
            )
        parts = _shared(request, groups, on_step)
    elif engine == "local" and workers == 1:
        return run(request, groups, on_step)
    else:
        parts = _spread(request, groups, _engine(engine, workers), on_step)
    if parts is None:
        return None
    for part in parts:
        whole.add(part)
    whole.check()
    whole.elapsed = time.perf_counter() - started
    return whole


def _engine(name: str, workers: int) -> Spread:
    from ..datasets.engines import engine
    from ..datasets.workers import spread

    return partial(spread, workers=workers, few=1) if name == "local" else engine(name, workers)


def _spread(request: Request, groups: Groups, spread: Spread, on_step: OnStep) -> Iterator[Outcome]:
    """The outcome of each group. A precision that the device emulates is told once, as soon as it is known."""
    total, done = sum(map(len, groups)), 0
    results: Any = spread(partial(_compose, request, Path.cwd()), groups)
    with closing(results):
        for group, part in zip(groups, results, strict=True):
            if part.settings and not done:
                warn_if_emulated(getattr(torch, part.precision), request.device, REMEDY)
            done += len(group)
            on_step(Step("compose", done, total))
            yield part


def _compose(request: Request, folder: Path, group: Sequence[Job]) -> Outcome:
    """Compose a group, whose paths are relative to a folder, in a process of an engine, which keeps its pipeline."""
    with chdir(folder):
        return _composed(_composer(request), group, _silent)


@lru_cache(maxsize=1)
def _composer(request: Request) -> Composer:
    return Composer(request, warned=False)


def _composed(composer: Composer, group: Sequence[Job], on_step: OnStep) -> Outcome:
    outcome = Outcome(composer.request.choice.checkpoint, composer.request.seed)
    composer.compose(group, outcome, Clock(outcome.stages, on_step))
    return outcome


def _silent(_: Step) -> None:
    """An `on_step` that tells nothing."""


def _launched() -> int:
    """The number of processes that a launcher such as accelerate's or torchrun started for this command."""
    told = os.environ.get("WORLD_SIZE", "")
    return int(told) if told.isdecimal() and "RANK" in os.environ else 1


def _shared(request: Request, groups: Groups, on_step: OnStep) -> list[Outcome] | None:
    """Compose this process's share on its own device. In the first process, the outcomes of all groups, in their order.

    Each process has planned its jobs before the first of them writes: they wait for each other to join.
    """
    from accelerate import PartialState
    from accelerate.utils import gather_object

    state = PartialState(cpu=request.device.type == "cpu", timeout=PATIENCE)
    try:
        first = state.is_main_process
        own = request if request.device.type == "cpu" else replace(request, device=state.device)
        which = state.process_index, state.num_processes
        try:
            found = _share(Composer(own, warned=first), groups, which, on_step if first else _silent)
        except Exception as error:  # noqa: BLE001  the others wait for it; the first process raises it
            found = [error.with_traceback(None)]
        everything = gather_object(found)
    finally:
        state.destroy_process_group()
    if not first:
        return None
    for each in everything:
        if isinstance(each, Exception):
            raise each
    return [outcome for _, outcome in sorted(everything, key=itemgetter(0))]


def _share(composer: Composer, groups: Groups, which: tuple[int, int], on_step: OnStep) -> list[Any]:
    """Numbers and outcomes of those groups that a process composes; `which` is its own number, and that of all processes."""
    process, processes = which
    return [
        (number, _composed(composer, group, on_step))
        for number, group in enumerate(groups)
        if number % processes == process
    ]


def _worthwhile(request: Request, groups: Groups) -> int:
    """The number of processes that have enough to do."""
    seconds = request.chosen.get("seconds", Settings.seconds) * request.candidates
    least = WORTHWHILE.get(route_class(locate(request.choice.checkpoint)), WORTHWHILE[AUDIOLDM2])
    return int(seconds * sum(map(len, groups)) // least)


def _memory(request: Request, pieces: int) -> int:
    """Bytes that a process takes to compose batches of so many pieces; no weights are read for it."""
    pipeline = open_route(request.choice, "artwork", resident=visiting(request.device), offload=True)
    weights = sum(pipeline.parts.weights(pipeline.NETWORKS).values())
    seconds = request.chosen.get("seconds", Settings.seconds)
    together = max(pieces, min(request.candidates, request.batch))
    return PROCESS + weights + max(pipeline.working(seconds, together).values())


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
