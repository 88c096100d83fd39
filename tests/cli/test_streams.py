"""Standard output and standard error that are full, closed, or of another encoding. `--version` and `models` import no torch."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from art2mus_core.cli import main

from .saying import one_line, written

ROOT = Path(__file__).parents[2]
FULL = Path("/dev/full").exists()
POSIX = pytest.mark.skipif(os.name == "nt", reason="a shell of POSIX")


class Full(io.StringIO):
    """As /dev/full: what is written is buffered, and refused when it is sent on."""

    def flush(self):
        raise OSError(28, "No space left on device")


class Unread(io.StringIO):
    """As a pipe whose reader has gone."""

    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


def run(monkeypatch, output, *arguments):
    """Exit code and standard error of a command with another standard output."""
    errors = io.StringIO()
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setattr(sys, "stderr", errors)
    with pytest.raises(SystemExit) as leaving:
        main(list(map(str, arguments)))
    return leaving.value.code, errors.getvalue()


EVERY = [("--help",), ("--version",), ("compose", "--help"), ("models",), ("models", "--json")]


@pytest.mark.parametrize("arguments", EVERY, ids=" ".join)
def test_what_cannot_be_said_is_one_line(monkeypatch, arguments):
    code, err = run(monkeypatch, Full(), *arguments)
    assert code == 2
    assert one_line(err)
    assert "standard output cannot be written (No space left on device)" in err
    code, err = run(monkeypatch, None, *arguments)
    assert code == 2
    assert one_line(err)
    assert run(monkeypatch, Unread(), *arguments) == (141, "")


def test_files_that_were_made_are_kept(monkeypatch, tmp_path, paintings, pocket_like):
    monkeypatch.chdir(tmp_path)
    arguments = ("--seconds", "1", "--steps", "1", "--model", pocket_like)
    code, err = run(monkeypatch, Full(), "compose", paintings, "-o", "out", *arguments)
    assert code == 2
    assert one_line(err)
    assert len([name for name in written() if name.endswith(".flac")]) == 3


def test_a_mistake_keeps_its_code_and_its_line(monkeypatch):
    for output in (Full(), None, Unread()):
        code, err = run(monkeypatch, output, "nonsense")
        assert code == 2
        assert one_line(err)
        assert "nonsense" in err


@POSIX
def test_any_encoding_takes_any_name(monkeypatch, tmp_path):
    for encoding in ("ascii", "cp1252", "utf-8"):
        sink = io.BytesIO()
        code, _ = run(monkeypatch, io.TextIOWrapper(sink, encoding), "compare", "漢\udce9", "--help")
        assert (code, sink.getvalue() != b"") == (0, True)


@POSIX
def test_streams_that_are_closed_when_the_program_begins():
    """In one shell: what is closed, what is full, and who does not read; exit codes and lines on standard error."""
    program = f"'{sys.executable}' -c 'from art2mus_core.cli import main; main()' --version"
    cases = [
        "",
        ">&-",
        ">&- 2>&-",
        "<&- >&- 2>&-",
        "2>&-",
        *([">/dev/full", "2>/dev/full"] * FULL),
    ]
    script = "\n".join(
        f"{program} {case} >&3; echo $? >&3" if not case.startswith((">", "<")) else f"{program} {case}; echo $? >&3"
        for case in cases
    )
    done = subprocess.run(["bash", "-c", f"exec 3>&1\n{script}"], cwd=ROOT, capture_output=True, text=True, check=False)
    codes = [line for line in done.stdout.splitlines() if line.isdigit()]
    assert codes == ["0", "2", "2", "2", "0", *(["2", "0"] * FULL)]
    assert done.stderr.count("\n") == 1 + FULL
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


WRONG = {
    "zero byte": "a\0b",
    "5,000 characters": "p" * 5000,
    "200 kB": "t" * 200_000,
    "many folders": "d/" * 3000,
    "no text": "caf\udce9",
}
COMMANDS = {
    "compose": ("compose", "{}"),
    "compose --out": ("compose", "{art}", "-o", "{}", "--seconds", "1"),
    "compose --model": ("compose", "{art}", "--model", "{}"),
    "compose --aligner": ("compose", "{art}", "--aligner", "{}"),
    "compose --encoder": ("compose", "{art}", "--encoder", "{}"),
    "compose --solver": ("compose", "{art}", "--solver", "{}"),
    "compose --device": ("compose", "{art}", "--device", "{}"),
    "compose --seconds": ("compose", "{art}", "--seconds", "{}"),
    "look": ("look", "{}", "a.png"),
    "look OUT": ("look", "{art}", "{}.png"),
    "gallery": ("gallery", "{}", "a.html"),
    "gallery OUT": ("gallery", "{art}", "{}.html"),
    "score": ("score", "{}"),
    "score --artworks": ("score", "{folder}", "--artworks", "{}"),
    "compare": ("compare", "{}", "{}"),
    "listen": ("listen", "{}"),
    "listen --report": ("listen", "{}", "--report"),
    "evaluate": ("evaluate", "{}", "--out", "a"),
    "evaluate --out": ("evaluate", "nowhere.yaml", "--out", "{}"),
    "train": ("train", "{}", "--data", "a"),
    "train --data": ("train", "embedding", "--data", "{}"),
    "convert": ("convert", "{}"),
    "export-text": ("export-text", "{}"),
    "heads": ("heads", "{}", "a.flac"),
    "fetch": ("fetch", "{}"),
    "a command": ("{}",),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_an_argument_that_nothing_can_be_called_is_one_line(art2mus, paintings, command, wrong):
    if wrong == WRONG["no text"] and command in {COMMANDS["look OUT"], COMMANDS["compose --out"]}:
        pytest.skip("a file may be called so")
    places = {"{art}": paintings / "dawn.png", "{folder}": paintings}
    code, _, err = art2mus(*(str(places.get(each, each)).replace("{}", wrong) for each in command), model=None)
    assert code == 2
    assert one_line(err)
    assert len(err.encode("utf-8")) < 1500
    assert written() == []


def test_a_warning_of_ours_is_one_line_and_others_stay_as_they_are(capsys: pytest.CaptureFixture[str]):
    import warnings

    from art2mus_core.cli.streams import notify_of

    class OursWarning(UserWarning):
        pass

    with warnings.catch_warnings(record=True, action="always") as others, notify_of(OursWarning):
        warnings.warn("0000004 is damaged", OursWarning, stacklevel=1)
        warnings.warn("theirs", UserWarning, stacklevel=1)
    assert [str(each.message) for each in others] == ["theirs"]
    assert capsys.readouterr().err == "art2mus: 0000004 is damaged\n"
