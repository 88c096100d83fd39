"""Weights are mapped from their file, and leave memory once they were converted."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from art2mus_core.checkpoints import mapped
from art2mus_core.checkpoints.folder import load_component
from art2mus_core.checkpoints.mapped import Mapped
from art2mus_core.checkpoints.precision import stays
from art2mus_core.checkpoints.tensors import save_tensors


@pytest.fixture
def tensors(tmp_path):
    made = {f"part.{n}": torch.full((3, 5), float(n)) for n in range(7)}
    save_tensors(tmp_path / "model.safetensors", made)
    return made


@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize("stretch", [0, 100, 10**9])
def test_every_tensor_is_there_however_often_the_file_is_opened(stretch, keep, tensors, tmp_path, monkeypatch):
    opened, opening = [], mapped.opened
    monkeypatch.setattr(mapped, "STRETCH", stretch)
    monkeypatch.setattr(mapped, "opened", lambda path: opened.append(path) or opening(path))
    keys = {key.removeprefix("part."): key for key in tensors}
    found = Mapped(tmp_path / "model.safetensors", keys, lambda key, tensor: keep)
    assert list(found) == [key.removeprefix("part.") for key in tensors]
    assert len(found) == 7
    kept = dict(found.items())
    assert all(torch.equal(kept[key.removeprefix("part.")], value) for key, value in tensors.items())
    assert len(opened) == (1 if keep else {0: 7, 100: 4, 10**9: 1}[stretch])


MEASURED = """
import sys
import torch
from pathlib import Path
from art2mus_core.checkpoints import mapped
from art2mus_core.checkpoints.folder import load_component
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
fill(network, mapped.Mapped(Path(sys.argv[1]), keys, lambda key, tensor: False), Path(sys.argv[1]), None, dtype=torch.bfloat16)
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


@pytest.mark.parametrize("stored", [False, True])
def test_weights_stay_as_they_are_stored_where_that_saves_memory(stored):
    kinds = (torch.float32, torch.bfloat16, torch.float16, torch.int64)
    kept = {dtype: [stays(own, dtype, stored=stored) for own in kinds] for dtype in kinds[:3]}
    assert kept[torch.float32] == [True, stored, stored, True]
    assert kept[torch.bfloat16] == [False, True, False, True]
    assert kept[torch.float16] == [False, False, True, True]


def mappings(path):
    return sum(path.name in line for line in Path("/proc/self/maps").read_text(encoding="ascii").splitlines())


@pytest.mark.skipif(sys.platform != "linux", reason="mappings as Linux lists them")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_a_network_that_keeps_its_weights_maps_their_file_once(dtype, tmp_path, monkeypatch):
    monkeypatch.setattr(mapped, "STRETCH", 100)
    path = tmp_path / "part" / "model.safetensors"
    build = lambda _: nn.Sequential(*(nn.Linear(50, 50) for _ in range(5)))  # noqa: E731
    save_tensors(path, build({}).state_dict())
    (tmp_path / "part" / "config.json").write_text("{}")
    network = load_component(tmp_path, "part", build, dtype=dtype)
    assert network[0].weight.dtype == dtype
    gc.collect()
    assert mappings(path) == (1 if dtype == torch.float32 else 0)
