from __future__ import annotations

import os
import platform
import subprocess
import sys

import psutil
import pytest
import torch

from art2mus_core.checkpoints.folder import load_component, save_tensors, weights_file
from art2mus_core.checkpoints.memory import allocating, available, check_memory, keep_freed, total
from art2mus_core.checkpoints.weighing import needed
from art2mus_core.conditioning.language import is_word_embedding
from art2mus_core.diffusion.denoiser import build_unet
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.networks.gpt2 import GPT2

GB = 10**9


def held(network):
    return sum(tensor.numel() * tensor.itemsize for tensor in network.state_dict().values())


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_what_is_needed_is_what_is_taken(published_like, dtype):
    unet = load_component(published_like, "unet", build_unet, dtype=dtype)
    model = load_component(published_like, "language_model", GPT2, dtype=dtype)
    assert needed(published_like, ["unet"], dtype) == held(unet)
    assert needed(published_like, ["unet", "language_model"], dtype) == held(unet) + held(model)


def test_whole_numbers_keep_their_width_and_what_is_not_wanted_takes_nothing(tmp_path):
    tensors = {"wte.weight": torch.zeros(100), "x": torch.zeros(3, 7), "count": torch.zeros(5, dtype=torch.int64)}
    save_tensors(weights_file(tmp_path, "part"), tensors)
    assert needed(tmp_path, ["part"], torch.float16, unused=is_word_embedding) == 2 * 21 + 8 * 5


@pytest.mark.skipif(sys.platform != "linux", reason="files with holes and peak memory as Linux has them")
def test_only_the_header_is_read(tmp_path):
    import resource

    header = b'{"x":{"dtype":"F32","shape":[4,250000000],"data_offsets":[0,4000000000]}}'
    path = weights_file(tmp_path, "part")
    path.parent.mkdir()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    os.truncate(path, 8 + len(header) + 4 * GB)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert needed(tmp_path, ["part"], torch.bfloat16) == 2 * GB
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


def test_damaged_weights_are_an_error(own_checkpoint):
    path = weights_file(own_checkpoint, "unet")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="damaged"):
        needed(own_checkpoint, ["unet"], torch.float32)


def test_too_little_memory_is_refused_with_both_numbers():
    with pytest.raises(SettingError, match=r"audioldm2 takes 3\.20 GB of memory, and 1\.50 GB are free.*bfloat16"):
        check_memory(int(3.2 * GB), "audioldm2", free=int(1.5 * GB))


def test_enough_memory_is_not():
    check_memory(GB, "audioldm2", free=GB)
    check_memory(1, "a byte")


def test_this_machine_is_measured():
    assert 0 < available() <= total()


def write(root, files):
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, encoding="ascii")


INNER = "sys/fs/cgroup/outer/inner"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"sys/fs/cgroup/memory.max": "5000\n", "sys/fs/cgroup/memory.current": "2000\n"}, 3000),
        ({"sys/fs/cgroup/memory.max": "5000\n", "sys/fs/cgroup/memory.current": "6000\n"}, 0),
        (
            {
                "proc/self/cgroup": "0::/outer/inner\n",
                f"{INNER}/memory.max": "5000\n",
                f"{INNER}/memory.current": "2000\n",
                f"{INNER}/memory.stat": "anon 800\ninactive_file 700\n",
                "sys/fs/cgroup/outer/memory.max": "9000\n",
                "sys/fs/cgroup/outer/memory.current": "2000\n",
            },
            3700,
        ),
        (
            {
                "proc/self/cgroup": "4:memory:/outer\n",
                "sys/fs/cgroup/memory/memory.limit_in_bytes": "5000\n",
                "sys/fs/cgroup/memory/memory.usage_in_bytes": "2000\n",
                "sys/fs/cgroup/memory/memory.stat": "inactive_file 1\ntotal_inactive_file 300\n",
            },
            3300,
        ),
    ],
    ids=["container", "over its limit", "nested", "first version"],
)
def test_the_least_of_machine_and_container_counts(tmp_path, files, expected):
    write(tmp_path, files)
    assert available(tmp_path) == expected


