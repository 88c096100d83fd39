"""The words that a running server gives to its front end: names and tooltips, help pages and their pictures."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.host

PACK = Path(__file__).parents[2]
DOCS = PACK / "web" / "docs"
LANGUAGES = sorted(folder for folder in (PACK / "locales").iterdir() if folder.is_dir())


@pytest.mark.parametrize("folder", LANGUAGES, ids=lambda folder: folder.name)
def test_words_of_a_language_are_served_for_every_node(server, folder):
    served = server.get("/i18n")[folder.name]
    assert served["nodeDefs"] == json.loads((folder / "nodeDefs.json").read_text(encoding="utf-8"))
    assert served["nodeCategories"]["Art2Mus"]
    ours = {
        name for name, info in server.get("/object_info").items() if info["python_module"] == "custom_nodes.art2mus"
    }
    assert ours == served["nodeDefs"].keys()


@pytest.mark.parametrize("kind", ["*.md", "*.webp"])
def test_pages_and_pictures_are_served_as_they_are(server, kind):
    paths = sorted(DOCS.rglob(kind))
    assert len(paths) >= len(list(DOCS.glob("*.md")))
    for path in paths:
        address = f"{server.address}/extensions/art2mus/docs/{path.relative_to(DOCS).as_posix()}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert answer.read() == path.read_bytes(), address
            # The front end takes a page that calls itself HTML for the server's word that there is none.
            assert "html" not in answer.headers["Content-Type"], address
