"""One file that cannot be read is left out of a listening test and of a rating, and said; the others are heard."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
import torch

from art2mus_core.evaluation.results import read_report
from art2mus_core.listening.store import open_store
from art2mus_core.rating.summary import FEELING

from ..evaluation.conftest import write
from ..rating.endpoint import answering
from .saying import one_line

NAMES = ("dawn", "dusk", "noon")


@pytest.fixture
def music(paintings, art2mus, monkeypatch):
    """Two systems' pieces for the paintings."""
    for number, name in enumerate(NAMES):
        for pitch, system in enumerate(("mine", "theirs")):
            tone = 0.3 * torch.sin(torch.arange(16_000) * (0.1 + 0.05 * number + 0.02 * pitch)).numpy()
            write(Path("music") / system / f"{name}.flac", tone, 16_000)
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return paintings


def cut(paintings):
    path = Path("music/mine/dusk.flac")
    path.write_bytes(path.read_bytes()[:-2000])
    return path


def empty(paintings):
    path = Path("music/theirs/noon.flac")
    path.write_bytes(b"")
    return path


def no_picture(paintings):
    path = paintings / "dawn.png"
    path.write_bytes(b"\x89PNG")
    return path


SPOILED = pytest.mark.parametrize("spoil", [cut, empty, no_picture], ids=lambda each: each.__name__)


def left(path):
    """System and name of the pieces that remain."""
    every = {(system, name) for system in ("mine", "theirs") for name in NAMES}
    return {piece for piece in every if path.stem != piece[1] or path.parent.name not in {piece[0], "paintings"}}


@SPOILED
def test_a_listening_test_goes_on_without_it(art2mus, music, spoil):
    """The artwork is heard of no system then, as listeners compare them."""
    path = spoil(music)
    with socket.create_server(("127.0.0.1", 0)) as taken:  # so that nobody has to stop the server
        port = taken.getsockname()[1]
        code, out, err = art2mus("listen", "music", "--artworks", music, "--rounds", 1, "--port", port, model=None)
    assert (code, one_line(err)) == (2, True)
    assert str(port) in err
    (line,) = out.splitlines()
    assert line.startswith("Left out: ")
    assert str(path) in line
    store = open_store(Path("music/listening.sqlite"))
    heard = {(sound.system, sound.artwork) for sound in store.sounds.values()}
    assert heard == {(system, name) for system in ("mine", "theirs") for name in NAMES if name != path.stem}
    store.close()


@SPOILED
def test_a_rating_goes_on_without_it(art2mus, music, spoil):
    path = spoil(music)
    with answering() as server:
        asked = ("--artworks", music, "--endpoint", server.url, "--yes", "--out", "r.json")
        code, out, err = art2mus("rate", "music", *asked, model="m")
        assert len(server.asked) == len(left(path))
    assert (code, err) == (0, "")
    told = [line for line in out.splitlines() if line.startswith("Left out: ")]
    assert len(told) == 1
    assert str(path) in told[0]
    report = read_report(Path("r.json"))
    counts = {system: report.figures[system][FEELING.key].n for system in ("mine", "theirs")}
    assert counts == {system: sum(each == system for each, _ in left(path)) for system in ("mine", "theirs")}
    assert any(str(path) in note for note in report.notes)


def test_nothing_that_is_left_is_one_line(art2mus, music):
    for path in Path("music").rglob("*.flac"):
        path.write_bytes(b"")
    for command in (("listen",), ("rate", "--endpoint", "http://127.0.0.1:9/v1", "--model", "m", "--yes")):
        code, _, err = art2mus(command[0], "music", "--artworks", music, *command[1:], model=None)
        assert (code, one_line(err)) == (2, True)
        assert "no piece is left" in err
