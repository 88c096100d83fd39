from __future__ import annotations

import dataclasses
import hashlib
import io
import os
import random
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from art2mus_core.checkpoints import cards
from art2mus_core.checkpoints.cards import Card, CardFile, read_cards
from art2mus_core.checkpoints.fetching import fetch, plan
from art2mus_core.cli import main
from art2mus_core.errors import CheckpointError, OutputError, SettingError
from art2mus_core.locking import alone

ROOT = Path(__file__).parents[2]
FILES = {"unet/model.safetensors": random.Random(0).randbytes(70_003), "model_index.json": b'{"a": 1}'}
WORDS = ("purpose", "licence", None, "citation")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ART2MUS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def tiny(shelf) -> Card:
    """A checkpoint of two files at a plain address."""
    shelf.files = {f"/at/{path}": content for path, content in FILES.items()}
    return Card("tiny", "prior", *WORDS, tuple(map(CardFile, FILES)), url=f"{shelf.url}/at/")


def test_a_plan_says_what_is_to_come_and_fetches_nothing(tiny, home):
    found = plan(tiny)
    assert [(parcel.path, parcel.bytes) for parcel in found.parcels] == [(path, len(it)) for path, it in FILES.items()]
    assert found.bytes == sum(map(len, FILES.values()))
    assert (found.folder, found.begun) == (home / "tiny", 0)
    assert not home.exists()


def test_a_checkpoint_is_fetched_and_not_twice(tiny, home, shelf):
    steps = []
    assert fetch(plan(tiny), steps.append) == home / "tiny"
    assert {path: (home / "tiny" / path).read_bytes() for path in FILES} == FILES
    assert [step.stage for step in steps] == sorted((step.stage for step in steps), reverse=True)
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert steps[-1].done == steps[-1].total == sum(map(len, FILES.values()))
    asked = len(shelf.asked)
    assert plan(tiny).parcels == ()
    assert len(shelf.asked) == asked


def test_a_file_that_is_here_is_left_alone(tiny, home):
    (home / "tiny").mkdir(parents=True)
    (home / "tiny" / "model_index.json").write_bytes(b"own")
    fetch(plan(tiny), lambda _: None)
    assert (home / "tiny" / "model_index.json").read_bytes() == b"own"


def test_an_empty_file_is_mended(tiny, home):
    (home / "tiny").mkdir(parents=True)
    (home / "tiny" / "model_index.json").write_bytes(b"")
    fetch(plan(tiny), lambda _: None)
    assert (home / "tiny" / "model_index.json").read_bytes() == FILES["model_index.json"]


def test_a_checkpoint_is_fetched_anew_if_that_is_asked_for(tiny, home):
    fetch(plan(tiny), lambda _: None)
    (home / "tiny" / "model_index.json").write_bytes(b"damaged")
    assert plan(tiny).parcels == ()
    again = plan(tiny, again=True)
    assert [parcel.path for parcel in again.parcels] == list(FILES)
    fetch(again, lambda _: None)
    assert {path: (home / "tiny" / path).read_bytes() for path in FILES} == FILES


def test_an_interrupted_checkpoint_is_gone_on_with(tiny, home, shelf):
    shelf.cut_after = [30_011, 0]
    with pytest.raises(CheckpointError):
        fetch(plan(tiny), lambda _: None)
    again = plan(tiny)
    assert again.begun == 30_011
    steps = []
    fetch(again, steps.append)
    assert steps[0].done == 30_011
    assert (home / "tiny" / "unet" / "model.safetensors").read_bytes() == FILES["unet/model.safetensors"]
    assert not [path for path in home.rglob("*") if ".partial" in path.name]


def test_a_disk_without_room_is_told_before_the_first_byte(tiny, home, shelf, monkeypatch):
    usage = namedtuple("usage", ["total", "used", "free"])  # noqa: PYI024 - what the function itself returns
    found = plan(tiny)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, found.bytes - 1))
    with pytest.raises(OutputError, match="for tiny"):
        fetch(found, lambda _: None)
    assert not home.exists()
    assert shelf.gets("/at/model_index.json") == []
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, found.bytes))
    fetch(found, lambda _: None)


