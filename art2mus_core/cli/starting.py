"""Starting quickly."""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["importing"]


@contextmanager
def importing() -> Iterator[None]:
    """Imports within this block are not searched for garbage, neither now nor later.

    Of the five seconds of processor time that the neural libraries take to import, one went into that search.
    """
    gc.disable()
    try:
        yield
        gc.freeze()
        # All is let go at the end, or compiled modules say on standard error what they miss.
        atexit.register(gc.unfreeze)
    finally:
        gc.enable()
