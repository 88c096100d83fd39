"""What a node says of its work in words; the browser shows it on the node (web/js/remarks.js), and history keeps it."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["told"]


def told(remarks: Iterable[str]) -> dict[str, list[str]] | None:
    """The host's `ui` of a node that has something to say, or nothing."""
    lines = list(remarks)
    return {"text": lines} if lines else None
