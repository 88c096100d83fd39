from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def server(tmp_path_factory, pocket_like):
    """A running ComfyUI with the pack and a tiny checkpoint."""
    path = Path(__file__).parents[1] / "host" / "comfyui.py"
    spec = importlib.util.spec_from_file_location("comfyui", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["comfyui"] = module
    spec.loader.exec_module(module)
    if module.ABSENT:
        pytest.skip("COMFYUI_HOME does not name a ComfyUI checkout")
    with module.ComfyUI(tmp_path_factory.mktemp("comfyui"), {"tiny": pocket_like}) as running:
        yield running


@pytest.fixture(scope="session")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield opened
        opened.close()
