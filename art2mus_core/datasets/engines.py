"""The table of engines: who works on many rows in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from ..errors import SettingError
from . import ray_workers, workers
from .shards import Spread

__all__ = ["ENGINES", "engine"]

ENGINES: dict[str, Callable[..., Iterator[Any]]] = {"local": workers.spread, "ray": ray_workers.spread}
"""Functions from work, items and a number of processes to the results, in the items' order."""


def engine(name: str, processes: int) -> Spread:
    """An engine with so many processes.

    Raises:
        SettingError: an unknown name.
    """
    if name not in ENGINES:
        raise SettingError(f"an engine {name!r}", f"one of {', '.join(ENGINES)}", "Check the name.")
    return partial(ENGINES[name], workers=processes)
