from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from .plain_memory import PlainMemory

HERE = Path(__file__).parent
PACK = HERE.parents[1]


@pytest.fixture(scope="session")
def pack():
    """The pack's modules by name, loaded by path under a mangled name, on the stand-in."""
    added = [str(HERE / "stand_in"), str(HERE)]
    sys.path[:0] = added
    describe = importlib.import_module("describe")
    module = describe.load_pack(PACK)
    yield lambda name: importlib.import_module(f"{module.__name__}.{name}")
    for name in added:
        sys.path.remove(name)
    for name in [
        name
        for name in sys.modules
        if name.startswith((module.__name__, "comfy_api", "comfy_execution", "folder_paths"))
    ]:
        del sys.modules[name]


@pytest.fixture
def nodes(pack, host_folders):
    """The node classes by id."""
    import asyncio

    found = asyncio.run(pack("nodes.extension").Art2MusExtension().get_node_list())
    return {node.GET_SCHEMA().node_id: node for node in found}


@pytest.fixture
def memory(pack):
    """A memory policy without a host."""
    return PlainMemory(pack("art2mus_core.diffusion.denoiser").LatentDenoiser)


@pytest.fixture
def host_folders(pack, tmp_path, monkeypatch):
    """The host's folders, empty."""
    import folder_paths

    for name in ("input", "output", "temp"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(folder_paths, "base", tmp_path)
    monkeypatch.setattr(folder_paths, "base_path", str(tmp_path))
    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path / "models"))
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", {})
    return tmp_path
