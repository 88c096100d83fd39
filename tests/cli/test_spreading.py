"""The pictures of a folder are composed in several processes, to the same files."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

from art2mus_core.checkpoints.folder import weights_file
from art2mus_core.cli import spreading
from art2mus_core.cli.composing import Request
from art2mus_core.cli.outcomes import Outcome
from art2mus_core.cli.planning import Job
from art2mus_core.errors import SettingError
from art2mus_core.pipelines import load
from art2mus_core.pipelines.choice import Choice

from .saying import one_line as is_one_line
from .saying import written

ROOT = Path(__file__).parents[2]
ALONE = ("--seconds", "41", "--steps", "1")
"""Settings with which each artwork is a group of its own."""

posix = pytest.mark.skipif(os.name != "posix", reason="sends signals as a terminal does")


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def one_line(text: str) -> bool:
    """Whether this is one line besides the progress on a slow machine."""
    lines = text.splitlines(keepends=True)
    return is_one_line("".join(line for line in lines if not line.startswith("art2mus: compose: ")))


def environment() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def document(out: str) -> dict:
    """The report without what differs between two runs: folders and seconds."""
    told = json.loads(out.splitlines()[-1])
    assert told.pop("elapsed_seconds") > 0
    return told | {
        "pieces": [{**piece, "file": Path(piece["file"]).name} for piece in told["pieces"]],
        "stages": sorted(told["stages"]),
    }


def contents(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_files_and_report_are_those_of_one_process(art2mus, paintings, one_thread):
    outs = list[str]()
    for workers in (1, 2):
        code, out, err = art2mus("compose", paintings, "-o", str(workers), *ALONE, "--workers", workers, "--json")
        assert (code, err) == (0, "")
        outs.append(out)
    assert sorted(contents("1")) == ["dawn.flac", "dusk.flac", "noon.flac"]
    assert contents("1") == contents("2")
    assert document(outs[0]) == document(outs[1])


def test_workers_without_a_batch_are_told(art2mus, paintings):
    code, out, err = art2mus("compose", paintings, "-o", "out", "--seconds", "1", "--steps", "1", "--workers", "4")
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "workers 4: 3 composed, one for each picture"


def test_an_artwork_that_fails_is_one_line_and_the_others_are_composed(art2mus, paintings):
    (paintings / "dusk.png").write_bytes((paintings / "dusk.png").read_bytes()[:99])
    Path("out/noon.flac").mkdir(parents=True)
    code, out, err = art2mus("compose", paintings, "-o", "out", *ALONE, "--workers", "2", "--json")
    assert code == 2
    assert one_line(err)
    assert "2 of 3 artworks have no music" in err
    assert [Path(each["artwork"]).name for each in json.loads(out)["failed"]] == ["dusk.png", "noon.png"]
    assert written() == ["out/dawn.flac"]


def test_what_is_wrong_with_all_of_them_is_said_once():
    whole = Outcome("tiny", 0)
    for name in ("dawn", "dusk"):
        part = Outcome("tiny", 0, failed=[(Job(Path(name), ()), SettingError("the same", "another", "Do that."))])
        part.stages["denoise"] = 1.5
        whole.add(part)
    assert whole.stages == {"denoise": 3.0}
    with pytest.raises(SettingError, match="the same"):
        whole.check()


def test_damaged_weights_are_one_line_and_nothing_is_written(art2mus, paintings, own_checkpoint):
    path = weights_file(own_checkpoint, "unet")
    content = bytearray(path.read_bytes())
    content[-4000:] = b"\xff" * 4000  # not a number: found by the processes that compose
    path.write_bytes(content)
    code, out, err = art2mus("compose", paintings, "-o", "out", *ALONE, "--workers", "2", model=own_checkpoint)
    assert (code, out, written()) == (2, "", [])
    assert one_line(err)


def test_progress_counts_artworks(paintings, pocket_like, tmp_path):
    asked, groups = request(pocket_like, seconds=1.0, steps=1), jobs(paintings, tmp_path / "out")
    told = []
    outcome = spreading.run_spread(asked, groups, told.append, workers=2)
    assert [(step.stage, step.done, step.total) for step in told] == [("compose", done, 3) for done in (1, 2, 3)]
    assert len(outcome.pieces) == 3


def test_an_emulated_precision_is_told_once(art2mus, paintings, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    code, _, err = art2mus("compose", paintings, "-o", "out", *ALONE, "--workers", "2", "--precision", "bfloat16")
    assert code == 0
    assert one_line(err)
    assert "not known to support bfloat16" in err


def request(checkpoint: Path, device: str = "cpu", **chosen) -> Request:
    return Request(Choice(str(checkpoint)), torch.device(device), 0, {"seconds": 10.0, **chosen})


def jobs(paintings: Path, out: Path) -> list[list[Job]]:
    return [[Job(path, (out / f"{path.stem}.flac",))] for path in sorted(paintings.iterdir())]


@pytest.mark.parametrize(
    ("groups", "cores", "wanted", "device", "expected"),
    [
        (1, 8, None, "cpu", 1),
        (1, 8, 4, "cpu", 1),
        (7, 2, None, "cpu", 1),  # too little music for two
        (8, 2, None, "cpu", 2),
        (12, 6, None, "cpu", 3),
        (12, 7, None, "cpu", 1),  # most cores would be idle
        (3, 7, 2, "cpu", 2),
        (9, 4, 6, "cpu", 6),
        (16, 4, None, "meta", 1),
        (9, 4, 3, "meta", 3),
    ],
)
def test_workers_are_chosen_by_cores_and_groups(pocket_like, monkeypatch, groups, cores, wanted, device, expected):  # noqa: PLR0917
    monkeypatch.setattr(spreading, "_cores", lambda: cores)
    monkeypatch.setattr(spreading, "available", lambda: 10**12)
    several = [[Job(Path("a.png"), ())]] * groups
    assert spreading.choose_workers(request(pocket_like, device), several, wanted) == expected


def test_a_faster_model_is_worth_fewer_processes(monkeypatch):
    monkeypatch.setattr(spreading, "_cores", lambda: 2)
    monkeypatch.setattr(spreading, "available", lambda: 10**12)
    counts = {}
    for model in ("pocket", "art2music"):
        for pictures in (9, 48):
            several = [[Job(Path("a.png"), ())]] * pictures
            counts[model, pictures] = spreading.choose_workers(request(model), several, None)
    assert counts == {("pocket", 9): 2, ("pocket", 48): 2, ("art2music", 9): 1, ("art2music", 48): 2}


def test_workers_are_limited_by_memory(pocket_like, monkeypatch):
    several = [[Job(Path("a.png"), ())] * 8] * 9
    monkeypatch.setattr(spreading, "_cores", lambda: 8)
    pipeline = load(str(pocket_like))
    weights = sum(pipeline.parts.weights(pipeline.NETWORKS).values())
    each = spreading.PROCESS + weights + max(pipeline.working(10.0, 8).values())
    for free, expected in ((3.5 * each, 3), (0.5 * each, 1)):
        monkeypatch.setattr(spreading, "available", lambda free=free: int(free))
        assert spreading.choose_workers(request(pocket_like), several, None) == expected
    monkeypatch.setattr("art2mus_core.checkpoints.memory.available", lambda: int(3.5 * each))
    assert spreading.choose_workers(request(pocket_like), several, 3) == 3
    with pytest.raises(SettingError, match=r"composing in 4 processes takes .* GB of memory.*--workers"):
        spreading.choose_workers(request(pocket_like), several, 4)


@pytest.mark.parametrize("model", ["pocket_like", "art2music"])
def test_longer_pieces_leave_memory_for_fewer_workers(request, monkeypatch, model):
    model, lengths = (
        ("art2music", (1.0, 10.0)) if model == "art2music" else (str(request.getfixturevalue(model)), (1.0, 60.0))
    )
    several, found = [[Job(Path("a.png"), ())]] * 300, []
    monkeypatch.setattr(spreading, "_cores", lambda: 8)
    for seconds in lengths:
        asked = Request(Choice(model), torch.device("cpu"), 0, {"seconds": seconds})
        found.append(spreading._memory(asked, 8))
        monkeypatch.setattr(spreading, "available", lambda: 8 * found[0])
        assert spreading.choose_workers(asked, [8 * group for group in several], None) == 8 * found[0] // found[-1]
    assert found[1] > found[0]


@pytest.mark.parametrize(
    "arguments", [("--workers", "0"), ("--engine", "dask"), ("--engine", "dask", "--workers", "2")]
)
def test_a_mistake_is_one_line_and_nothing_is_written(art2mus, paintings, arguments):
    code, out, err = art2mus("compose", paintings, "-o", "out", *ALONE, *arguments)
    assert (code, out, written()) == (2, "", [])
    assert one_line(err)


def test_an_engine_in_launched_processes_is_refused(art2mus, paintings, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "0")
    code, out, err = art2mus("compose", paintings, "-o", "out", *ALONE, "--engine", "ray")
    assert (code, out, written()) == (2, "", [])
    assert "the engine ray in 2 processes of a launcher" in err


@pytest.mark.parametrize("told", ["", "two", "2"])
def test_a_number_of_processes_that_no_launcher_started_is_none(monkeypatch, told):
    monkeypatch.setenv("WORLD_SIZE", told)
    monkeypatch.delenv("RANK", raising=False)
    assert spreading._launched() == 1


def many(paintings: Path) -> int:
    for number in range(17):
        shutil.copy(paintings / "dawn.png", paintings / f"copy {number}.png")
    return 20


@posix
@pytest.mark.parametrize("to_all", [True, False], ids=["terminal", "first process alone"])
def test_ctrl_c_leaves_nothing_half_written_and_the_rest_can_be_resumed(paintings, pocket_like, tmp_path, to_all):
    count, out = many(paintings), tmp_path / "out"
    script = "from art2mus_core.cli import main\nif __name__ == '__main__': main()\n"
    (tmp_path / "start.py").write_text(script, encoding="utf-8")
    asked = ["compose", paintings, "-o", out, "--seconds", "41", "--workers", "2", "--model", pocket_like]
    command = [sys.executable, tmp_path / "start.py", *asked]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8", "env": environment()}
    with subprocess.Popen([*command, "--steps", "40"], start_new_session=True, **pipes) as running:
        end = time.monotonic() + 200
        while not list(out.glob("*.flac")):
            assert time.monotonic() < end
            time.sleep(0.02)
        children = psutil.Process(running.pid).children(recursive=True)
        (os.killpg if to_all else os.kill)(running.pid, signal.SIGINT)
        said = running.communicate(timeout=200)
        assert running.returncode == 130
    lines = said[1].splitlines()
    assert (said[0], lines[-1]) == ("", "art2mus: stopped; no file is left incomplete")
    assert all(line.startswith("art2mus: compose: ") for line in lines[:-1])  # progress on a slow machine
    _, left = psutil.wait_procs(children, timeout=60)  # a process that nobody waits for ends a moment later
    assert not [child for child in left if child.status() != psutil.STATUS_ZOMBIE]
    assert all(path.suffix == ".flac" for path in out.iterdir())
    before = contents(str(out))
    assert 0 < len(before) < count
    again = subprocess.run([*command, "--steps", "1", "--no-replace", "--json"], check=True, timeout=200, **pipes)
    assert len(json.loads(again.stdout)["kept"]) == len(before)
    assert contents(str(out)).items() > before.items()
    assert len(contents(str(out))) == count


def test_processes_of_accelerates_launcher_share_the_artworks_and_print_one_report(
    art2mus, paintings, pocket_like, tmp_path, one_thread
):
    """Two processes on the CPU, over Gloo; on GPUs each has a device of its own."""
    pytest.importorskip("accelerate", reason="the extra train is not installed")
    (paintings / "dusk.png").write_bytes(b"")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = "import sys\nfrom art2mus_core.cli import main\ntry:\n    main()\nexcept SystemExit as leaving:\n"
    program += "    sys.stderr.write(f'code {leaving.code}\\n')\n"  # else the launcher prints a traceback
    (tmp_path / "start.py").write_text(program, encoding="utf-8")
    launch = ["--multi_gpu", "--num_processes=2", "--num_machines=1", "--mixed_precision=no", "--dynamo_backend=no"]
    asked = ["compose", paintings, "-o", "shared", *ALONE, "--json", "--model", pocket_like]
    command = [
        "-m",
        "accelerate.commands.launch",
        *launch,
        f"--main_process_port={port}",
        tmp_path / "start.py",
        *asked,
    ]
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        encoding="utf-8",
        env=environment(),
        timeout=300,
        check=True,
    )
    assert done.stdout.count("\n") == 1
    assert sorted(line for line in done.stderr.splitlines() if line.startswith("code")) == ["code 0", "code 2"]
    assert done.stderr.count("1 of 3 artworks has no music") == 1
    _, out, _ = art2mus("compose", paintings, "-o", "alone", *ALONE, "--workers", "1", "--json")
    assert document(done.stdout) == document(out)
    assert contents("shared") == contents("alone")


def test_an_error_of_a_launched_process_is_raised_by_the_first(monkeypatch, pocket_like, paintings, tmp_path):
    """A process that fails alone doesn't keep the others waiting."""
    pytest.importorskip("accelerate", reason="the extra train is not installed")
    monkeypatch.setattr(spreading, "_launched", lambda: 2)
    broken = request(tmp_path / "nowhere")
    with pytest.raises(SettingError, match="nowhere"):
        spreading.run_spread(broken, jobs(paintings, tmp_path / "out"), lambda _: None)
