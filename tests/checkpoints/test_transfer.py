from __future__ import annotations

import hashlib
import random
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from art2mus_core.checkpoints.remote import Remote, size_of
from art2mus_core.checkpoints.transfer import adopt, download
from art2mus_core.errors import CheckpointError, OutputError

CONTENT = random.Random(0).randbytes(300_007)
SHA = hashlib.sha256(CONTENT).hexdigest()
ROOT = Path(__file__).parents[2]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "home" / "model" / "weights.bin"


@pytest.fixture
def offered(shelf):
    shelf.files["/weights.bin"] = CONTENT
    return shelf


def left_beside(place: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in place.parent.iterdir() if path != place}


def get(shelf, place: Path, **known) -> list[int]:
    told: list[int] = []
    download(Remote(f"{shelf.url}/weights.bin", **known), place, told.append)
    return told


@pytest.mark.parametrize("known", [{}, {"size": len(CONTENT)}, {"sha256": SHA}, {"size": len(CONTENT), "sha256": SHA}])
def test_a_file_arrives(offered, place, known):
    told = get(offered, place, **known)
    assert place.read_bytes() == CONTENT
    assert left_beside(place) == {}
    assert told[0] == 0
    assert told == sorted(told)
    assert told[-1] == len(CONTENT)


def test_git_names_a_content_by_its_blob(offered, place):
    blob = hashlib.sha1(b"blob %d\0" % len(CONTENT) + CONTENT).hexdigest()
    get(offered, place, git_blob=blob)
    assert place.read_bytes() == CONTENT
    with pytest.raises(CheckpointError, match=f"sha1 {blob}"):
        get(offered, place.with_name("other"), git_blob=f"{0:040x}")


def test_a_connection_that_is_cut_is_taken_up_where_it_was(offered, place):
    offered.cut_after = [100_001, 50_003]
    get(offered, place)
    assert place.read_bytes() == CONTENT
    assert offered.gets("/weights.bin") == [None, "bytes=100001-", "bytes=150004-"]


def test_a_server_without_ranges_is_asked_for_everything_again(offered, place):
    offered.ranges, offered.cut_after = False, [100_001]
    told = get(offered, place)
    assert place.read_bytes() == CONTENT
    assert told.count(0) == 2


def test_a_connection_that_brings_nothing_more_is_given_up_and_gone_on_from_later(offered, place):
    offered.cut_after = [100_001, 0]
    with pytest.raises(CheckpointError, match="closed early"):
        get(offered, place)
    assert not place.exists()
    assert left_beside(place)["weights.bin.partial"] == 100_001
    told = get(offered, place)
    assert told[0] == 100_001
    assert place.read_bytes() == CONTENT
    assert left_beside(place) == {}


def test_a_cut_is_seen_without_a_length_where_the_size_is_known(offered, place):
    offered.lengths, offered.cut_after = False, [100_001]
    get(offered, place, size=len(CONTENT))
    assert place.read_bytes() == CONTENT


def test_a_person_who_stops_loses_nothing(offered, place):
    def stop(done):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download(Remote(f"{offered.url}/weights.bin", sha256=SHA), place, stop)
    begun = left_beside(place)["weights.bin.partial"]
    assert 0 < begun <= len(CONTENT)
    get(offered, place, sha256=SHA)
    assert place.read_bytes() == CONTENT
    assert offered.gets("/weights.bin")[-1] in {f"bytes={begun}-", None}


def test_a_file_that_was_replaced_in_between_is_begun_anew(offered, place):
    offered.cut_after = [100_001, 0]
    with pytest.raises(CheckpointError):
        get(offered, place)
    other = CONTENT[::-1]
    offered.files["/weights.bin"], offered.mark = other, "two"
    get(offered, place)
    assert place.read_bytes() == other


@pytest.mark.parametrize("begun", [CONTENT, CONTENT + b"more", b"else" * 60_000])
def test_what_lies_there_already_is_used_if_it_is_right_and_not_trusted_if_not(offered, place, begun):
    place.parent.mkdir(parents=True)
    place.with_name("weights.bin.partial").write_bytes(begun)
    if begun[:4] == b"else":
        with pytest.raises(CheckpointError, match="wrong content"):
            get(offered, place, sha256=SHA)
        assert left_beside(place) == {}
    get(offered, place, sha256=SHA)
    assert place.read_bytes() == CONTENT


def test_a_part_whose_origin_nobody_knows_is_not_gone_on_from(offered, place):
    place.parent.mkdir(parents=True)
    place.with_name("weights.bin.partial").write_bytes(b"else")
    get(offered, place)
    assert place.read_bytes() == CONTENT


