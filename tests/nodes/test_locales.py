"""Every language says everything that the nodes say, and nothing else.

The English words are those of the schemas, and are written anew from them by

    python tests/nodes/test_locales.py > locales/en/nodeDefs.json
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

PACK = Path(__file__).parents[2]
LANGUAGES = sorted(folder.name for folder in (PACK / "locales").iterdir() if folder.is_dir())
TRANSLATED = [language for language in LANGUAGES if language != "en"]
SCRIPTS = {"zh": re.compile("[\u4e00-\u9fff]")}
"""What a sentence of a language has at least one of, where its script tells it from English."""

SYNTAX = set("{}@|")
"""Marks by which the front end's translator would read more than words."""


def words(schema) -> dict:
    """What a person reads of a node, as the front end looks it up."""

    def said(socket) -> dict:
        tooltip = {"tooltip": socket.tooltip} if socket.tooltip else {}
        return {"name": socket.display_name or socket.id, **tooltip}

    sockets = {
        "inputs": {socket.id: said(socket) for socket in schema.inputs},
        "outputs": {str(index): said(socket) for index, socket in enumerate(schema.outputs)},
    }
    named = {"display_name": schema.display_name, "description": schema.description}
    return named | {kind: found for kind, found in sockets.items() if found}


def written(language: str, name: str) -> dict:
    return json.loads((PACK / "locales" / language / f"{name}.json").read_bytes().decode("utf-8"))


def leaves(tree: dict, *above: str) -> dict[str, str]:
    """Each text by the path of its keys."""
    found = {}
    for key, value in tree.items():
        found |= leaves(value, *above, key) if isinstance(value, dict) else {".".join((*above, key)): value}
    return found


@pytest.fixture
def english(nodes):
    return {name: words(node.GET_SCHEMA()) for name, node in nodes.items()}


def test_english_is_what_the_schemas_say(english):
    assert written("en", "nodeDefs") == english, "python tests/nodes/test_locales.py > locales/en/nodeDefs.json"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_is_two_files(language):
    assert sorted(path.name for path in (PACK / "locales" / language).iterdir()) == ["main.json", "nodeDefs.json"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_missing_and_nothing_is_left_over(language, english):
    assert leaves(written(language, "nodeDefs")).keys() == leaves(english).keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_categories_have_names(language, nodes):
    parts = {part for node in nodes.values() for part in node.GET_SCHEMA().category.split("/")}
    assert written(language, "main")["nodeCategories"].keys() == parts
    assert leaves(written(language, "main")).keys() == leaves(written("en", "main")).keys()


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_plain_words(language):
    for path, text in (leaves(written(language, "nodeDefs")) | leaves(written(language, "main"))).items():
        assert text == text.strip() != "", path
        assert not SYNTAX & set(text), path


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_has_several_words_is_translated(language, english):
    said = leaves(written(language, "nodeDefs"))
    for path, text in leaves(english).items():
        if " " in text:
            assert said[path] != text, path
            assert language not in SCRIPTS or SCRIPTS[language].search(said[path]), path


@pytest.mark.parametrize("language", TRANSLATED)
def test_the_same_words_are_translated_alike(language, english):
    said, chosen = leaves(written(language, "nodeDefs")), {}
    for path, text in leaves(english).items():
        assert chosen.setdefault(text, said[path]) == said[path], path


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).with_name("stand_in")))
    from describe import load_nodes

    schemas = [node.GET_SCHEMA() for node in load_nodes(PACK)]
    texts = json.dumps({schema.node_id: words(schema) for schema in schemas}, indent=2, ensure_ascii=False)
    sys.stdout.buffer.write(f"{texts}\n".encode())
