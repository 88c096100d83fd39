"""Waiting for another command that writes the same folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .streams import say

__all__ = ["alone_in", "say_once"]


@contextmanager
def alone_in(folder: Path, work: str) -> Iterator[None]:
    """As :func:`..locking.alone`; whoever waits is told once, on standard error.

    Of the processes that a launcher starts for one training, the first holds the folder for all.
    """
    from ..locking import alone

    if os.environ.get("RANK", "0") != "0":
        yield
        return
    with alone(folder, work, say_once()):
        yield


def say_once() -> Callable[[str], None]:
    """Says a sentence the first time that it is given."""
    said = set[str]()

    def on_wait(sentence: str) -> None:
        if sentence not in said:
            said.add(sentence)
            say(f"{sentence}; Ctrl-C to stop")

    return on_wait