def test_a_file_that_is_gone_is_told_before_anything_is_fetched(tiny, home, shelf):
    del shelf.files["/at/model_index.json"]
    with pytest.raises(CheckpointError, match=r"model_index\.json does not exist"):
        plan(tiny)
    assert not home.exists()


def test_the_bundled_model_is_not_fetched():
    with pytest.raises(SettingError, match="comes with the package"):
        plan(Card("tiny", "prior", *WORDS, (CardFile("a"),)))


def test_the_second_of_two_fetches_waits_and_brings_nothing_twice(tiny, home, shelf):
    """Both at once, as two commands or two hosts would; the server gives nothing before both are there."""
    shelf.gate = threading.Event()
    first, second = plan(tiny), plan(tiny)
    told = []

    def wait(said):
        told.append(said)
        shelf.gate.set()

    with ThreadPoolExecutor() as pool:
        one = pool.submit(fetch, first, lambda _: None)
        while not shelf.gets("/at/unet/model.safetensors"):
            time.sleep(0.01)
        two = pool.submit(fetch, second, lambda _: None, wait)
        assert one.result(20) == two.result(20) == home / "tiny"
    assert {path: (home / "tiny" / path).read_bytes() for path in FILES} == FILES
    assert "another fetch of tiny is running (since 20" in told[0]
    assert [len(shelf.gets(f"/at/{path}")) for path in FILES] == [1, 1]
    assert sorted(path.name for path in home.rglob("*") if path.is_file()) == ["model.safetensors", "model_index.json"]


def test_the_second_goes_on_where_the_first_was_stopped(tiny, home, shelf):
    shelf.cut_after = [30_011, 0]
    with pytest.raises(CheckpointError):
        fetch(plan(tiny), lambda _: None)
    with alone(home / "tiny", "fetch of tiny", print), pytest.raises(InterruptedError):
        fetch(plan(tiny), interrupt)
    fetch(plan(tiny), lambda _: None)
    assert shelf.gets("/at/unet/model.safetensors")[-1] == "bytes=30011-"
    assert {path: (home / "tiny" / path).read_bytes() for path in FILES} == FILES


def interrupt(step):
    """As a host's stop button: whatever is told, the work ends. Waiting is told as a step."""
    assert "another fetch of tiny is running" in step.stage
    raise InterruptedError


@pytest.fixture
def art2mus(tiny, monkeypatch, capsys):
    """Runs `art2mus fetch tiny` with an answer typed at a terminal; returns the exit code and both outputs."""
    known = dataclasses.replace(tiny, then="art2mus convert {folder}/it")
    monkeypatch.setattr(cards, "card", lambda name: {"tiny": known}[name])

    def run(*arguments: str, typed: str = "") -> tuple[int, str, str]:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return bool(typed)

        monkeypatch.setattr(sys, "stdin", Terminal(typed))
        with pytest.raises(SystemExit) as leaving:
            main(["fetch", "tiny", *arguments])
        said = capsys.readouterr()
        return leaving.value.code, said.out, said.err

    return run


@pytest.mark.parametrize("how", [{"typed": "y\n"}, {}], ids=["asked", "--yes"])
def test_the_command_line_fetches_after_a_yes_and_says_what_comes_next(art2mus, home, how):
    code, out, err = art2mus(*(() if how else ("--yes",)), **how)
    assert (code, err) == (0, "")
    assert "Licence:  licence (commercial use not settled)" in out
    assert "Size:     0.1 MB in 2 files\n" in out
    assert out.endswith(f"tiny is installed in {home / 'tiny'}\nNext: art2mus convert {home / 'tiny'}/it\n")
    assert {path: (home / "tiny" / path).read_bytes() for path in FILES} == FILES
    code, out, _ = art2mus()
    assert code == 0
    assert out == f"tiny is installed in {home / 'tiny'}\nTo download it again: art2mus fetch tiny --again\n"


