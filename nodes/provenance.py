"""What a music file says of itself: the settings it was made with and the graph that made it."""

from __future__ import annotations

import json
from typing import Any, Protocol

__all__ = ["Graph", "graph_tags", "piece_tags"]


class Graph(Protocol):
    """The host's hidden inputs: the prompt as it is executed, and the workflow as the canvas draws it."""

    prompt: dict[str, Any] | None
    extra_pnginfo: dict[str, Any] | None


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
