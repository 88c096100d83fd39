from __future__ import annotations

from pathlib import Path

import pytest

from .folders import fill


@pytest.fixture
def dataset(art2mus):
    """Runs a command of `art2mus dataset`."""
    return lambda *arguments: art2mus("dataset", *arguments, model=None)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return fill(tmp_path_factory.mktemp("folders"), 21)
