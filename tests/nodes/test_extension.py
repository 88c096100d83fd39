"""A package that is missing loses no node that does without it, and whoever needs it says so."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PACK = HERE.parents[1]
HOST = {"torch", "numpy", "pillow"}
"""Without them there is no ComfyUI."""

NEEDED = [
    line
    for line in re.findall(r"^[\w-]+", (PACK / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    if line not in HOST
]

EVERY = set(json.loads((HERE / "released_sockets.json").read_text(encoding="utf-8")))


def without(cases: Sequence[tuple[str, str]]) -> list[dict]:
    """For each package the nodes of the pack, the log, and what is put into `said`; one process that lacks one after the other.

    Args:
        cases: packages, and the code that is run without each.
    """
    script = f"""
import importlib.abc, json, logging, sys
from pathlib import Path
pack = Path({str(PACK)!r})
sys.path[:0] = [{str(HERE / "stand_in")!r}, {str(HERE)!r}]

class Without(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Without())
logging.getLogger().addHandler(type("Kept", (logging.Handler,), {{"emit": lambda _, record: logged.append(record.getMessage())}})())
package, logged, found = "", [], []
import describe
before = set(sys.modules)
for package, act in {list(cases)!r}:
    for name in set(sys.modules) - before:
        if package == name.split(".")[0] or name.startswith(describe.name_of(pack)):
            del sys.modules[name]
    logged, said = [], ""
    nodes = {{node.GET_SCHEMA().node_id: node for node in describe.load_nodes(pack)}}
    exec(act)
    found.append({{"nodes": list(nodes), "logged": logged, "said": said}})
print(json.dumps(found))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


SOUND = "{'waveform': __import__('torch').zeros(1, 1, 900), 'sample_rate': 16000}"


def told(call: str) -> str:
    return f"""
try:
    {call}
except Exception as error:
    said = f"{{type(error).__name__}}: {{error}}"
"""


def test_the_pack_loads_without_any_one_of_them():
    for package, found in zip(NEEDED, without([(package, "") for package in NEEDED]), strict=True):
        assert (set(found["nodes"]), found["logged"]) == (EVERY, []), package


def test_nodes_that_cannot_be_there_are_named_with_the_way_out():
    """A package that ComfyUI itself can't do without, because no other loses a node."""
    (found,) = without([("PIL", "")])
    line = found["logged"][0]
    assert {"Art2MusSampler", "Art2MusLoadModel"} <= set(found["nodes"]) < EVERY
    assert "no LoadArtwork and no ArtworkFolder" in line
    assert "No module named 'PIL'" in line
    assert re.search(r"-m pip install -r \S+requirements\.txt", line)


LOADED = "nodes['Art2MusLoadModel'].execute('pocket')"
IN_ONE = "nodes['Art2MusArtworkToMusic'].execute(image=None, model='pocket', seconds=1.0, seed=0)"
ACTS = {
    "safetensors": told(IN_ONE),
    "av": told(f"nodes['Art2MusPreviewMusic'].execute({SOUND})"),
    "jaxtyping": told(IN_ONE),
}
"""Of each package who needs it."""

SAMPLES = "said = len(nodes['Art2MusArtworkFolder'].execute('Samples', 1, 0).args[0])"


@pytest.fixture(scope="module")
def said() -> list:
    """What was said without each of these, then by a host without its own parts, then by a node that does without."""
    cases = [*ACTS.items(), ("nothing", told(LOADED)), ("transformers", SAMPLES)]
    return [found["said"] for found in without(cases)]


def test_who_needs_it_says_so_when_it_runs(said):
    for package, words in zip(ACTS, said, strict=False):
        assert words.startswith("Art2MusError: "), package
        assert f"No module named '{package}" in words
        assert "expected the packages that Art2Mus needs" in words
        assert re.search(r"-m pip install -r \S*requirements\.txt", words)


def test_a_part_that_the_host_lacks_asks_for_a_newer_host(said):
    assert said[-2].startswith("Art2MusError: No module named 'comfy'; expected a newer ComfyUI")


def test_who_does_not_need_it_runs(said):
    assert said[-1] == 8


def test_a_host_that_lacks_a_word_of_a_schema_loses_the_nodes_that_use_it(pack, host_folders, monkeypatch, caplog):
    from comfy_api.latest import io

    class OlderSchema(io.Schema):
        def __init__(self, **words):
            if "essentials_category" in words:
                raise TypeError("unexpected keyword argument 'essentials_category'")
            super().__init__(**words)

    extension = pack("nodes.extension")
    monkeypatch.setattr(io, "Schema", OlderSchema)
    found = asyncio.run(extension.Art2MusExtension().get_node_list())
    lost = [record.getMessage() for record in caplog.records]
    assert {node.GET_SCHEMA().node_id for node in found} >= {"Art2MusSampler", "Art2MusLoadModel"}
    assert "Art2Mus: no SaveAudio: this ComfyUI is not 0.15.0 or later" in " ".join(lost)
    assert len(found) < len(EVERY)
