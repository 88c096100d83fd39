"""A table of weights that was pickled, in every state that a download can leave it in."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import pytest
import torch
from torch import nn

from art2mus_core.checkpoints.pickles import read_pickle
from art2mus_core.errors import CheckpointError

WEIGHTS = {"a.weight": torch.arange(6.0).view(2, 3), "a.bias": torch.ones(2, dtype=torch.float16)}


@pytest.fixture(params=[True, False], ids=["archive", "bare pickle"])
def path(request, tmp_path):
    torch.save(WEIGHTS, tmp_path / "w.pt", _use_new_zipfile_serialization=request.param)
    return tmp_path / "w.pt"


def refused(path, said):
    with pytest.raises(CheckpointError, match=said) as caught:
        read_pickle(path, "two weights", "Ask again.")
    assert caught.value.expected == "two weights"
    assert caught.value.remedy.endswith("Ask again.")


def test_a_table_comes_back(path):
    read = read_pickle(path, "", "")
    assert read.keys() == WEIGHTS.keys()
    assert all(torch.equal(read[key], WEIGHTS[key]) for key in WEIGHTS)


def test_an_archive_is_mapped_and_not_read(tmp_path):
    stored = torch.arange(1000.0)
    torch.save({"a": stored}, tmp_path / "w.pt")
    held = read_pickle(tmp_path / "w.pt", "", "")["a"]
    content = (tmp_path / "w.pt").read_bytes()
    start = content.index(stored.numpy().tobytes())
    with (tmp_path / "w.pt").open("r+b") as file:
        file.seek(start)
        file.write(torch.ones(1000).numpy().tobytes())
    assert held.sum() == 1000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n<!DOCTYPE html><html><body>404</body></html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "only points to a file in git"),
        (b"weights", "is not a file of weights"),
        (b"PK\x03\x04", "cut short"),
        (b"\x80\x02.", "cut short, damaged or not a file of weights|more than weights"),
    ],
    ids=str,
)
def test_what_is_no_file_of_weights_is_said(tmp_path, content, said):
    (tmp_path / "w.pt").write_bytes(content)
    refused(tmp_path / "w.pt", said)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_what_is_cut_short_is_refused(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    refused(path, "cut short|damaged")


def test_nothing_and_a_folder_are_told_apart(tmp_path):
    refused(tmp_path / "absent.pt", "does not exist")
    refused(tmp_path, "is a folder")


class Code:
    def __reduce__(self):
        return os.mkdir, ("ran",)


def test_a_program_does_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({**WEIGHTS, "c": Code()}, "archive.pt")
    (tmp_path / "bare.pt").write_bytes(pickle.dumps(Code(), protocol=2))
    torch.save(nn.Linear(3, 4), "module.pt")
    for name in ("archive.pt", "bare.pt", "module.pt"):
        refused(tmp_path / name, "could run as a program")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content", [[torch.ones(3)], {0: torch.ones(3)}, torch.ones(3)], ids=["list", "numbers", "one"]
)
def test_what_is_no_table_by_name_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "w.pt")
    refused(tmp_path / "w.pt", "no weights by name")


def test_weights_that_are_nowhere_are_refused(tmp_path):
    torch.save({"a": torch.ones(3, device="meta")}, tmp_path / "w.pt")
    refused(tmp_path / "w.pt", "without values")


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the address space as Linux has them")
def test_a_shortage_of_memory_is_not_blamed_on_the_file(tmp_path):
    """The file is whole; there is no room to map it."""
    path = tmp_path / "large.pt"
    torch.save({"x": torch.zeros(50_000_000)}, path)
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from art2mus_core.checkpoints.memory import available, is_shortage\n"
        "from art2mus_core.checkpoints.pickles import read_pickle\n"
        "taken = int(Path('/proc/self/status').read_text().split('VmSize:')[1].split()[0]) * 1024\n"
        "resource.setrlimit(resource.RLIMIT_AS, (taken + 10**8, taken + 10**8))\n"
        "try:\n"
        "    read_pickle(Path(sys.argv[1]), 'weights', 'Again.')\n"
        "except Exception as error:\n"
        "    print(is_shortage(error))\n"
    )
    command = [sys.executable, "-c", program, str(path)]
    answer = subprocess.run(command, capture_output=True, check=True, text=True)
    assert answer.stdout.strip() == "True", answer.stderr
