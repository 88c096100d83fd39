"""Placeholders in a file name, those of the host's save nodes: %year%, %batch_num%, %date:yyyy-MM-dd%, %KSampler.seed%.

The host fills some of them on the server and the others in its front end, for core nodes only. Here the server fills all of
them, so that they also work in a linked name and in a graph sent through the API.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from ..art2mus_core.errors import OutputError
from .provenance import Graph

__all__ = ["fill", "fill_times"]

PLACEHOLDER = re.compile(
    r"%(?:date:(?P<date>[^%]+)|(?P<word>[A-Za-z]\w*)|(?P<node>[^%.\s](?:[^%.]*[^%.\s])?)\.(?P<widget>\w+))%"
)
"""Any other `%` is an ordinary character."""

TIMES = {"year": "yyyy", "month": "MM", "day": "dd", "hour": "hh", "minute": "mm", "second": "ss"}
"""Date placeholders and their equivalent patterns."""

PER_PIECE = {"batch_num", "width", "height"}
"""Placeholders whose value depends on the piece."""

PARTS = re.compile("yyyy|yy|dd?|MM?|hh?|mm?|ss?")
UNSAFE = re.compile(r'[/?<>\\:*|"\x00-\x1F\x7F]')
"""Characters of a widget's value that are replaced in a file name."""

EXPECTED = "a placeholder such as %year%, %date:yyyy-MM-dd%, %batch_num% or %KSampler.seed%"


def fill_times(name: str) -> str:
    """Fill the date placeholders of a name and keep the others.

    Raises:
        OutputError: a placeholder is unknown.
    """
    now = datetime.now().astimezone()

    def filled(found: re.Match[str]) -> str:
        word = found["word"]
        if word and word not in TIMES.keys() | PER_PIECE:
            raise OutputError(
                f"the placeholder %{word}% in a file name", EXPECTED, "Correct it, or remove the % signs."
            )
        pattern = found["date"] or TIMES.get(word or "")
        return _date(pattern, now) if pattern else found[0]

    return PLACEHOLDER.sub(filled, name)


def fill(name: str, graph: Graph | None, *, number: int = 0, size: tuple[int, int] = (0, 0)) -> str:
    """Fill all placeholders of a name.

    Args:
        name: file name with placeholders.
        graph: the running graph, whose nodes' widgets can be referenced.
        number: index of the piece in its batch.
        size: width and height of the cover in pixels.

    Raises:
        OutputError: a placeholder is unknown, or names a node or widget that the graph does not have.
    """
    values = {"batch_num": str(number), "width": str(size[0]), "height": str(size[1])}

    def filled(found: re.Match[str]) -> str:
        return (
            values[found["word"]] if found["word"] else UNSAFE.sub("_", _value(graph, found["node"], found["widget"]))
        )

    return PLACEHOLDER.sub(filled, fill_times(name))


def _date(pattern: str, now: datetime) -> str:
    """Fill a pattern such as `yyyy-MM-dd hh:mm:ss`; single letters give numbers without a leading zero."""
    numbers = {"d": now.day, "M": now.month, "h": now.hour, "m": now.minute, "s": now.second}

    def filled(found: re.Match[str]) -> str:
        part = found[0]
        return str(now.year)[-len(part) :] if part[0] == "y" else str(numbers[part[0]]).zfill(len(part))

    return PARTS.sub(filled, pattern)


def _value(graph: Graph | None, node: str, widget: str) -> str:
    """The value of a widget of the first node with that name."""
    came, named = f"the placeholder %{node}.{widget}% in a file name", list(_named_inputs(graph))
    inputs = next((inputs for name, inputs in named if name == node), None)
    if inputs is None:
        names = ", ".join(dict.fromkeys(name for name, _ in named))
        raise OutputError(came, f"a node of the graph: {names}", "Write a node's name or title.")
    if isinstance(inputs.get(widget, []), (list, dict)):
        widgets = ", ".join(name for name, value in inputs.items() if not isinstance(value, (list, dict)))
        raise OutputError(came, f"a widget without a link: {widgets or 'it has none'}", "Write one of these.")
    return _text(inputs[widget])


def _text(value: object) -> str:
    """A value as JavaScript prints it: `true`, and `1` for 1.0."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _named_inputs(graph: Graph | None) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and inputs of the graph's nodes in the canvas's order: first by type or "Node name for S&R", then by title."""
    prompt = (graph and graph.prompt) or {}
    names = _search_names(((graph and graph.extra_pnginfo) or {}).get("workflow") or {})
    order = {key: place for place, key in enumerate(names)}
    nodes = sorted(prompt.items(), key=lambda entry: order.get(_local_id(entry[0]), len(order)))
    for key, node in nodes:
        yield names.get(_local_id(key)) or node["class_type"], node["inputs"]
    for _, node in nodes:
        yield node.get("_meta", {}).get("title", ""), node["inputs"]


def _local_id(key: str) -> str:
    """A node's id within its subgraph."""
    return key.rpartition(":")[2]


def _search_names(workflow: dict[str, Any]) -> dict[str, str | None]:
    """The "Node name for S&R" of each node of a saved workflow, by its id within its subgraph."""
    subgraphs = (workflow.get("definitions") or {}).get("subgraphs") or []
    nodes = [node for graph in (workflow, *subgraphs) for node in graph.get("nodes") or []]
    found: dict[str, str | None] = {}
    for node in nodes:
        found.setdefault(str(node["id"]), node.get("properties", {}).get("Node name for S&R"))
    return found
