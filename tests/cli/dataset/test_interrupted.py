"""A run that is killed, whose disk is full, or whose files are damaged."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from art2mus_core.datasets.shards import Shards

from .folders import contents, fill

SCRIPT = "import sys\nfrom art2mus_core.cli import main\nif __name__ == '__main__': main(sys.argv[1:])"


def test_a_run_that_is_killed_again_and_again_ends_with_the_same_bytes(dataset, pocket_like, tmp_path, monkeypatch):
    """The main process, then one of its workers, at random moments; ART2MUS_KILLS asks for more."""
    monkeypatch.setattr("art2mus_core.datasets.shards.SIZE", 5)
    folders = fill(tmp_path / "sources", 20)
    whole, data = tmp_path / "whole", tmp_path / "killed"
    made = ["make", *folders, "--encoder", pocket_like]
    assert dataset(*made, "--out", whole, "--workers", 1)[0] == 0
    script = tmp_path / "run.py"
    script.write_text("import art2mus_core.datasets.shards as s; s.SIZE = 5\n" + SCRIPT, encoding="utf-8")
    command = [sys.executable, script, "dataset", *made, "--out", data]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    moments = random.Random(0)
    for kill in range(int(os.environ.get("ART2MUS_KILLS", "2"))):
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            time.sleep(moments.uniform(2, 7))
            victims = children(process.pid) if kill % 2 else []
            os.kill(victims[0] if victims else process.pid, signal.SIGKILL)
            process.communicate(timeout=120)
    assert dataset(*made, "--out", data, "--workers", 1)[0] == 0
    assert contents(data) == contents(whole)


def children(process: int) -> list[int]:
    try:
        return [each.pid for each in psutil.Process(process).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@pytest.mark.parametrize("stage", ["music", "artworks-tiny"])
def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(stage, dataset, pocket_like, tmp_path, monkeypatch):
    """Then the same command resumes, to the same bytes."""
    resource = pytest.importorskip("resource", reason="Windows has no limit to the size of files")
    monkeypatch.setattr("art2mus_core.datasets.shards.SIZE", 5)
    folders = fill(tmp_path / "sources", 7)
    whole, data = tmp_path / "whole", tmp_path / "full"
    made = ["make", *folders, "--encoder", pocket_like, "--workers", "1"]
    assert dataset(*made, "--out", whole)[0] == 0
    finish, limits = Shards._finish, resource.getrlimit(resource.RLIMIT_FSIZE)

    def finish_until_full(shards: Shards, shard: Any, now: Any) -> None:
        """From the second shard of the stage on, the system writes no more than the first 1,000 bytes of a file."""
        if shards.folder.name == stage and shard.index == 1:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
        finish(shards, shard, now)

    with monkeypatch.context() as patch:
        patch.setattr(Shards, "_finish", finish_until_full)
        try:
            code, out, err = dataset(*made, "--out", data)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    place = (data / ("scan/music" if stage == "music" else "embeddings/artworks-tiny")).as_posix()
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"art2mus: {place}\S* cannot be written \(.*\); expected .* Make room, .* it resumes\.\n", err)
    assert sorted(path.name for path in Path(place).iterdir()) == ["000000.json", "000000.parquet"]
    assert not [*data.rglob("*.partial")]
    assert dataset(*made, "--out", data)[0] == 0
    assert contents(data) == contents(whole)


def test_a_damaged_shard_is_made_again(dataset, pocket_like, tmp_path):
    data, (pictures, sounds) = tmp_path / "data", fill(tmp_path / "sources", 4)
    made = ["make", pictures, sounds, "--out", data, "--encoder", pocket_like, "--workers", 1]
    dataset(*made)
    whole = {path: path.read_bytes() for path in data.rglob("*.*") if path.is_file()}
    shards = [data / "scan" / "music" / "000000.parquet", data / "embeddings" / "artworks-tiny" / "000000.parquet"]
    for damaged in shards:
        damaged.write_bytes(whole[damaged][: len(whole[damaged]) // 2])
    (data / "embeddings" / "music-tiny" / "000000.json").write_text('{"made_from": "?"}', encoding="utf-8")
    assert dataset(*made)[0] == 0
    assert {path: path.read_bytes() for path in data.rglob("*.*") if path.is_file()} == whole
