"""What a person reads while a node works: how far it is, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..art2mus_core.types import Step

__all__ = ["Clock"]


class Clock:
    """Measures steps and says what is left.

    Where more than one step is done when the first is told of (a download that goes on), they were done earlier, and say
    nothing of the pace.

    Args:
        amount: how a number is said: `str` counts steps.
        now: seconds on a clock that never goes back.
    """

    def __init__(self, amount: Callable[[int], str] = str, now: Callable[[], float] = time.monotonic) -> None:
        self._amount, self._now, self._began = amount, now, now()
        self._before: int | None = None

    def say(self, step: Step) -> str:
        """`7 of 20, 3 s left`; before the first step nothing is known of what is left, after the last how long it took."""
        passed, whole = self._now() - self._began, self._amount(step.total)
        if step.done >= step.total:
            return f"{whole} of {whole} in {_spoken(passed)}"
        if self._before is None:
            self._before = step.done if step.done > 1 else 0
        done, new = f"{self._amount(step.done)} of {whole}", step.done - self._before
        return f"{done}, {_spoken(passed / new * (step.total - step.done))} left" if new > 0 else done


def _spoken(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