def test_wrong_bytes_do_not_stay(offered, place):
    offered.files["/weights.bin"] = CONTENT[:-1] + b"x"
    with pytest.raises(CheckpointError, match=f"wrong content.*expected {SHA}"):
        get(offered, place, size=len(CONTENT), sha256=SHA)
    assert not place.exists()
    assert left_beside(place) == {}


def test_another_size_is_seen_before_the_first_byte(offered, place):
    with pytest.raises(CheckpointError, match=r"300,007 bytes; expected 300,008 bytes"):
        get(offered, place, size=len(CONTENT) + 1)
    assert left_beside(place) == {}


@pytest.mark.parametrize(("status", "told"), [(404, "does not exist"), (403, "HF_TOKEN"), (503, "later"), (416, "416")])
def test_a_refusal_says_what_it_is(offered, place, status, told):
    offered.status = status
    with pytest.raises(CheckpointError, match=told):
        get(offered, place)
    assert left_beside(place) == {}


def test_no_connection_is_an_error_of_one_line(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/weights.bin"
        for ask in (lambda: download(Remote(url), tmp_path / "x", print), lambda: size_of(Remote(url))):
            with pytest.raises(CheckpointError, match="refused"):
                ask()
    assert list(tmp_path.iterdir()) == []


def test_other_kinds_of_addresses_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="http or https"):
        download(Remote((tmp_path / "x").as_uri()), tmp_path / "y", print)


def test_a_size_can_be_asked_for(offered):
    assert size_of(Remote(f"{offered.url}/weights.bin")) == len(CONTENT)
    offered.lengths = False
    assert size_of(Remote(f"{offered.url}/weights.bin")) is None


def test_a_token_stays_with_its_host(offered, place):
    offered.moved = {"/token": "/near", "/near": f"{offered.url.replace('127.0.0.1', 'localhost')}/weights.bin"}
    headers = {"Authorization": "Bearer secret"}
    download(Remote(f"{offered.url}/token", headers=headers, sha256=SHA), place, lambda _: None)
    assert [(path, asked.get("authorization")) for _, path, asked in offered.asked] == [
        ("/token", "Bearer secret"),
        ("/near", "Bearer secret"),
        ("/weights.bin", None),
    ]


def test_a_file_of_this_machine_is_copied_and_checked(tmp_path, place):
    source = tmp_path / "cached"
    source.write_bytes(CONTENT)
    adopt(source, Remote(str(source), sha256=SHA), place, lambda _: None)
    assert place.read_bytes() == source.read_bytes() == CONTENT
    with pytest.raises(CheckpointError, match="wrong content"):
        adopt(source, Remote(str(source), sha256=f"{0:064x}"), place.with_name("other"), lambda _: None)
    assert [path.name for path in place.parent.iterdir()] == ["weights.bin"]


def test_a_folder_that_cannot_be_made_is_told(offered, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written"):
        get(offered, tmp_path / "file" / "weights.bin")


@pytest.mark.skipif(sys.platform == "win32", reason="needs a signal that nothing survives")
def test_a_program_that_is_killed_leaves_what_the_next_one_goes_on_from(offered, place):
    offered.cut_after = [100_001]
    code = f"""
        import os, signal
        from pathlib import Path
        from art2mus_core.checkpoints.remote import Remote
        from art2mus_core.checkpoints.transfer import download

        def on_bytes(done):
            if done > 100_000:
                os.kill(os.getpid(), signal.SIGKILL)

        download(Remote("{offered.url}/weights.bin"), Path({str(place)!r}), on_bytes)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -9
    begun = left_beside(place)["weights.bin.partial"]
    assert 0 < begun <= 100_001
    get(offered, place)
    assert place.read_bytes() == CONTENT
    assert offered.gets("/weights.bin") == [None, f"bytes={begun}-"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_disk_that_fills_up_is_told_and_what_fitted_is_kept(offered, place):
    code = f"""
        import resource
        from pathlib import Path
        from art2mus_core.checkpoints.remote import Remote
        from art2mus_core.checkpoints.transfer import download
        from art2mus_core.errors import OutputError
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            download(Remote("{offered.url}/weights.bin", sha256="{SHA}"), Path({str(place)!r}), lambda _: None)
        except OutputError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "cannot be written" in done.stdout
    assert "Free some space" in done.stdout
    assert not place.exists()
    assert 0 < left_beside(place)["weights.bin.partial"] <= 100_000
    get(offered, place, sha256=SHA)
    assert place.read_bytes() == CONTENT
