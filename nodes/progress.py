"""What a person reads while a node works: how far it is, and how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..art2mus_core.types import Step

__all__ = ["Clock"]


class Clock:
    """Measures steps and says what is left.

    Args:
        amount: how a number is said: `str` counts steps.
        now: seconds on a clock that never goes back.
    """

    def __init__(self, amount: Callable[[int], str] = str, now: Callable[[], float] = time.monotonic) -> None:
        self._amount, self._now, self._began = amount, now, now()

    def say(self, step: Step) -> str:
        """`7 of 20, 3 s left`; before the first step nothing is known of what is left, after the last how long it took."""
        passed, whole = self._now() - self._began, self._amount(step.total)
        if step.done >= step.total:
            return f"{whole} of {whole} in {_spoken(passed)}"
        done = f"{self._amount(step.done)} of {whole}"
        return f"{done}, {_spoken(passed / step.done * (step.total - step.done))} left" if step.done else done


def _spoken(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
