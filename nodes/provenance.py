"""Tags of a music file: the settings and the graph that made it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Protocol

from ..art2mus_core.errors import ArtworkError
from .folders import artwork_path

__all__ = ["Graph", "artworks_behind", "graph_tags", "piece_tags"]

OPENED = {"Art2MusLoadArtwork": "artwork", "LoadImage": "image", "LoadImageOutput": "image"}
"""Nodes that load one picture, and the input with its name."""

OWN = {"artworks": "artwork_sha256", "gains": "gain_db"}
"""Entries of the provenance that have one value for each piece, and the tags of a piece's own value. `plans` has several tags for each."""


class Graph(Protocol):
    """The host's hidden inputs: the executed prompt, the saved workflow and this node's id."""

    prompt: dict[str, Any] | None
    extra_pnginfo: dict[str, Any] | None
    unique_id: str | None


def artworks_behind(graph: Graph | None) -> list[str]:
    """Titles of the pictures loaded by nodes upstream of the `audio` input, the nearest first.

    Args:
        graph: hidden inputs of a node with an `audio` input.
    """
    prompt = getattr(graph, "prompt", None) or {}
    here = prompt.get(str(getattr(graph, "unique_id", None)), {}).get("inputs", {})
    queue, visited, titles = _links([here.get("audio")]), set(), []
    while queue:
        key = queue.pop(0)
        node = prompt.get(key, {})
        if key in visited or not node:
            continue
        visited.add(key)
        titles += _titles(node["inputs"].get(OPENED.get(node["class_type"], "")))
        queue += _links(node["inputs"].values())
    return list(dict.fromkeys(titles))


def _links(values: Iterable[Any]) -> list[str]:
    """Ids of the nodes that input values link to."""
    return [str(value[0]) for value in values if isinstance(value, list) and len(value) == 2]


def _titles(name: object) -> list[str]:
    try:
        return [artwork_path(name).stem.replace("_", " ")] if isinstance(name, str) else []
    except ArtworkError:  # the file was deleted in the meantime
        return []


def piece_tags(provenance: dict[str, Any], index: int) -> dict[str, str]:
    """Tags of one piece of a batch, with the same names as the command line's.

    Args:
        provenance: the `art2mus` entry of AUDIO; empty for audio from other nodes.
        index: index of the piece.
    """
    tags = {key: value for key, value in provenance.items() if key not in {*OWN, "plans"}}
    own = {tag: provenance.get(key, []) for key, tag in OWN.items()}
    tags |= {tag: values[index] for tag, values in own.items() if index < len(values)}
    for plan in provenance.get("plans", [])[index : index + 1]:
        tags |= plan
    return {tag: str(value) for tag, value in tags.items()}


def graph_tags(graph: Graph | None) -> dict[str, str]:
    """Tags from which the canvas restores the graph; empty if the host was started with `--disable-metadata`."""
    if graph is None:
        return {}
    from .host import keeps_metadata

    if not keeps_metadata():
        return {}
    parts = {"prompt": graph.prompt, **(graph.extra_pnginfo or {})}
    return {key: json.dumps(value) for key, value in parts.items() if value is not None}
