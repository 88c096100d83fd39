from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from art2mus_core.errors import OutputError
from art2mus_core.placing import check_place, check_room, place, refusals, replacing, tidy


@pytest.fixture(params=["hard links", "no hard links"])
def disk(request, tmp_path, monkeypatch):
    """A folder, on a disk that has hard links or, as exFAT, has none."""

    def refused(*_, **__):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    if request.param == "no hard links":
        monkeypatch.setattr(os, "link", refused)
    return tmp_path


def test_the_folder_is_made_with_its_file(disk):
    for no_replace in (False, True):
        path = disk / f"new {no_replace}" / "deep" / "a.txt"
        check_place(path, (".txt",))
        assert not path.parent.exists()
        place(path, b"mine", no_replace=no_replace)
        assert path.read_bytes() == b"mine"
        assert list(path.parent.iterdir()) == [path]


def work(path, meanwhile):
    """Write a file that is to replace nothing; `meanwhile` happens before it takes its place."""
    with replacing(path, no_replace=True) as partial:
        partial.write_bytes(b"mine")
        meanwhile(path)


@pytest.mark.parametrize(
    "other",
    [lambda path: path.write_bytes(b"theirs"), Path.mkdir, lambda path: path.symlink_to("nowhere")],
    ids=["file", "folder", "link that leads nowhere"],
)
def test_what_came_while_the_work_was_done_is_left_alone(disk, other):
    path = disk / "a.txt"
    with pytest.raises(OutputError, match=r"a\.txt already exists"):
        work(path, other)
    assert list(disk.iterdir()) == [path]
    other(disk / "b.txt")
    assert path.lstat().st_mode == (disk / "b.txt").lstat().st_mode
    assert not path.is_file() or path.read_bytes() == b"theirs"


def test_of_many_at_once_one_has_the_name(disk):
    path, start, outcomes = disk / "a.txt", threading.Barrier(8), {}

    def write(number):
        start.wait()
        try:
            place(path, str(number).encode(), no_replace=True)
        except OutputError as error:
            outcomes[number] = str(error)
        else:
            outcomes[number] = None

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = (number for number, trouble in outcomes.items() if trouble is None)
    assert len(outcomes) == 8
    assert path.read_bytes() == str(winner).encode()
    assert list(disk.iterdir()) == [path]


def test_a_failure_leaves_no_name_behind(disk, monkeypatch):
    path = disk / "a.txt"
    with pytest.raises(ZeroDivisionError):
        work(path, lambda _: 1 / 0)
    assert list(disk.iterdir()) == []

    def refused(*_):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "link", refused)
    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(OutputError, match="cannot be written"):
        place(path, b"mine", no_replace=True)
    assert list(disk.iterdir()) == []


@pytest.mark.parametrize("place_of_it", ["file/a.txt", "file/deep/a.txt"])
def test_a_file_where_a_folder_is_needed_is_told(tmp_path, place_of_it):
    (tmp_path / "file").write_bytes(b"x")
    for act in (lambda path: check_place(path, (".txt",)), lambda path: place(path, b"mine")):
        with pytest.raises(OutputError, match="file"):
            act(tmp_path / place_of_it)
    assert (tmp_path / "file").read_bytes() == b"x"


@pytest.mark.parametrize(
    ("suffixes", "told"), [((".png",), r"expected \.png\. Name"), ((".png", ".jpg"), r"expected one of \.png, \.jpg\.")]
)
def test_a_suffix_that_is_not_known_is_told(tmp_path, suffixes, told):
    with pytest.raises(OutputError, match=told):
        check_place(tmp_path / "a.txt", suffixes)


def test_a_disk_without_room_is_refused_before_anything_is_written(tmp_path):
    check_room(tmp_path / "deep" / "a.txt", 1, "it")
    with pytest.raises(
        OutputError, match=r"GB are free on the disk of .*; expected 1000000\.00 GB for it\. Free some space"
    ):
        check_room(tmp_path / "deep" / "a.txt", 10**15, "it")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="file is a file; expected a folder"):
        check_room(tmp_path / "file" / "a.txt", 1, "it")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_errors_of_the_disk_name_the_file_and_its_reason(tmp_path):
    path = tmp_path / "a.txt"
    for error, reason in ((OSError(errno.ENOSPC, "No space left"), "No space left"), (OSError("odd"), "odd")):
        with (
            pytest.raises(OutputError, match=rf"a\.txt cannot be written \({reason}\); .* Do this"),
            refusals(path, "Do this."),
        ):
            raise error


def test_what_a_killed_process_left_is_tidied_and_nothing_else(tmp_path):
    """A killed process has no time to delete its temporary file."""
    with replacing(tmp_path / "a.txt") as partial:
        partial.write_bytes(b"whole")
    partial.write_bytes(b"half")
    others = [".art2mus.partial", "a.txt", "a.txt.partial", ".b.partial"]
    for name in others:
        (tmp_path / name).write_bytes(b"mine")
    tidy(tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(others)
