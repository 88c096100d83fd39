"""The rules of the rooms that know ComfyUI, read from their source."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from art2mus_core.audio.level import finish

from ..warned import is_ours

PACK = Path(__file__).parents[2]
FILES = sorted((PACK / "nodes").glob("*.py"))
PRIVATE = {"comfy", "comfyui_version", "latent_preview", "execution", "nodes"}


def imports(tree: ast.AST) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.level, node.module or ""))
    return found


def test_the_door_imports_nothing():
    tree = ast.parse((PACK / "__init__.py").read_text(encoding="utf-8"))
    assert not [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_imports_of_the_pack_are_relative(path):
    absolute = [name for level, name in imports(ast.parse(path.read_text(encoding="utf-8"))) if not level]
    assert not [name for name in absolute if name.split(".")[0] in {"art2mus_core", "nodes"}]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_one_file_touches_private_interfaces(path):
    absolute = {name.split(".")[0] for level, name in imports(ast.parse(path.read_text(encoding="utf-8"))) if not level}
    assert path.name == "host.py" or not absolute & PRIVATE
    assert path.name in {"host.py", "serving.py"} or "server" not in absolute


def test_execute_unpacks_calls_and_packs():
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in FILES]
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    bodies = [node.body for node in functions if node.name == "execute"]
    assert len(bodies) == 16
    assert max(body[-1].end_lineno - body[0].lineno + 1 for body in bodies) <= 10


def test_warnings_find_our_code_under_every_name_it_is_imported_by(pack):
    of_a_node, by_the_host = pack("nodes.checks").require_latent, pack("art2mus_core.audio.level").finish
    assert by_the_host.__module__ != finish.__module__ == "art2mus_core.audio.level"
    assert not of_a_node.__module__.startswith("nodes")
    for function in (of_a_node, by_the_host, finish, imports):
        assert is_ours(inspect.unwrap(function).__code__.co_filename)
