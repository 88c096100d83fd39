"""What commands print: lines, JSON documents and progress bars."""

from __future__ import annotations

import io
import json

import pytest

from art2mus_core.cli import progress
from art2mus_core.cli.outputs import print_document, print_lines
from art2mus_core.cli.progress import notify_once, reporting
from art2mus_core.types import Step


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def test_a_document_is_strict_json(capsys):
    print_document({"nan": float("nan"), "deep": [{"inf": (float("inf"), -float("inf"), 0.5)}], "half": "caf\udce9"})
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    document = json.loads(out, parse_constant=refuse)
    assert (document["nan"], document["deep"]) == (None, [{"inf": [None, None, 0.5]}])
    document["half"].encode()


def test_each_text_is_one_line(capsys):
    print_lines("one", "two\nthree", "")
    print_lines()
    assert capsys.readouterr().out.splitlines()[0] == "one"
    print_lines("two\nthree", "four")
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(
    ("options", "shown", "hidden"),
    [
        ({}, ("open", "denoise", "done,", "left"), "kB"),
        ({"first": "connect", "in_bytes": True}, ("denoise", "kB"), "done,"),
    ],
    ids=["steps", "bytes"],
)
def test_a_bar_shows_steps_or_bytes(monkeypatch, options, shown, hidden):
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with reporting(**options) as on_step:
        on_step(Step("denoise", 5_000, 10_000))
    text = terminal.getvalue()
    assert [word for word in shown if word not in text] == []
    assert hidden not in text


@pytest.mark.parametrize(("in_bytes", "unit"), [(False, ""), (True, " bytes")])
def test_off_a_terminal_a_line_is_printed_now_and_then(capsys, monkeypatch, in_bytes: bool, unit: str):
    clock = {"now": 0.0}
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock["now"])
    with reporting(in_bytes=in_bytes) as on_step:
        for done in range(1, 8):
            clock["now"] += 10
            on_step(Step("open", 1, 1))
            on_step(Step("denoise", done, 1400))
    assert capsys.readouterr().err == f"art2mus: denoise: 4 of 1,400{unit}\n"


def test_a_sentence_is_printed_once(capsys):
    notify = notify_once()
    for sentence in ("held by another", "held by another", "held by a third"):
        notify(sentence)
    assert capsys.readouterr().err.splitlines() == [
        "art2mus: held by another; Ctrl-C to stop",
        "art2mus: held by a third; Ctrl-C to stop",
    ]
