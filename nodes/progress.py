"""Progress texts: steps done and time left."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..art2mus_core.types import Step

__all__ = ["Clock"]


class Clock:
    """Estimates the time left from the steps since its creation.

    If the first report has more than one step done, as in a resumed download, those steps do not count towards the pace.

    Args:
        amount: formats a number of steps.
        now: a monotonic clock in seconds.
    """

    def __init__(self, amount: Callable[[int], str] = str, now: Callable[[], float] = time.monotonic) -> None:
        self._amount, self._now, self._began = amount, now, now()
        self._before: int | None = None

    def describe(self, step: Step) -> str:
        """`7 of 20, 3 s left`; `0 of 20` before the first step; `20 of 20 in 9 s` after the last."""
        passed, whole = self._now() - self._began, self._amount(step.total)
        if step.done >= step.total:
            return f"{whole} of {whole} in {_duration(passed)}"
        if self._before is None:
            self._before = step.done if step.done > 1 else 0
        done, new = f"{self._amount(step.done)} of {whole}", step.done - self._before
        return f"{done}, {_duration(passed / new * (step.total - step.done))} left" if new > 0 else done


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