@pytest.mark.parametrize("files", [{}, {"sys/fs/cgroup/memory.max": "max\n", "sys/fs/cgroup/memory.current": "77\n"}])
def test_without_a_limit_the_memory_of_the_machine_counts(tmp_path, files):
    write(tmp_path, files)
    assert available(tmp_path) == pytest.approx(psutil.virtual_memory().available, rel=0.5)


def test_asking_for_free_memory_does_not_wait_for_torch():
    program = "import sys; from art2mus_core.checkpoints.memory import available; available(); assert 'torch' not in sys.modules"

    subprocess.run([sys.executable, "-c", program], check=True)


TOO_MUCH = {
    "torch": lambda: torch.empty(10**15),
    "python": lambda: bytearray(10**17),
    "a card": lambda: (_ for _ in ()).throw(torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")),
}


@pytest.mark.parametrize("take", TOO_MUCH.values(), ids=TOO_MUCH)
def test_memory_that_ends_is_told_in_words(take):
    place = "the graphics card;" if take is TOO_MUCH["a card"] else "the memory"
    with (
        pytest.raises(SettingError, match=f"a piece of 60 s does not fit into .*{place}.*bfloat16") as caught,
        allocating("a piece of 60 s"),
    ):
        take()
    assert caught.value.__cause__ is not None
    assert caught.value.__cause__.__traceback__ is None
    if sys.platform == "linux" and take is not TOO_MUCH["a card"]:
        assert "GB are free" in caught.value.came


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), OSError("no such file"), KeyError("x")], ids=str)
def test_other_errors_pass(error):
    with pytest.raises(type(error)) as caught, allocating("a piece"):
        raise error
    assert caught.value is error


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the address space as Linux has them")
@pytest.mark.parametrize("room", [GB, 6 * GB], ids=["for nothing", "for one of two mappings"])
def test_memory_that_ends_while_a_file_is_opened_is_no_damage(tmp_path, room):
    header = b'{"x":{"dtype":"F32","shape":[250,4000000],"data_offsets":[0,4000000000]}}'
    (tmp_path / "x.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    os.truncate(tmp_path / "x.safetensors", 8 + len(header) + 4 * GB)
    program = (
        "import resource, sys; from pathlib import Path\n"
        "from art2mus_core.checkpoints.memory import allocating\n"
        "from art2mus_core.checkpoints.tensors import read_tensors\n"
        "from art2mus_core.errors import SettingError\n"
        "taken = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (taken + int(sys.argv[2]),) * 2)\n"
        "try:\n"
        "    with allocating('a network'): read_tensors(Path(sys.argv[1]))\n"
        "except SettingError as error: print(error)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "x.safetensors"), str(room)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "a network does not fit into the memory" in said


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the address space as Linux has them")
def test_a_limit_of_addresses_is_what_is_free():
    """As `ulimit -v` sets it: what a whole file needs that is mapped counts too."""
    program = (
        "import resource\n"
        "from art2mus_core.checkpoints.memory import available\n"
        "before = available()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (600 * 10**6, 600 * 10**6))\n"
        "print(before, available())\n"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    before, after = map(int, answer.stdout.split())
    assert 0 < after < 600 * 10**6 < before


FREED = """
import resource
import torch
from art2mus_core.checkpoints.memory import keep_freed

keep_freed()
for turn in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    tensors = [torch.ones(250_000) for _ in range(200)]
    del tensors
    print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's memory")
def test_memory_that_was_freed_is_used_again():
    told = subprocess.run([sys.executable, "-c", FREED], check=True, capture_output=True, text=True).stdout
    first, again = map(int, told.split())
    assert first > 10_000
    assert again < 0.1 * first


def test_where_there_is_no_such_option_nothing_happens(monkeypatch):
    monkeypatch.setattr("ctypes.CDLL", lambda _: None)
    keep_freed()
