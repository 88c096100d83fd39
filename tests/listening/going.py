"""Listeners who go through a study."""

from __future__ import annotations

from collections.abc import Callable

from art2mus_core.listening.design import QUESTIONS
from art2mus_core.listening.store import Store

__all__ = ["go_through", "obedient"]


def obedient(systems: tuple[str, ...], question: str, wanted: int | None, times: int) -> int:
    """Answers as checks ask, and otherwise 3, or the system whose name comes first."""
    return wanted or (3 if question != "preference" else 1 + systems.index(min(systems)))


def go_through(store: Store, opinion: Callable[..., int] = obedient, pages: int | None = None) -> str:
    """A listener who answers all pages, or some. `opinion` is told how often the page was seen before."""
    listener = store.begin()
    seen: list[object] = []
    while (page := store.turn(listener).page) and pages != len(seen):
        artwork, sounds = store.media_of(page.token)
        systems = tuple(sound.system for sound in sounds)
        times = seen.count((page.part, artwork, systems))
        values = {question: opinion(systems, question, page.wanted, times) for question in QUESTIONS[page.part]}
        store.answer(listener, page.token, values, [1.0] * page.sounds)
        seen.append((page.part, artwork, systems))
    return listener
