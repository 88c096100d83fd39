"""Commands that write one folder wait for one another, and say for whom."""

from __future__ import annotations

import io
import sys
import threading
from pathlib import Path

import pytest

from art2mus_core.locking import alone

COMMANDS = {
    "train": (("train", "vae", "--data", "nowhere", "--run", "held"), "training of vae"),
    "synthesize": (("synthesize", "held", "--count", "1"), "synthesis"),
    "convert": (("convert", "nowhere.pth", "--out", "held"), "conversion"),
    "export-text": (("export-text", "held"), "export of text constants"),
    "dataset make": (("dataset", "make", "nowhere", "nowhere", "--out", "held"), "dataset"),
    "dataset scan": (("dataset", "scan", "held", "--music", "nowhere"), "scan"),
    "dataset embed": (("dataset", "embed", "held"), "embedding"),
    "dataset pair": (("dataset", "pair", "held"), "pairing"),
    "evaluate": (("evaluate", "bundled", "--out", "held"), "evaluation"),
}


@pytest.mark.parametrize(("command", "work"), COMMANDS.values(), ids=COMMANDS.keys())
def test_a_command_waits_for_the_one_before(art2mus, monkeypatch, command, work):
    """Each of them fails as soon as it may begin: there is nothing to work on."""
    Path("held").mkdir()
    Path("held/model_index.json").write_text("{}")
    let_in = threading.Event()

    class Heard(io.StringIO):
        """Standard error, which lets the waiting command in when it has said that it waits."""

        def write(self, text):
            if "waiting" in text:
                let_in.set()
            return super().write(text)

    monkeypatch.setattr(sys, "stderr", heard := Heard())
    entered = threading.Event()

    def hold():
        with alone(Path("held"), work, print):
            entered.set()
            let_in.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait(30)
    arguments = [*command, *(("--embedder", "pocket") if command[0] == "evaluate" else ())]
    if command[0] == "evaluate":
        arguments += ["--artworks", "nowhere"]
    code, _, _ = art2mus(*arguments, model=None)
    holder.join()
    assert code == 2
    assert f"another {work} is running (since 20" in heard.getvalue()
    assert heard.getvalue().count("waiting; Ctrl-C to stop\n") == 1
    assert sorted(path.name for path in Path("held").iterdir()) == ["model_index.json"]