def test_the_command_line_fetches_anew_and_says_what_to_make_anew(art2mus, home):
    art2mus("--yes")
    for path in ("model_index.json", "constants/model.safetensors"):
        (home / "tiny" / path).parent.mkdir(exist_ok=True)
        (home / "tiny" / path).write_bytes(b"damaged")
    code, out, err = art2mus("--yes", "--again")
    assert (code, err) == (0, "")
    assert "0.1 MB in 2 files\n" in out
    assert out.endswith(f"Next: art2mus convert {home / 'tiny'}/it\n")
    assert {path: (home / "tiny" / path).read_bytes() for path in FILES} == FILES


def test_the_command_line_goes_on_where_it_was(art2mus, shelf):
    shelf.cut_after = [30_011, 0]
    code, _, err = art2mus("--yes")
    assert code == 2
    assert err.count("\n") == 1
    assert "the same command again" in err
    code, out, _ = art2mus("--yes")
    assert code == 0
    assert "of which 0.1 MB are downloaded already" in out
    assert shelf.gets("/at/unet/model.safetensors")[-1] == "bytes=30011-"


@pytest.fixture
def hub(shelf):
    """A hub on this machine with one repository; its weights lie at another host, as the real hub has it."""
    lfs = {"sha256": hashlib.sha256(FILES["unet/model.safetensors"]).hexdigest(), "size": 70_003, "pointerSize": 130}
    index = hashlib.sha1(b"blob 8\0" + FILES["model_index.json"]).hexdigest()
    listed = [
        {"rfilename": "unet/model.safetensors", "size": 70_003, "blobId": f"{1:040x}", "lfs": lfs},
        {"rfilename": "unet/model.bin", "size": 70_003, "blobId": f"{2:040x}"},
        {"rfilename": "model_index.json", "size": 8, "blobId": index},
    ]
    shelf.documents = {
        f"/api/models/ada/tiny/revision/{'c' * 40}": {"id": "ada/tiny", "sha": "c" * 40, "siblings": listed}
    }
    at = f"/ada/tiny/resolve/{'c' * 40}"
    shelf.files = {
        "/store/weights": FILES["unet/model.safetensors"],
        f"{at}/model_index.json": FILES["model_index.json"],
    }
    shelf.moved = {f"{at}/unet/model.safetensors": f"{shelf.url.replace('127.0.0.1', 'localhost')}/store/weights"}
    return shelf


