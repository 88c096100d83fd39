"""Weights are mapped from their file, and leave memory once they were converted."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from art2mus_core.checkpoints import mapped
from art2mus_core.checkpoints.mapped import Mapped
from art2mus_core.checkpoints.precision import holds
from art2mus_core.checkpoints.tensors import save_tensors


@pytest.fixture
def tensors(tmp_path):
    made = {f"part.{n}": torch.full((3, 5), float(n)) for n in range(7)}
    save_tensors(tmp_path / "model.safetensors", made)
    return made


@pytest.mark.parametrize("stretch", [0, 100, 10**9])
def test_every_tensor_is_there_however_often_the_file_is_opened(stretch, tensors, tmp_path, monkeypatch):
    opened, opening = [], mapped.opened
    monkeypatch.setattr(mapped, "STRETCH", stretch)
    monkeypatch.setattr(mapped, "opened", lambda path: opened.append(path) or opening(path))
    found = Mapped(tmp_path / "model.safetensors", {key.removeprefix("part."): key for key in tensors})
    assert list(found) == [key.removeprefix("part.") for key in tensors]
    assert len(found) == 7
    kept = dict(found.items())
    assert all(torch.equal(kept[key.removeprefix("part.")], value) for key, value in tensors.items())
    assert len(opened) == {0: 7, 100: 4, 10**9: 1}[stretch]


MEASURED = """
import sys
import torch
from pathlib import Path
from art2mus_core.checkpoints import mapped
from art2mus_core.checkpoints.strict import fill
from torch import nn

mapped.STRETCH = int(sys.argv[2])
with torch.device("meta"):
    network = nn.Sequential(*(nn.Linear(2000, 2000, bias=False) for _ in range(20)))
keys = {key: key for key in network.state_dict()}

def peak():
    told = Path("/proc/self/status").read_text(encoding="ascii")
    return int(told.partition("VmHWM:")[2].split()[0]) / 1e3

before = peak()
fill(network, mapped.Mapped(Path(sys.argv[1]), keys), Path(sys.argv[1]), None, dtype=torch.bfloat16)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory as Linux tells it")
def test_what_was_converted_leaves_memory(tmp_path):
    path = tmp_path / "model.safetensors"
    save_tensors(path, {f"{n}.weight": torch.zeros(2000, 2000) for n in range(20)})  # 320 MB, of which 160 stay

    def peak(stretch):
        command = [sys.executable, "-c", MEASURED, str(path), str(stretch)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert peak(10**9) > 440
    assert peak(30_000_000) < 300


def test_weights_stay_as_they_are_stored_where_that_saves_memory():
    kinds = (torch.float32, torch.bfloat16, torch.float16)
    assert [holds(torch.float32, stored) for stored in kinds] == [True, True, True]
    assert [holds(torch.bfloat16, stored) for stored in kinds] == [False, True, False]
    assert [holds(torch.float16, stored) for stored in kinds] == [False, False, True]
