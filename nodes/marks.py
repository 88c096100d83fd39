"""Marks in a file name, as the host's save nodes know them: %year%, %batch_num%, %date:yyyy-MM-dd%, %KSampler.seed%.

The host fills some of them on the server and leaves the others to its front end, which does it for core nodes alone. Here
all are filled on the server, so that they mean the same in a widget, in a link, and in a graph that comes without a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ..art2mus_core.errors import OutputError
from .provenance import Graph

__all__ = ["fill", "fill_times"]

MARK = re.compile(
    r"%(?:date:(?P<date>[^%]+)|(?P<word>[A-Za-z]\w*)|(?P<node>[^%.\s](?:[^%.]*[^%.\s])?)\.(?P<widget>\w+))%"
)
"""A `%` that belongs to none of these is a sign like any other."""

TIMES = {"year": "yyyy", "month": "MM", "day": "dd", "hour": "hh", "minute": "mm", "second": "ss"}
"""Marks of the moment by the pattern that says the same."""

LATER = {"batch_num", "width", "height"}
"""Marks that differ from piece to piece."""

PARTS = re.compile("yyyy|yy|dd?|MM?|hh?|mm?|ss?")
UNSAFE = re.compile(r'[/?<>\\:*|"\x00-\x1F\x7F]')
"""What no value of a widget brings into a file name."""

EXPECTED = "a mark such as %year%, %date:yyyy-MM-dd%, %batch_num% or %KSampler.seed%"


def fill_times(name: str) -> str:
    """The name with its marks of the moment filled, and the others as they are.

    Raises:
        OutputError: a mark that there is not.
    """
    now = datetime.now().astimezone()

    def filled(found: re.Match[str]) -> str:
        word = found["word"]
        if word and word not in TIMES.keys() | LATER:
            raise OutputError(f"the mark %{word}% in a file name", EXPECTED, "Correct it, or leave the % signs out.")
        pattern = found["date"] or TIMES.get(word or "")
        return _date(pattern, now) if pattern else found[0]

    return MARK.sub(filled, name)


def fill(name: str, graph: Graph | None, *, number: int = 0, size: tuple[int, int] = (0, 0)) -> str:
    """The name with all its marks filled.

    Args:
        name: as the person wrote it.
        graph: that is at work, for the values of its nodes' widgets.
        number: of the piece in its batch.
        size: width and height of the cover in pixels.

    Raises:
        OutputError: a mark that there is not, or a node or widget that is not in the graph.
    """
    known = {"batch_num": str(number), "width": str(size[0]), "height": str(size[1])}

    def filled(found: re.Match[str]) -> str:
        return known[found["word"]] if found["word"] else UNSAFE.sub("_", _value(graph, found["node"], found["widget"]))

    return MARK.sub(filled, fill_times(name))


def _date(pattern: str, now: datetime) -> str:
    """`yyyy-MM-dd hh:mm:ss` and parts of it; a letter alone has no leading zero."""
    numbers = {"d": now.day, "M": now.month, "h": now.hour, "m": now.minute, "s": now.second}

    def said(found: re.Match[str]) -> str:
        part = found[0]
        return str(now.year)[-len(part) :] if part[0] == "y" else str(numbers[part[0]]).zfill(len(part))

    return PARTS.sub(said, pattern)


def _value(graph: Graph | None, node: str, widget: str) -> str:
    """What a widget of the first node of that name says."""
    mark, called = f"the mark %{node}.{widget}% in a file name", list(_called(graph))
    inputs = next((inputs for name, inputs in called if name == node), None)
    if inputs is None:
        names = ", ".join(dict.fromkeys(name for name, _ in called))
        raise OutputError(mark, f"a node that runs: {names}", "Write a node's name or title.")
    if isinstance(inputs.get(widget, []), (list, dict)):
        widgets = ", ".join(name for name, value in inputs.items() if not isinstance(value, (list, dict)))
        raise OutputError(mark, f"a widget without a link: {widgets or 'it has none'}", "Write one of these.")
    return _written(inputs[widget])


def _written(value: object) -> str:
    """A value as the page writes it: `true`, and `1` for 1.0, which is what the host makes of it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _called(graph: Graph | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and inputs of the graph's nodes in the canvas's order: all names for marks first, then all titles."""
    prompt = (graph and graph.prompt) or {}
    drawn = _drawn(((graph and graph.extra_pnginfo) or {}).get("workflow") or {})
    places = {key: place for place, key in enumerate(drawn)}
    nodes = sorted(prompt.items(), key=lambda entry: places.get(_own(entry[0]), len(places)))
    for key, node in nodes:
        yield drawn.get(_own(key)) or node["class_type"], node["inputs"]
    for _, node in nodes:
        yield node.get("_meta", {}).get("title", ""), node["inputs"]


def _own(key: str) -> str:
    """A node's number within its subgraph."""
    return key.rpartition(":")[2]


def _drawn(workflow: dict[str, Any]) -> dict[str, str | None]:
    """The name for marks that a person may have given to a node, by its number, as the canvas saves it."""
    inner = (workflow.get("definitions") or {}).get("subgraphs") or []
    nodes = [node for graph in (workflow, *inner) for node in graph.get("nodes") or []]
    found: dict[str, str | None] = {}
    for node in nodes:
        found.setdefault(str(node["id"]), node.get("properties", {}).get("Node name for S&R"))
    return found
