"""What the browser is told of a failure: the error's short name, words without places on this machine's disk, no frames of ours.

The host sends an exception's class with its module, which for a custom node is the path of its folder, and the traceback.
The whole of both is in the host's log, as the cause.
"""

from __future__ import annotations

import functools
import inspect
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import folder_paths
from comfy_api.latest import io

from .dependencies import explained
from .folders import model_roots

__all__ = ["telling", "telling_node", "without_paths"]

SHOWN_AS = "art2mus"
"""What a traceback calls this file."""

ABSOLUTE = re.compile(r"(?<![\w.:/\\~%-])(?:[A-Za-z]:[\\/]|/)[^\s'\"(),;]+")
"""A path from the root of a disk; an address on the web is none."""

Function = Callable[..., Any]


def without_paths(text: str) -> str:
    """The text with files and folders as they are called below the host's own folders, or by their last name elsewhere."""
    for place, shown in _places():
        text = text.replace(f"{place}{os.sep}", f"{shown}/" if shown else "")
    return ABSOLUTE.sub(lambda found: re.split(r"[\\/]", found[0].rstrip("\\/"))[-1], text)


def _places() -> list[tuple[str, str]]:
    """The host's folders and what each is shown as, inner ones first."""
    base = Path(folder_paths.base_path)
    folders = (
        folder_paths.get_input_directory(),
        folder_paths.get_output_directory(),
        folder_paths.get_temp_directory(),
    )
    shown: dict[str, str] = {}
    for place in (base, *map(Path, folders), *model_roots()):
        inside = place.is_relative_to(base)
        name = place.relative_to(base).as_posix().strip(".") if inside else place.name
        shown |= {str(place): name, str(place.resolve()): name}
    return sorted(shown.items(), key=lambda entry: -len(entry[0]))


def telling(function: Function) -> Function:
    """The function, which raises what it raised as the browser may have it."""

    def outspoken(*args: Any, **inputs: Any) -> Any:  # noqa: ANN401  whatever the function takes and gives
        try:
            return function(*args, **inputs)
        except Exception as error:
            raise _told(error) from error

    outspoken.__code__ = outspoken.__code__.replace(co_filename=SHOWN_AS)
    return functools.update_wrapper(outspoken, function)


def _refusing(function: Function) -> Function:
    """A node's `validate_inputs`, which gives back as text what it raised."""

    @functools.wraps(function)
    def outspoken(*args: Any, **inputs: Any) -> bool | str:  # noqa: ANN401
        try:
            return function(*args, **inputs)
        except Exception as error:  # noqa: BLE001
            return f"{_told(error)}"

    # By which the host knows what to check.
    outspoken.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return outspoken


def telling_node(node: type[io.ComfyNode]) -> type[io.ComfyNode]:
    """The node, all of whose failures are told in this way."""
    for name, wrapped in (("execute", telling), ("check_lazy_status", telling), ("validate_inputs", _refusing)):
        if name in vars(node):
            setattr(node, name, classmethod(wrapped(inspect.unwrap(getattr(node, name).__func__))))
    return node


def _told(error: Exception) -> Exception:
    """The same error, still of its class, under its short name."""
    error = explained(error) if isinstance(error, ImportError) else error
    text = without_paths(str(error))
    name, facts = type(error).__name__, {"__module__": "builtins", "__str__": lambda _: text}
    try:
        kind: Any = type(name, (type(error),), facts)
        told = kind.__new__(kind)
    except TypeError:  # a class that can't be derived from
        kind = type(name, (Exception,), facts)
        told = kind()
    told.args = error.args
    vars(told).update(vars(error))
    return told
