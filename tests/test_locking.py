from __future__ import annotations

import errno
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from art2mus_core.errors import OutputError
from art2mus_core.locking import LOCK, NOTE, alone

ROOT = Path(__file__).parents[1]


def start(code: str) -> subprocess.Popen[str]:
    """A program of its own, which imports no torch."""
    program = (
        f"import sys, time\nfrom pathlib import Path\nfrom art2mus_core.locking import alone\n{textwrap.dedent(code)}"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_several_programs_write_one_after_the_other_and_leave_nothing(tmp_path):
    folder = tmp_path / "a" / "b"
    code = f"""
        for time_ in range(5):
            with alone(Path({str(folder)!r}), "work", lambda said: None):
                with open({str(folder / "log")!r}, "a") as log:
                    log.write("in\\n"); log.flush()
                    time.sleep(0.005)
                    log.write("out\\n")
    """
    programs = [start(code) for _ in range(3)]
    assert [program.wait(60) for program in programs] == [0, 0, 0]
    for program in programs:
        program.communicate()
    assert (folder / "log").read_text().split() == ["in", "out"] * 15
    assert [path.name for path in folder.iterdir()] == ["log"]


def test_a_killed_program_keeps_nobody_out(tmp_path):
    code = f"""
        with alone(Path({str(tmp_path)!r}), "fetch of it", print):
            print("in", flush=True)
            sys.stdin.read()
    """
    told = []

    def kill(said):
        told.append(said)
        holder.kill()
        holder.wait()

    with start(code) as holder:
        assert holder.stdout.readline() == "in\n"
        with alone(tmp_path, "conversion", kill):
            assert (tmp_path / NOTE).read_text() == "conversion"
    assert len(told) == 1
    assert told[0].startswith("another fetch of it is running (since 20")
    assert not list(tmp_path.iterdir())


def test_who_waits_can_be_stopped_and_the_holder_does_not_notice(tmp_path):
    def stop(said):
        raise InterruptedError(said)

    with alone(tmp_path / "new", "work", stop):
        with pytest.raises(InterruptedError, match="another work is running"), alone(tmp_path / "new", "other", stop):
            pass
        assert {path.name for path in (tmp_path / "new").iterdir()} == {LOCK, NOTE}
        (tmp_path / "new" / "made").touch()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["made"]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX has flock")
def test_a_disk_without_locks_is_told_and_the_work_goes_on(tmp_path, monkeypatch):
    import fcntl

    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    told = []
    with alone(tmp_path / "new", "work", told.append):
        (tmp_path / "new" / "made").touch()
    assert len(told) == 1
    assert "has no locks" in told[0]
    assert (tmp_path / "new" / "made").exists()


def test_a_place_that_is_no_folder_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file"), alone(tmp_path / "file", "work", print):
        pass
