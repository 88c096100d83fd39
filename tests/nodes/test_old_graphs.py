"""Workflows from before there were presets, opened in the front end: they keep their steps, guidance and solver.

The script runs in Node with a stand-in for the front end's `app`; tests/ui opens the same workflows in a real one.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

PACK = Path(__file__).parents[2]
NODE = shutil.which("node")

APP = "export const app = { registerExtension: (extension) => (globalThis.extension = extension) };"
"""The front end, as far as the script needs it."""

OPEN = """
import "./extensions/art2mus/js/presets.js";
const [name, names, values] = JSON.parse(process.argv[2]);
class Node {}
globalThis.extension.beforeRegisterNodeDef(Node, { name });
const node = new Node();
node.widgets = [{ name: "player", serialize: false, value: 0 }, ...names.map((name) => ({ name, value: "balanced" }))];
node.onConfigure?.({ widgets_values: values });
console.log(JSON.stringify(node.widgets.at(-1).value));
"""
"""Prints the value of a node's last widget after a graph was opened."""

SAMPLER = ["seconds", "steps", "guidance", "solver", "seed", "control", "shared_noise", "level", "reprise", "preset"]


def opened(folder: Path, *told: object) -> str:
    (folder / "scripts").mkdir()
    (folder / "scripts" / "app.js").write_text(APP, encoding="utf-8")
    shutil.copytree(PACK / "web" / "js", folder / "extensions" / "art2mus" / "js")
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (folder / "open.js").write_text(OPEN, encoding="utf-8")
    command = [str(NODE), "open.js", json.dumps(told)]
    return json.loads(subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout)


def saved(name: str) -> list[object]:
    graph = json.loads((PACK / "tests" / "nodes" / "released" / name).read_text(encoding="utf-8"))
    return next(node["widgets_values"] for node in graph["nodes"] if node["type"] == "Art2MusSampler")


@pytest.mark.skipif(NODE is None, reason="Node is not installed")
@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("Art2MusSampler", saved("painting_to_music.json"), "custom"),
        ("Art2MusSampler", saved("painting_to_music_0.1.json"), "custom"),
        ("Art2MusSampler", [10, 8, 2, "ddim", 0, "fixed", False, True, 0.9], "custom"),
        ("Art2MusSampler", [10, 8, 2, "ddim", 0, "fixed", False, True, 0.9, "fast"], "balanced"),  # the host sets it
        ("Art2MusSampler", None, "balanced"),
        ("KSampler", [10, 8], "balanced"),
    ],
    ids=["released", "first", "without", "with", "new", "other"],
)
def test_a_graph_without_presets_is_custom(name, values, expected, tmp_path):
    assert opened(tmp_path, name, SAMPLER, values) == expected
