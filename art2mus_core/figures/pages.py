"""Fills the templates of pages and documents. A page is one file that loads nothing from the network."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["SUFFIXES", "counted", "one_line", "render"]

TEMPLATES = Path(__file__).parent / "templates"
SUFFIXES = (".html", ".htm")


def render(folder: Path, name: str, **parts: Any) -> str:  # noqa: ANN401 - the templates' variables
    """Fill a template, which may extend or include those of this room. What is filled into HTML is escaped.

    Args:
        folder: of the template.
        name: of its file.
        parts: its variables; a missing one is an error.
    """
    import jinja2  # noqa: PLC0415 - in the extra `data`

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([folder, TEMPLATES]),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"counted": counted, "quoted": json.dumps}
    return environment.get_template(name).render(**parts)


def counted(count: int, noun: str) -> str:
    """A number and its noun, such as `1,024 pieces`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def one_line(value: Any) -> str:  # noqa: ANN401 - any JSON
    """A JSON value on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {one_line(each)}" for key, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(one_line, value))
    return "none" if value is None else str(value)