@pytest.fixture
def asked_here(hub, home, monkeypatch):
    """The hub's library asks the hub on this machine, and keeps its cache in this test's home."""
    from huggingface_hub import constants, file_download

    monkeypatch.setattr(constants, "ENDPOINT", hub.url)
    for module in (constants, file_download):  # before version 1 the second had a copy
        template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(module, "HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    return constants


@pytest.fixture
def offline(asked_here, monkeypatch):
    """What HF_HUB_OFFLINE does when it is set before the program starts."""
    from huggingface_hub import utils

    forget = getattr(utils, "close_session", None) or utils.reset_sessions  # sessions remember it
    forget()
    monkeypatch.setattr(asked_here, "HF_HUB_OFFLINE", True)
    yield
    forget()


@pytest.fixture
def remote() -> Card:
    """A checkpoint of two files on the hub."""
    return Card("tiny", "prior", *WORDS, tuple(map(CardFile, FILES)), repository="ada/tiny", revision="c" * 40)


def test_the_hub_is_asked_where_and_as_its_variables_say(hub, home):
    """In a program of its own: the hub's library reads its variables when it is imported."""
    hub.cut_after = [30_011]
    code = f"""
        from art2mus_core.checkpoints.cards import Card, CardFile
        from art2mus_core.checkpoints.fetching import fetch, plan
        files = tuple(map(CardFile, {list(FILES)}))
        card = Card("tiny", "prior", "", "", None, "", files, repository="ada/tiny", revision={"c" * 40!r})
        print(fetch(plan(card), lambda step: None))
    """
    variables = {"HF_ENDPOINT": hub.url, "HF_TOKEN": "hf_secret", "HF_HOME": str(home / "hf")}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(home / "tiny")]
    assert {path: (home / "tiny" / path).read_bytes() for path in FILES} == FILES
    assert hub.gets("/store/weights") == [None, "bytes=30011-"]
    tokens = {path: asked.get("authorization") for _, path, asked in hub.asked if "tiny" in path or "store" in path}
    assert tokens.pop("/store/weights") is None
    assert tokens == dict.fromkeys(tokens, "Bearer hf_secret")
    assert not [path for path in tokens if path.endswith(".bin")]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"files": (CardFile("model_index.json", sha256="0" * 64),)}, "wrong content"),
        ({"files": (CardFile("unet/model.safetensors", sha256="0" * 64),)}, "wrong content"),
        ({"files": (CardFile("unet/model.safetensors", size=70_004),)}, "70,003 bytes"),
        ({"files": (CardFile("model_index.json"), CardFile("vae/model.safetensors"))}, "lacks vae/model"),
        ({"repository": "ada/none"}, "the hub does not have ada/none"),
    ],
    ids=str,
)
def test_what_the_hub_cannot_give_is_told(asked_here, remote, home, changes, told):
    with pytest.raises(CheckpointError, match=told):
        fetch(plan(dataclasses.replace(remote, **changes)), lambda _: None)
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_small_files_are_checked_by_the_name_git_gives_them(asked_here, remote, hub, home):
    hub.files[f"/ada/tiny/resolve/{'c' * 40}/model_index.json"] = b'{"a": 2}'
    with pytest.raises(CheckpointError, match="wrong content"):
        fetch(plan(remote), lambda _: None)
    assert [path.name for path in (home / "tiny").rglob("*") if path.is_file()] == ["model.safetensors"]


def test_a_hub_that_is_out_of_reach_is_told(asked_here, remote, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setattr(asked_here, "ENDPOINT", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(CheckpointError, match="cannot be reached"):
            plan(remote)


def test_a_hub_that_is_not_to_be_asked_is_told(offline, remote):
    with pytest.raises(CheckpointError, match="HF_HUB_OFFLINE is set"):
        plan(remote)


def test_what_the_hubs_own_cache_holds_is_not_fetched(offline, remote, hub, home):
    cache = home / "hub" / "models--ada--tiny" / "snapshots" / ("c" * 40)
    for path, content in FILES.items():
        (cache / path).parent.mkdir(parents=True, exist_ok=True)
        (cache / path).write_bytes(content)
    fetch(plan(remote), lambda _: None)
    assert {path: (home / "tiny" / path).read_bytes() for path in FILES} == FILES
    assert hub.asked == []
    with pytest.raises(CheckpointError, match="HF_HUB_OFFLINE is set"):
        plan(remote, again=True)


def test_the_command_line_refuses_other_bytes_under_a_published_name(asked_here, hub, home, capsys):
    card = read_cards()["clip-vit-l-14"]
    small = hashlib.sha1(b"blob 2\0{}").hexdigest()
    listed = [{"rfilename": file.path, "size": 2, "blobId": small} for file in card.files]
    document = {"id": card.repository, "sha": card.revision, "siblings": listed}
    hub.documents = {f"/api/models/{card.repository}/revision/{card.revision}": document}
    hub.files = {f"/{card.repository}/resolve/{card.revision}/{file.path}": b"{}" for file in card.files}
    with pytest.raises(SystemExit) as leaving:
        main(["fetch", card.name, "--yes"])
    said = capsys.readouterr()
    assert leaving.value.code == 2
    assert "1.7 GB in 8 files" in said.out
    assert said.err.count("\n") == 1
    assert "has 2 bytes; expected 1,710,540,580 bytes" in said.err
    assert not (home / card.name / "model.safetensors").exists()
