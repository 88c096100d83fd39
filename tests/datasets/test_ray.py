"""The engine on a real Ray of this machine, with two processes."""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from PIL import Image

from art2mus_core.datasets import ray_workers
from art2mus_core.datasets.embedding import embed
from art2mus_core.datasets.engines import engine
from art2mus_core.datasets.listing import list_source
from art2mus_core.datasets.ray_workers import ATTEMPTS, TOGETHER, WAITS, spread
from art2mus_core.datasets.scanning import scan_artworks
from art2mus_core.errors import Art2MusError, AudioError

ray = pytest.importorskip("ray", reason="the extra ray is not installed")

PICTURES = 601


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of pictures, two of them damaged."""
    folder = tmp_path_factory.mktemp("pictures")
    drawn = np.random.default_rng(0)
    for number in range(PICTURES):
        Image.fromarray(drawn.integers(0, 256, (30, 46, 3), np.uint8)).save(folder / f"{number:03d}.png")
    (folder / "007.png").write_text("no picture", encoding="utf-8")
    (folder / "600.png").write_bytes((folder / "599.png").read_bytes()[:900])
    return folder


@pytest.fixture(scope="module")
def running():
    """One Ray for several tests: it takes seconds to start."""
    with ray_workers._running(2):
        with warnings.catch_warnings(action="ignore"):  # Ray warns itself of a default of its own
            ray.data.DataContext.get_current()
        yield


def scanned(pictures: Path, data: Path, name: str) -> dict[str, bytes]:
    """The files of a scan, by their names."""
    found = scan_artworks(list_source(data, "artworks", pictures, "folder"), data, engine(name, 2))
    assert found == {"files": PICTURES, "usable": PICTURES - 2, "damaged": 2}
    return {path.relative_to(data).as_posix(): path.read_bytes() for path in data.rglob("*") if path.is_file()}


def kill_a_worker() -> None:
    """Kill a process of Ray that is at work."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for process in psutil.Process().children(recursive=True):
            if "_task" in " ".join(process.cmdline()):  # its title while it works; others have the name of Ray's part
                process.send_signal(signal.SIGKILL)
                return
    pytest.fail("no process of Ray was at work")


def test_a_process_that_is_killed_loses_nothing_and_doubles_nothing(running, pictures, tmp_path, monkeypatch):
    local = scanned(pictures, tmp_path / "local", "local")
    undisturbed = scanned(pictures, tmp_path / "ray", "ray")
    taken = Counter[str]()
    results = ray_workers._results

    def disturbed(*given):
        for (row,) in results(*given):
            taken[row.id] += 1
            yield [row]
            if taken.total() in {1, 99}:
                kill_a_worker()

    monkeypatch.setattr(ray_workers, "_results", disturbed)
    assert scanned(pictures, tmp_path / "killed", "ray") == undisturbed == local
    assert len(taken) == PICTURES
    assert set(taken.values()) == {1}


def test_errors_come_back_as_they_are_in_the_order_of_the_items(running):
    told = spread(tell, [*range(3 * TOGETHER), -1, 5], 2)
    results, processes, threads = zip(*(next(told) for _ in range(3 * TOGETHER)), strict=True)
    assert list(results) == [item**2 for item in range(3 * TOGETHER)]
    assert os.getpid() not in processes
    assert set(threads) == {1}
    with pytest.raises(AudioError, match=r"^sound -1; expected another\. Take that\.$"):
        next(told)


def tell(item: int) -> tuple[int, int, int]:
    if item < 0:
        raise AudioError(f"sound {item}", "another", "Take that.")
    return item**2, os.getpid(), torch.get_num_threads()


def test_windows_follow_each_other(running, monkeypatch):
    monkeypatch.setattr(ray_workers, "WINDOW", 7)
    drawn = list[int]()
    results = spread(tell, (drawn.append(item) or item for item in range(16)), 2)
    assert next(results)[0] == 0
    assert len(drawn) == 7
    assert [result[0] for result in results] == [item**2 for item in range(1, 16)]


def test_work_that_ends_its_process_again_and_again_is_an_error(running, tmp_path):
    with pytest.raises(Art2MusError, match=r"^work on 1 items, the first of which is .*, ended its process 3 times"):
        list(spread(end_abruptly, [str(tmp_path)], 2))
    assert len(list(tmp_path.iterdir())) == ATTEMPTS


def end_abruptly(marks: str) -> None:
    Path(marks, str(os.getpid())).touch()
    os._exit(9)


def test_pictures_are_embedded_as_by_the_local_engine(running, pictures, pocket_like, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    for number in range(37):
        (few / f"{number:03d}.png").write_bytes((pictures / f"{number + 10:03d}.png").read_bytes())
    vectors = list[bytes]()
    for name in ("local", "ray"):
        data = tmp_path / name
        scan_artworks(list_source(data, "artworks", few, "folder"), data, engine("local", 1))
        assert embed(data, "artworks", pocket_like, engine(name, 2)) == {"rows": 37, "vectors": 37}
        vectors.append((data / "embeddings" / "artworks-tiny" / "000000.parquet").read_bytes())
    assert vectors[0] == vectors[1]


def test_a_start_that_fails_is_tried_again_and_the_last_error_is_told(monkeypatch):
    waits = list[float]()
    monkeypatch.setattr(ray, "init", lambda *_, **__: 1 / 0)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    monkeypatch.setattr(time, "sleep", waits.append)
    with pytest.raises(Art2MusError, match=r"^Ray did not start in 3 attempts \(division by zero\).*--engine local"):
        ray_workers._start(2)
    assert tuple(waits) == WAITS


def test_nothing_to_do_starts_nothing(monkeypatch):
    monkeypatch.setattr(ray_workers, "_running", lambda _: pytest.fail("Ray is started"))
    assert list(spread(tell, [], 2)) == []
