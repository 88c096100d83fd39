"""What a music file says of itself: the settings it was made with and the graph that made it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Protocol

from ..art2mus_core.errors import ArtworkError
from .folders import artwork_path

__all__ = ["Graph", "artworks_behind", "graph_tags", "piece_tags"]

OPENED = {"Art2MusLoadArtwork": "artwork", "LoadImage": "image", "LoadImageOutput": "image"}
"""Nodes that open one picture, and the input that names it."""


class Graph(Protocol):
    """The host's hidden inputs: the prompt as it is executed, the workflow as the canvas draws it, and this node's id."""

    prompt: dict[str, Any] | None
    extra_pnginfo: dict[str, Any] | None
    unique_id: str | None


def artworks_behind(graph: Graph | None) -> list[str]:
    """Titles of the artworks that AUDIO comes from: of the pictures that nodes above this one open, the nearest first.

    Args:
        graph: of a node whose music comes in as `audio`.
    """
    prompt = getattr(graph, "prompt", None) or {}
    here = prompt.get(str(getattr(graph, "unique_id", None)), {}).get("inputs", {})
    waiting, met, titles = _links([here.get("audio")]), set(), []
    while waiting:
        number = waiting.pop(0)
        node = prompt.get(number, {})
        if number in met or not node:
            continue
        met.add(number)
        titles += _titles(node["inputs"].get(OPENED.get(node["class_type"], "")))
        waiting += _links(node["inputs"].values())
    return list(dict.fromkeys(titles))


def _links(values: Iterable[Any]) -> list[str]:
    """Numbers of the nodes that inputs come from."""
    return [str(value[0]) for value in values if isinstance(value, list) and len(value) == 2]


def _titles(name: object) -> list[str]:
    try:
        return [artwork_path(name).stem.replace("_", " ")] if isinstance(name, str) else []
    except ArtworkError:  # taken away meanwhile
        return []


def piece_tags(known: dict[str, Any], index: int) -> dict[str, str]:
    """Tags of one piece of a batch, named as the command line names them.

    Args:
        known: the `art2mus` entry of the host's AUDIO; empty for music from elsewhere.
        index: which piece.
    """
    tags = {key: str(value) for key, value in known.items() if key != "artworks"}
    artworks = known.get("artworks", [])
    return {**tags, "artwork_sha256": artworks[index]} if index < len(artworks) else tags


def graph_tags(graph: Graph | None) -> dict[str, str]:
    """Tags from which the canvas restores the graph; none if the host was started with `--disable-metadata`."""
    if graph is None:
        return {}
    from .host import keeps_metadata

    if not keeps_metadata():
        return {}
    parts = {"prompt": graph.prompt, **(graph.extra_pnginfo or {})}
    return {key: json.dumps(value) for key, value in parts.items() if value is not None}
