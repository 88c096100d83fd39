from __future__ import annotations

import os
from math import factorial

import pytest
import torch

from art2mus_core.datasets.workers import CHUNK, spread


@pytest.mark.parametrize(("count", "workers"), [(0, 2), (CHUNK, 2), (CHUNK + 1, 1)])
def test_few_items_or_one_worker_need_no_processes(count: int, workers: int):
    assert [told[:2] for told in spread(tell, range(count), workers)] == [
        (factorial(item), os.getpid()) for item in range(count)
    ]


def tell(item: int) -> tuple[int, int, int]:
    return factorial(item), os.getpid(), torch.get_num_threads()


def test_many_items_are_worked_on_elsewhere_in_order_by_one_thread_each():
    told = spread(tell, [*range(2 * CHUNK), -1], 2)
    first = [next(told) for _ in range(2 * CHUNK)]
    assert [result for result, _, _ in first] == [factorial(item) for item in range(2 * CHUNK)]
    assert os.getpid() not in {process for _, process, _ in first}
    assert {threads for _, _, threads in first} == {1}
    with pytest.raises(ValueError, match="negative"):
        next(told)
