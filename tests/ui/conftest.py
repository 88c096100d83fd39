from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from .canvas import RENDERERS, Canvas, chromium


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
    with playwright.sync_playwright() as running:
        try:
            with chromium(running) as opened:
                yield opened
        except FileNotFoundError as error:
            pytest.skip(str(error))


@pytest.fixture(scope="session", params=RENDERERS.items(), ids=RENDERERS)
def opened(request, server, browser):
    """One page for all tests of a renderer: loading the front end takes longer than most of them."""
    page = browser.new_page(viewport={"width": 1600, "height": 950})
    yield Canvas(page, server.address, vue=request.param[1])
    page.close()


@pytest.fixture
def canvas(opened):
    """The page; a test fails if the console complains of us meanwhile."""
    opened.complaints.clear()
    yield opened
    if opened.page.locator(
        "[role=dialog]"
    ).count():  # left by a test that failed; it would hide the page from all others
        opened.page.reload()
        opened.wait_until_ready()
    ours = ("art2mus", "extensions/", "Error calling extension", "uncaught")
    assert [line for line in opened.complaints if any(word.lower() in line.lower() for word in ours)] == []
