"""The checks of shapes and types notice what is wrong, in the forms that the core uses."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from .shapes import check_shapes, jaxtyped

SOURCE = """
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

Rows = Float64[np.ndarray, "_ dim"]


def product(a: Float64[np.ndarray, "n m"], b: Float64[np.ndarray, "m k"]) -> Float64[np.ndarray, "n k"]:
    return np.ones((len(a), b.shape[1] + (a[0, 0] == 7)))


def renamed(a: Rows, b: Rows) -> float:
    return 0.5


def sized(count: int) -> Float64[np.ndarray, "{count}"]:
    return np.zeros(3)


def each(a: Float64[np.ndarray, "n m"], b: Float64[np.ndarray, "m k"]) -> Iterator[float]:
    yield float(a.sum() + b.sum())


def plain(word: str) -> int:
    return word


def closure(values: list[int]) -> int:
    def inner(value: int) -> int:
        return value

    return sum(inner(value) for value in values) + inner("1")


class Table:
    def column(self, rows: Rows, width: int) -> Rows:
        return rows[:, :width]

    @property
    def name(self) -> str:
        return 3


@dataclass(frozen=True)
class Pair:
    a: Float64[np.ndarray, "n m"]
    b: Float64[np.ndarray, "m k"]
    name: str = ""
"""

SMALL, WIDE = np.ones((2, 3)), np.ones((3, 5))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    folder = tmp_path_factory.mktemp("watched")
    Path(folder / "watched_by_shapes.py").write_text(SOURCE)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.setattr(sys, "meta_path", [*sys.meta_path])
        check_shapes("watched_by_shapes")
        return importlib.import_module("watched_by_shapes")


def test_what_fits_passes(watched: ModuleType):
    assert watched.product(SMALL, WIDE).shape == (2, 5)
    assert watched.renamed(WIDE, np.ones((1, 5))) == 0.5
    assert watched.sized(3).shape == (3,)
    assert list(watched.each(SMALL, WIDE)) == [21.0]
    assert watched.Table().column(SMALL, 3).shape == (2, 3)
    assert watched.Pair(SMALL, WIDE, name="a").name == "a"
    with jaxtyped("context"):  # names of dimensions hold within a call alone
        assert watched.product(WIDE, np.ones((5, 1))).shape == (3, 1)
        assert watched.product(SMALL, WIDE).shape == (2, 5)


@pytest.mark.parametrize(
    "call",
    [
        lambda m: m.product(SMALL, SMALL),
        lambda m: m.product(7 * SMALL, WIDE),
        lambda m: m.product(SMALL, WIDE.astype(np.float32)),
        lambda m: m.product(SMALL, b=WIDE[0]),
        lambda m: m.renamed(SMALL, WIDE),
        lambda m: m.sized(4),
        lambda m: list(m.each(SMALL, SMALL)),
        lambda m: m.plain("a"),
        lambda m: m.plain(1),
        lambda m: m.closure([1]),
        lambda m: m.Table().column(SMALL, 2),
        lambda m: m.Table().name,
        lambda m: m.Pair(SMALL, SMALL),
        lambda m: m.Pair(SMALL, WIDE, name=3),
    ],
    ids=range(14),
)
def test_what_does_not_fit_is_noticed(watched: ModuleType, call):
    with pytest.raises(TypeCheckError):
        call(watched)


def test_the_core_is_watched():
    from art2mus_core.measure.sets.rows import unit

    with pytest.raises(TypeCheckError, match="violates type hint"):
        unit(np.ones(3))
