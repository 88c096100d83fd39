from __future__ import annotations

import os
from math import factorial

import pytest
import torch

from art2mus_core.datasets.workers import CHUNK, POOLS, spread
from art2mus_core.errors import AudioError


@pytest.mark.parametrize(("count", "workers"), [(0, 2), (CHUNK, 2), (CHUNK + 1, 1)])
def test_few_items_or_one_worker_need_no_processes(count: int, workers: int):
    assert [told[:2] for told in spread(tell, range(count), workers)] == [
        (factorial(item), os.getpid()) for item in range(count)
    ]


def tell(item: int) -> tuple[int, int, int]:
    return factorial(item), os.getpid(), torch.get_num_threads()


def ask(item: int) -> list[str | None]:
    return [os.environ.get(name) for name in POOLS]


def refuse(item: int) -> None:
    raise AudioError(f"sound {item}", "another", "Take that.")


def test_libraries_take_one_thread_there_and_as_many_as_before_here(monkeypatch):
    monkeypatch.setenv(POOLS[0], "7")
    monkeypatch.delenv(POOLS[1], raising=False)
    assert list(spread(ask, range(CHUNK + 1), 2)) == [["1"] * len(POOLS)] * (CHUNK + 1)
    assert os.environ[POOLS[0]] == "7"
    assert POOLS[1] not in os.environ


def test_an_error_comes_back_as_it_is():
    with pytest.raises(AudioError, match=r"^sound 0; expected another"):
        list(spread(refuse, range(CHUNK + 1), 2))


def test_many_items_are_worked_on_elsewhere_in_order_by_one_thread_each():
    told = spread(tell, [*range(2 * CHUNK), -1], 2)
    first = [next(told) for _ in range(2 * CHUNK)]
    assert [result for result, _, _ in first] == [factorial(item) for item in range(2 * CHUNK)]
    assert os.getpid() not in {process for _, process, _ in first}
    assert {threads for _, _, threads in first} == {1}
    with pytest.raises(ValueError, match="negative"):
        next(told)
