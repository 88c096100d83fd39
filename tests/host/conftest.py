from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def comfyui_module():
    spec = importlib.util.spec_from_file_location("comfyui", Path(__file__).with_name("comfyui.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules["comfyui"] = module
    spec.loader.exec_module(module)
    if module.ABSENT:
        pytest.skip("COMFYUI_HOME does not name a ComfyUI checkout")
    return module


@pytest.fixture(scope="session")
def server(comfyui_module, tmp_path_factory, pocket_like, published_like):
    """A running ComfyUI with the pack and two tiny checkpoints, `tiny` and `published`."""
    models = {"tiny": pocket_like, "published": published_like}
    with comfyui_module.ComfyUI(tmp_path_factory.mktemp("comfyui"), models) as running:
        yield running
