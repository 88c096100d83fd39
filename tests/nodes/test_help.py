"""The help pages against the nodes: every socket has its row, and every row says what the schema says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

PACK = Path(__file__).parents[2]
DOCS = PACK / "web" / "docs"
LANGUAGES = sorted(folder.name for folder in (PACK / "locales").iterdir() if folder.is_dir())
WIDGETS = {"BOOLEAN", "COMBO", "FLOAT", "INT", "STRING"}
PICTURE = re.compile(r"!\[(.*?)\]\((.*?)\)")
LINK = re.compile(r"(?<!!)\[.*?\]\((.*?)\)")
MESSAGE = re.compile(r"\*\*(.+?)\*\*")
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def place(node_id: str, language: str) -> Path:
    """Where the front end looks: a folder of languages first, then the page that stands for all others."""
    return DOCS / f"{node_id}.md" if language == "en" else DOCS / node_id / f"{language}.md"


def tables(page: str) -> list[list[list[str]]]:
    """Name, what it takes, and what is said of it, of each row of each table, without head and rule."""
    blocks = re.findall(r"(?:^\|.*\n?)+", page, re.MULTILINE)
    rows = [[re.split(r"\||<br>", line.strip().strip("|")) for line in block.splitlines()[2:]] for block in blocks]
    return [[[part.strip() for part in row] for row in table] for table in rows]


@pytest.fixture
def nodes(nodes):
    """Those that a person meets."""
    return {name: node for name, node in nodes.items() if not node.GET_SCHEMA().is_dev_only}


@pytest.fixture(params=LANGUAGES)
def pages(request, nodes):
    """Schema, the language's words for it, and its page, of each node."""
    texts = (PACK / "locales" / request.param / "nodeDefs.json").read_text(encoding="utf-8")
    return [
        (node.GET_SCHEMA(), json.loads(texts)[name], place(name, request.param).read_text(encoding="utf-8"))
        for name, node in nodes.items()
    ]


def test_no_page_is_left_over(nodes):
    wanted = {place(name, language) for name in nodes for language in LANGUAGES}
    assert set(DOCS.rglob("*.md")) == wanted


def test_title_is_the_nodes_name(pages):
    for _, said, page in pages:
        assert page.startswith(f"# {said['display_name']}\n")


def test_each_socket_has_its_row_in_order(pages):
    for schema, said, page in pages:
        inputs = [(socket.id, said["inputs"][socket.id]["name"]) for socket in schema.inputs]
        names = [output["name"] for output in said.get("outputs", {}).values()]
        outputs = list(zip([socket.display_name for socket in schema.outputs], names, strict=True))
        wanted = [
            [key if key == name else f"{name} {key}" for key, name in sockets]
            for sockets in (inputs, outputs)
            if sockets
        ]
        assert [[row[0] for row in table] for table in tables(page)] == wanted, schema.node_id
        assert all(len(row) == 3 and all(row) for table in tables(page) for row in table), schema.node_id


def test_each_row_says_what_the_socket_takes(pages):
    for schema, _, page in pages:
        for socket, (_, takes, _) in zip(schema.inputs, tables(page)[0], strict=True):
            where = f"{schema.node_id}.{socket.id}"
            if socket.io_type in {"FLOAT", "INT"}:
                limits = [float(number) for number in (socket.min, socket.max, socket.default)]
                assert [float(number) for number in NUMBER.findall(takes)] == limits, where
            elif socket.io_type not in WIDGETS:
                assert takes.startswith(f"`{socket.io_type}`"), where
            elif isinstance(getattr(socket, "default", None), str) and socket.default:
                assert f"`{socket.default}`" in takes, where
        for socket, row in zip(schema.outputs, tables(page)[1] if schema.outputs else [], strict=True):
            assert row[1].startswith(f"`{socket.io_type}`"), schema.node_id


def test_optional_inputs_are_called_so(nodes):
    for name, node in nodes.items():
        rows = tables(place(name, "en").read_text(encoding="utf-8"))[0]
        said = {row[0]: "optional" in row[1] for row in rows}
        assert said == {socket.id: bool(socket.optional) for socket in node.GET_SCHEMA().inputs}, name


def test_each_page_has_a_picture_and_it_is_there(pages):
    for schema, _, page in pages:
        found = PICTURE.findall(page)
        assert found, schema.node_id
        for text, target in found:
            assert text
            assert (DOCS / target).is_file(), target  # the front end asks below docs/, whatever page the link is on


def test_links_lead_out(pages):
    """The front end leaves the address of a link alone, so that one to a file beside the page leads nowhere."""
    assert all(target.startswith("https://") for _, _, page in pages for target in LINK.findall(page))


def test_messages_are_quoted_as_they_are(pages):
    sources = [*(PACK / "nodes").glob("*.py"), *(PACK / "art2mus_core").rglob("*.py")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    for schema, _, page in pages:
        assert [said for said in MESSAGE.findall(page) if said not in code] == [], schema.node_id


def test_all_say_the_same_of_new_files_in_lists():
    """Which a reader would otherwise have to compare: R on the canvas refreshes the lists."""
    places = [*(PACK / "nodes").glob("*.py"), *(PACK / "docs").glob("M*.md"), *(PACK / "workflows").glob("*.json")]
    places += [*DOCS.rglob("*.md"), *(PACK / "locales").rglob("*.json"), PACK / "README.md"]
    said = []
    for path in places:
        text = " ".join(path.read_text(encoding="utf-8").replace("*", "").replace('"', "").split())
        said += re.findall(r"(?:[Pp]ress |按 )R\b.{0,45}", text)
    assert len(said) >= 12
    ways = ("ress R on the canvas to refresh the lists", "按 R 刷新列表")
    assert [each for each in said if not any(way in each for way in ways)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_loudness_of_a_score_is_after_levelling(language):
    """`level` is the sampler's input, which decides whether the audio is as loud as generated."""
    rows = [row for table in tables(place("Art2MusScoreMusic", language).read_text(encoding="utf-8")) for row in table]
    (loudness,) = [row for row in rows if row[0].split()[-1] == "loudness"]
    assert "LUFS" in loudness[-1]
    assert "`level`" in loudness[-1]
