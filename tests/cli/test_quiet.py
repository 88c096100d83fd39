"""In ordinary use nothing is written to standard error: no library's warning, no log line, no bar without a terminal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

TESTS = Path(__file__).parents[1]

PROGRAM = """
import asyncio, importlib, json, pathlib, sys, warnings
warnings.filterwarnings("error", module=r"(.*[.])?(art2mus_core|nodes)[.]")
commands, tests = json.loads(sys.argv[1]), pathlib.Path(sys.argv[2])

from art2mus_core.cli import main
for arguments in commands:
    try:
        main(arguments)
    except SystemExit as left:
        assert not left.code, (arguments, left.code)

sys.path[:0] = [str(tests / "nodes" / "stand_in"), str(tests / "nodes")]
import folder_paths
folder_paths.base = pathlib.Path.cwd()
pack = importlib.import_module("describe").load_pack(tests.parent)
found = {node.GET_SCHEMA().node_id: node for node in asyncio.run(asyncio.run(pack.comfy_entrypoint()).get_node_list())}
image = found["Art2MusArtworkFolder"].execute("Samples", 0, 1).args[0][0]
import torch
sound = {"waveform": torch.rand(1, 1, 1600) - 0.5, "sample_rate": 16000}
for kind in ("FLAC", "MP3"):
    found["Art2MusSaveAudio"].execute(sound, "a", kind, cover=image)
"""


def test_commands_and_nodes_say_nothing_on_standard_error(tmp_path, paintings, pocket_like, published_like):
    """One program for all, because each would import torch anew; what warns once warns at its first time."""
    systems = {"ours": {"kind": "artwork", "model": str(pocket_like), "steps": 1}}
    fields = {"artworks": [{"folder": str(paintings)}], "seconds": 2, "systems": systems, "metrics": {"resamples": 100}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(fields))
    picture = paintings / "dawn.png"
    composing = ("--steps", 2, "--seconds", 2, "--model")
    commands = [
        ["compose", picture, "--out", "a.mp3", *composing, pocket_like],
        ["compose", picture, "--out", "a.flac", *composing, published_like],
        ["look", picture, "look.png", "--seconds", 2, "--model", pocket_like],
        ["evaluate", tmp_path / "config.yaml", "--out", "out"],
        ["doctor"],
    ]
    given = json.dumps([list(map(str, arguments)) for arguments in commands])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, given, str(TESTS)],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "ART2MUS_HOME": str(tmp_path / "home"), "PYTHONPATH": str(TESTS.parent)},
    )
    assert (done.stderr, done.returncode) == ("", 0)
    assert (tmp_path / "out" / "report.html").is_file()
    assert list((tmp_path / "output").glob("a_*.mp3"))
