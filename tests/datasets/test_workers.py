from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from math import factorial
from multiprocessing import active_children
from pathlib import Path

import psutil
import pytest
import torch

from art2mus_core.datasets.workers import FEW, POOLS, spread
from art2mus_core.errors import Art2MusError, AudioError


@pytest.mark.parametrize(("count", "workers"), [(0, 2), (FEW, 2), (FEW + 1, 1)])
def test_few_items_or_one_worker_need_no_processes(count: int, workers: int):
    assert [told[:2] for told in spread(tell, range(count), workers)] == [
        (factorial(item), os.getpid()) for item in range(count)
    ]


def tell(item: int) -> tuple[int, int, int, list[str | None]]:
    if item < 0:
        raise AudioError(f"sound {item}", "another", "Take that.")
    return factorial(item), os.getpid(), torch.get_num_threads(), [os.environ.get(name) for name in POOLS]


def test_many_items_are_worked_on_elsewhere_in_order_by_one_thread_each_and_errors_come_back(monkeypatch):
    monkeypatch.setenv(POOLS[0], "7")
    monkeypatch.delenv(POOLS[1], raising=False)
    told = spread(tell, [*range(2 * FEW), -1], 2)
    results, processes, threads, pools = zip(*(next(told) for _ in range(2 * FEW)), strict=True)
    assert list(results) == [factorial(item) for item in range(2 * FEW)]
    assert os.getpid() not in processes
    assert set(threads) == {1}
    assert list(pools) == [["1"] * len(POOLS)] * (2 * FEW)
    with pytest.raises(AudioError, match=r"^sound -1; expected another"):
        next(told)
    assert os.environ[POOLS[0]] == "7"
    assert POOLS[1] not in os.environ


@pytest.mark.parametrize("last", [FEW, 3 * FEW])
def test_a_process_that_is_killed_is_an_error_that_says_what_to_do(last: int):
    """Among the first items, and while further ones are submitted."""
    with pytest.raises(Art2MusError, match=r"^one of 2 worker processes ended abruptly.*`--workers`") as found:
        list(spread(partial(end_abruptly_at, last), range(4 * FEW), 2))
    assert "\n" not in str(found.value)


def end_abruptly_at(last: int, item: int) -> int:
    if item == last:
        os._exit(9)
    return item


def test_the_processes_end_with_a_parent_that_is_killed(tmp_path):
    """They may be in the middle of long work."""
    marks = tmp_path / "marks"
    marks.mkdir()
    code = (
        "from functools import partial; from pathlib import Path; from art2mus_core.datasets.workers import spread\n"
        "from tests.datasets.sleeping import sleep_long\n"
        f"if __name__ == '__main__': list(spread(partial(sleep_long, {str(marks)!r}), range(40), 2))"
    )
    script = tmp_path / "parent.py"
    script.write_text(code, encoding="utf-8")
    root = str(Path(__file__).parents[2])
    with subprocess.Popen([sys.executable, script], env={**os.environ, "PYTHONPATH": root}) as parent:
        waited(lambda: len(list(marks.iterdir())) == 2)
        parent.kill()
    workers = [int(mark.name) for mark in marks.iterdir()]
    waited(lambda: not any(map(runs, workers)))


def runs(process: int) -> bool:
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def waited(happened, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.skipif(os.name != "posix", reason="work is interrupted by a signal")
def test_work_is_interrupted_and_tidied_up_when_no_more_results_are_wanted(tmp_path):
    results = spread(partial(tidy_up, str(tmp_path)), range(40), 2, few=1)
    assert next(results) == 0
    waited(lambda: len(list(tmp_path.glob("begun-*"))) == 2)
    children = active_children()
    results.close()
    begun, tidied = (
        {path.name.partition("-")[2] for path in tmp_path.glob(f"{name}-*")} for name in ("begun", "tidied")
    )
    assert begun == tidied
    assert len(begun) < 39
    assert children
    assert not [child for child in children if child.is_alive()]


def tidy_up(marks: str, item: int) -> int:
    if item:
        Path(marks, f"begun-{item}").touch()
        try:
            time.sleep(600)
        finally:
            time.sleep(0.5)  # interrupted again meanwhile
            Path(marks, f"tidied-{item}").touch()
    return item


def test_few_items_are_worked_on_elsewhere_if_that_is_asked_for():
    assert os.getpid() not in [told[1] for told in spread(tell, range(2), 2, few=1)]
    assert [told[1] for told in spread(tell, range(1), 2, few=1)] == [os.getpid()]
