"""The trials of a listening test: balanced over systems, in random order, with attention checks."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple

from ..errors import SettingError

__all__ = ["PARTS", "QUESTIONS", "Cell", "Design", "Kind", "Part", "Trial", "cells_of", "plan"]

Part = Literal["rating", "ab"]
Kind = Literal["main", "repeat", "check"]

PARTS: dict[str, tuple[Part, ...]] = {"rating": ("rating",), "ab": ("ab",), "both": ("rating", "ab")}
"""Parts of each mode in order: ratings come first, so that comparisons do not bias them."""

QUESTIONS: dict[Part, dict[str, int]] = {
    "rating": {"quality": 5, "relevance": 5, "expressiveness": 5},
    "ab": {"preference": 2},
}
"""Questions of each part and their highest answer; the lowest is 1."""

REPEATS = 2
"""Number of hidden repeats of ratings for each listener, at most a third of the ratings."""


class Cell(NamedTuple):
    """An artwork and the rated system or the two compared systems, sorted."""

    artwork: str
    systems: tuple[str, ...]


class Trial(NamedTuple):
    """One page for a listener.

    Attributes:
        part: a rating or a comparison.
        kind: `main` counts in the results; `repeat` repeats an earlier rating; `check` asks for a given answer.
        artwork: id of the artwork.
        systems: the systems of the pieces in their order on the page.
        wanted: the answer that an attention check asks for.
    """

    part: Part
    kind: Kind
    artwork: str
    systems: tuple[str, ...]
    wanted: int | None = None


@dataclass(frozen=True)
class Design:
    """Settings of a study, fixed when it begins.

    Attributes:
        mode: `rating`, `ab` (comparisons), or `both`.
        rounds: number of times each listener gets each system, and each pair of systems.
        seed: seed of the choice of artworks and of all orders.
        artworks: number of artworks, drawn from all. With fewer, more listeners rate the same piece, which agreement needs.
        matched: whether all systems get the same mean loudness.
    """

    mode: str = "rating"
    rounds: int = 4
    seed: int = 0
    artworks: int = 20
    matched: bool = True

    def draw(self, systems: Sequence[str], artworks: Sequence[str]) -> list[str]:
        """Draw the artworks of the study and return them sorted.

        Raises:
            SettingError: an unknown mode, no artworks or rounds, more rounds than artworks, or one system to compare.
        """
        if self.mode not in PARTS:
            raise SettingError(f"the mode {self.mode!r}", f"one of {', '.join(PARTS)}", "Choose one of them.")
        if self.artworks < 1:
            raise SettingError(f"{self.artworks} artworks", "at least one", "Choose a larger number.")
        most = min(self.artworks, len(artworks))
        if not 1 <= self.rounds <= most:
            raise SettingError(
                f"{self.rounds} rounds over {most} artworks",
                f"1 to {most}, so that nobody rates a piece twice",
                "Choose another number of rounds, or add artworks.",
            )
        if "ab" in PARTS[self.mode] and len(systems) < 2:
            raise SettingError("one system", "at least two to compare", "Add one, or choose --mode rating.")
        return sorted(random.Random(self.seed).sample(sorted(artworks), most))

    def groups(self, part: Part, systems: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the systems, or pairs of systems, that a part balances."""
        return list(combinations(sorted(systems), 1 if part == "rating" else 2))

    def length(self, systems: Sequence[str]) -> int:
        """Return the number of pages for a listener."""
        mains = {part: self.rounds * len(self.groups(part, systems)) for part in PARTS[self.mode]}
        return sum(count + _repeats(part, count) + 1 for part, count in mains.items())


def plan(
    design: Design, systems: Sequence[str], artworks: Sequence[str], *, listener: int, given: Mapping[Cell, int]
) -> list[Trial]:
    """Return the trials of one listener.

    Each system, and each pair of systems, appears `rounds` times, with the artworks that this listener has least and, among
    those, the artworks that earlier listeners had least with it. So within a part the artworks' numbers differ by one at
    most, and over all listeners every cell appears about equally often. If there are several artworks, none comes twice in a
    row, hidden repeats aside. In a pair, each system comes first about equally often. The last third of the ratings has
    hidden repeats of ratings from the first third, and each part has one page that asks for a given answer.

    Args:
        design: settings of the study.
        systems: names of the systems.
        artworks: ids of the artworks.
        listener: number of the listener, which seeds the order together with the study's seed.
        given: number of times each cell was given to earlier listeners.
    """
    draw = random.Random(f"{design.seed}/{listener}")
    trials: list[Trial] = []
    for part in PARTS[design.mode]:
        groups = design.groups(part, systems)
        cells = _cells(groups, design.rounds, artworks, given, draw)
        mains = [Trial(part, "main", artwork, order) for artwork, order in _sides(cells, draw)]
        trials += _with_checks(part, mains, draw)
    return trials


def cells_of(trials: Iterable[Trial]) -> Counter[Cell]:
    """Count the main trials of each cell."""
    return Counter(Cell(trial.artwork, tuple(sorted(trial.systems))) for trial in trials if trial.kind == "main")


def _cells(
    groups: list[tuple[str, ...]], rounds: int, artworks: Sequence[str], given: Mapping[Cell, int], draw: random.Random
) -> list[Cell]:
    """Return `rounds` cells of each group, drawn group by group, so that the artworks' numbers differ by one at most."""
    used: Counter[str] = Counter()
    chosen: dict[tuple[str, ...], list[str]] = {}
    for group in draw.sample(groups, len(groups)):
        ranks = {artwork: (used[artwork], given.get(Cell(artwork, group), 0), draw.random()) for artwork in artworks}
        chosen[group] = sorted(artworks, key=ranks.__getitem__)[:rounds]
        used.update(chosen[group])
    return _ordered(chosen, draw)


def _ordered(chosen: Mapping[tuple[str, ...], Sequence[str]], draw: random.Random) -> list[Cell]:
    """Return each group once a round in random order, the artworks that are left most often first."""
    left = {group: list(artworks) for group, artworks in chosen.items()}
    cells: list[Cell] = []
    while most := max(map(len, left.values())):
        last = cells[-1].artwork if cells else None
        often = Counter(artwork for artworks in left.values() for artwork in artworks)
        free = [Cell(artwork, group) for group, own in left.items() if len(own) == most for artwork in own]
        ranks = {cell: (cell.artwork == last, -often[cell.artwork], draw.random()) for cell in free}
        cells.append(min(free, key=ranks.__getitem__))
        left[cells[-1].systems].remove(cells[-1].artwork)
    return cells


def _sides(cells: list[Cell], draw: random.Random) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield each cell's artwork and systems in playing order, which alternates for each group from a random start."""
    turned = {group: draw.random() < 0.5 for group in sorted({cell.systems for cell in cells})}
    for artwork, group in cells:
        yield artwork, group[::-1] if turned[group] else group
        turned[group] = not turned[group]


def _repeats(part: Part, mains: int) -> int:
    return min(REPEATS, mains // 3) if part == "rating" else 0


def _with_checks(part: Part, mains: list[Trial], draw: random.Random) -> list[Trial]:
    third = len(mains) // 3
    wanted = draw.choice((1, 2, 4, 5)) if part == "rating" else draw.choice((1, 2))
    extra = [trial._replace(kind="repeat") for trial in draw.sample(mains[:third], _repeats(part, len(mains)))]
    extra.append(draw.choice(mains)._replace(kind="check", wanted=wanted))
    trials = list(mains)
    for trial in extra:
        trials.insert(draw.randint(len(mains) - third, len(trials)), trial)
    return trials
