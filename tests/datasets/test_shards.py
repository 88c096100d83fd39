from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from art2mus_core.datasets import shards as room
from art2mus_core.datasets.shards import Shards
from art2mus_core.types import Step


@dataclass(frozen=True)
class Square:
    value: int
    fault: str | None = None


class KilledError(BaseException):
    """What ends a run at once, like the death of its process."""


def write(path: Path, results: Sequence[Square]) -> None:
    path.write_text(json.dumps([[each.value, each.fault] for each in results]), encoding="utf-8")


def read(path: Path) -> list[Square]:
    return [Square(*each) for each in json.loads(path.read_text(encoding="utf-8"))]


def made(folder: Path, **made_with: Any) -> Shards[int, Square]:
    return Shards(folder, ".txt", write, read, lambda row: row, made_with)


class Work:
    """Squares; with rows that fail, and a row at which the run is killed."""

    def __init__(self, failing: Iterable[int] = (), killed_at: int | None = None) -> None:
        self.failing, self.killed_at, self.seen = set(failing), killed_at, list[list[int]]()

    def __call__(self, rows: Sequence[int]) -> list[Square]:
        self.seen.append(list(rows))
        if self.killed_at in rows:
            raise KilledError
        return [Square(row, "odd: this one") if row in self.failing else Square(row * row) for row in rows]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SIZE", 5)


def run(shards: Shards[int, Square], count: int, work: Callable, **options: Any) -> list[Step]:
    steps = list[Step]()
    shards.run(range(count), count, work, map, stage="square", on_step=steps.append, **options)
    return steps


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_every_row_has_its_result_in_order(tmp_path: Path):
    shards, work = made(tmp_path / "a"), Work()
    steps = run(shards, 13, work, batch=2)
    assert [each.value for each in shards.results(13)] == [row * row for row in range(13)]
    assert [(step.done, step.total) for step in steps][-1] == (13, 13)
    assert work.seen == [[0, 1], [2, 3], [4], [5, 6], [7, 8], [9], [10, 11], [12]]
    assert sorted(content(shards.folder)) == [
        f"{index:06d}.{suffix}" for index in range(3) for suffix in ("json", "txt")
    ]


@given(killed=st.lists(st.integers(0, 12), max_size=4), batch=st.integers(1, 6))
def test_a_run_that_was_killed_ends_with_the_same_bytes(killed: list[int], batch: int, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    run(made(folder / "whole"), 13, Work([3, 11]), batch=batch)
    shards = made(folder / "killed")
    for at in killed:
        try:
            run(shards, 13, Work([3, 11], killed_at=at), batch=batch)
        except KilledError:
            (shards.folder / ".0123456789abcdef.partial").write_text("half", encoding="utf-8")
    run(shards, 13, Work([3, 11]), batch=batch)
    assert content(shards.folder) == content(folder / "whole")


def test_finished_shards_are_not_made_again(tmp_path: Path):
    shards = made(tmp_path)
    with pytest.raises(KilledError):
        run(shards, 13, Work(killed_at=7))
    again = Work()
    steps = run(shards, 13, again)
    assert [row for rows in again.seen for row in rows] == list(range(5, 13))
    assert steps[0].done == 5
    assert run(shards, 13, Work(killed_at=0))[-1].done == 13


@pytest.mark.parametrize("damage", ["note", "file", "torn note"])
def test_a_shard_without_its_note_or_its_file_is_made_again(damage: str, tmp_path: Path):
    shards, again = made(tmp_path), Work()
    run(shards, 8, Work())
    path = shards.path(1) if damage == "file" else shards.path(1).with_suffix(".json")
    path.unlink()
    if damage == "torn note":
        path.write_text('{"made_from": ', encoding="utf-8")
    run(shards, 8, again)
    assert [row for rows in again.seen for row in rows] == [5, 6, 7]


def test_other_rows_or_other_weights_make_a_shard_again(tmp_path: Path):
    run(made(tmp_path, weights="a"), 8, Work())
    other, fewer = Work(), Work()
    run(made(tmp_path, weights="b"), 8, other)
    assert len(other.seen) == 8
    run(made(tmp_path, weights="b"), 4, fewer)
    assert fewer.seen == [[0], [1], [2], [3]]
    assert sorted(content(tmp_path)) == ["000000.json", "000000.txt"]


def test_faults_are_listed_by_kind_and_tried_again_one_by_one_on_request(tmp_path: Path):
    shards, silent, again = made(tmp_path), Work(killed_at=0), Work([11])
    run(shards, 13, Work([3, 4, 11]), batch=3)
    assert shards.faults(13) == {"odd": 3}
    assert shards.note(0)["failed"] == {"3": "odd: this one", "4": "odd: this one"}
    run(shards, 13, silent)
    steps = run(shards, 13, again, batch=3, retry=True)
    assert again.seen == [[3], [4], [11]]
    assert steps[-1].done == 13
    assert shards.faults(13) == {"odd": 1}
    assert [each.value for each in shards.results(13)] == [*(row * row for row in range(11)), 11, 144]


def test_each_row_with_a_fault_is_told_in_every_run(tmp_path: Path):
    """While its shard is made, when the shard is there already, and when the row fails again."""
    shards = made(tmp_path)
    for work, retry, expected in ((Work([3, 11]), False, [3, 11]), (Work(), False, [3, 11]), (Work([11]), True, [11])):
        told = list[tuple[int, str]]()
        run(shards, 13, work, retry=retry, on_fault=lambda *fault, told=told: told.append(fault))
        assert told == [(row, "odd: this one") for row in expected]


def test_results_of_an_engine_that_works_ahead_are_sorted_into_their_shards(tmp_path: Path):
    def ahead(work: Callable, items: Iterable) -> Iterable:
        return map(work, [*items])

    shards = made(tmp_path)
    shards.run(range(13), 13, partial(Work()), ahead, stage="square", batch=2)
    assert [each.value for each in shards.results(13)] == [row * row for row in range(13)]
