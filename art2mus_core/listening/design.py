"""Who hears what, and in which order: balanced over systems, in random order, with checks of attention."""

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
"""What a listener is asked for in each mode, in this order: ratings first, so that comparisons don't colour them."""

QUESTIONS: dict[Part, dict[str, int]] = {
    "rating": {"quality": 5, "relevance": 5, "expressiveness": 5},
    "ab": {"preference": 2},
}
"""Questions of each part, and the highest answer; the lowest is 1."""

REPEATS = 2
"""Ratings that a listener is asked for twice without being told; fewer where there are fewer than six."""


class Cell(NamedTuple):
    """What a trial is about: an artwork, and the system that is rated or the two that are compared, in sorted order."""

    artwork: str
    systems: tuple[str, ...]


class Trial(NamedTuple):
    """One page that a listener sees.

    Attributes:
        part: a rating or a comparison.
        kind: `main` counts; `repeat` is an earlier rating again; `check` asks for one given answer.
        artwork: whose music is heard.
        systems: whose pieces are heard, in the order in which they are offered.
        wanted: the answer that a check asks for.
    """

    part: Part
    kind: Kind
    artwork: str
    systems: tuple[str, ...]
    wanted: int | None = None


@dataclass(frozen=True)
class Design:
    """What is settled when a study begins.

    Attributes:
        mode: ratings, comparisons (`ab`), or both.
        rounds: how often a listener hears each system, and each pair of systems.
        seed: of the artworks and all orders.
        artworks: how many the study is about, drawn from all; the fewer, the more listeners judge the same piece, and
            without that there is no agreement to be measured.
        matched: whether systems are made equally loud on average.
    """

    mode: str = "rating"
    rounds: int = 4
    seed: int = 0
    artworks: int = 20
    matched: bool = True

    def draw(self, systems: Sequence[str], artworks: Sequence[str]) -> list[str]:
        """The artworks that the study is about, sorted: all, or as many as it wants.

        Raises:
            SettingError: an unknown mode, no artworks or rounds, more rounds than artworks, or one system to compare.
        """
        if self.mode not in PARTS:
            raise SettingError(f"the mode {self.mode!r}", f"one of {', '.join(PARTS)}", "Choose one of them.")
        if self.artworks < 1:
            raise SettingError(f"{self.artworks} artworks", "at least one", "Ask for more.")
        most = min(self.artworks, len(artworks))
        if not 1 <= self.rounds <= most:
            raise SettingError(
                f"{self.rounds} rounds over {most} artworks",
                f"1 to {most}, so that nobody judges a piece twice",
                "Choose another number of rounds, or add artworks.",
            )
        if "ab" in PARTS[self.mode] and len(systems) < 2:
            raise SettingError("one system", "at least two to compare", "Add one, or choose --mode rating.")
        return sorted(random.Random(self.seed).sample(sorted(artworks), most))

    def groups(self, part: Part, systems: Sequence[str]) -> list[tuple[str, ...]]:
        """What is heard equally often in a part: systems, or pairs of them."""
        return list(combinations(sorted(systems), 1 if part == "rating" else 2))

    def length(self, systems: Sequence[str]) -> int:
        """Pages that a listener sees."""
        mains = {part: self.rounds * len(self.groups(part, systems)) for part in PARTS[self.mode]}
        return sum(count + _repeats(part, count) + 1 for part, count in mains.items())


def plan(
    design: Design, systems: Sequence[str], artworks: Sequence[str], *, listener: int, heard: Mapping[Cell, int]
) -> list[Trial]:
    """The trials of one listener.

    Each system, and each pair of systems, comes `rounds` times, with artworks that this listener has met least and, of
    these, with those that the listeners before have heard least with it: over listeners, all cells are heard about
    equally often. Of a pair, each system comes first about equally often. The last third of the ratings hides repeats
    of ratings from the first third, and each part holds one page that asks for a given answer.

    Args:
        design: of the study.
        systems: by name.
        artworks: by id.
        listener: number of the listener; with the seed, it draws the order.
        heard: how often each cell has been given to listeners before.
    """
    draw = random.Random(f"{design.seed}/{listener}")
    trials: list[Trial] = []
    for part in PARTS[design.mode]:
        groups = design.groups(part, systems)
        cells = _cells(groups, design.rounds, artworks, heard, draw)
        mains = [Trial(part, "main", artwork, order) for artwork, order in _sides(cells, draw)]
        trials += _with_checks(part, mains, draw)
    return trials


def cells_of(trials: Iterable[Trial]) -> Counter[Cell]:
    """How often main trials ask for each cell."""
    return Counter(Cell(trial.artwork, tuple(sorted(trial.systems))) for trial in trials if trial.kind == "main")


def _cells(
    groups: list[tuple[str, ...]], rounds: int, artworks: Sequence[str], heard: Mapping[Cell, int], draw: random.Random
) -> list[Cell]:
    """Every group once a round, in random order; no artwork twice in a row if the group has another left."""
    met: Counter[str] = Counter()
    cells: list[Cell] = []
    for group in (group for _ in range(rounds) for group in draw.sample(groups, len(groups))):
        free = [cell for artwork in artworks if (cell := Cell(artwork, group)) not in cells]
        last = cells[-1].artwork if cells else None
        ranks = {cell: (cell.artwork == last, met[cell.artwork], heard.get(cell, 0), draw.random()) for cell in free}
        cells.append(min(free, key=ranks.__getitem__))
        met[cells[-1].artwork] += 1
    return cells


def _sides(cells: list[Cell], draw: random.Random) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The cells with their systems in the order of hearing: each group alternates, from a random start."""
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
