"""Errors without paths of this machine, for the browser.

The host sends the browser an exception's message, its traceback and its class with the module, which for a custom node is the
path of the pack. Nodes therefore raise a copy of each error: the same class under its short name, a message with paths below
ComfyUI's folders, and no frames of the pack. The original is the copy's cause and appears in full in the host's log.
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

from ..art2mus_core.errors import Art2MusError
from .dependencies import explained
from .folders import model_roots

__all__ = ["redact_errors", "redact_node", "without_paths"]

SHOWN_AS = "art2mus"
"""Name of this file in tracebacks."""

ABSOLUTE = re.compile(r"(?<![\w.:/\\~%-])(?:[A-Za-z]:[\\/]|/)[^\s'\"(),;]+")
"""An absolute path; web addresses do not match."""

Function = Callable[..., Any]


def without_paths(text: str) -> str:
    """The text with paths relative to the host's folders; other absolute paths become their last part."""
    for place, shown in _places():
        text = text.replace(f"{place}{os.sep}", f"{shown}/" if shown else "")
    return ABSOLUTE.sub(lambda found: re.split(r"[\\/]", found[0].rstrip("\\/"))[-1], text)


def _places() -> list[tuple[str, str]]:
    """The host's folders and the name that replaces each, longest path first."""
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


def redact_errors(function: Function) -> Function:
    """Wrap a function so that its errors contain no paths of this machine."""

    def wrapper(*args: Any, **inputs: Any) -> Any:  # noqa: ANN401  those of the function
        try:
            return function(*args, **inputs)
        except Exception as error:
            raise _redacted(error) from error

    wrapper.__code__ = wrapper.__code__.replace(co_filename=SHOWN_AS)
    return functools.update_wrapper(wrapper, function)


def _returning_errors(function: Function) -> Function:
    """Wrap a node's `validate_inputs` so that it returns an error's message, as the host expects."""

    @functools.wraps(function)
    def wrapper(*args: Any, **inputs: Any) -> bool | str:  # noqa: ANN401
        try:
            return function(*args, **inputs)
        except Exception as error:  # noqa: BLE001
            return f"{_redacted(error)}"

    # The host reads from the signature which inputs to pass.
    wrapper.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
    return wrapper


def _differing(function: Function) -> Function:
    """Wrap a node's `fingerprint_inputs` so that it differs from every other without a file: the node runs, and says so."""

    @functools.wraps(function)
    def wrapper(*args: Any, **inputs: Any) -> Any:  # noqa: ANN401
        try:
            return function(*args, **inputs)
        except (Art2MusError, OSError):
            return float("nan")

    return wrapper


def redact_node(node: type[io.ComfyNode]) -> type[io.ComfyNode]:
    """Wrap the methods of a node that the host calls, in place; returns the node."""
    methods = {
        "execute": redact_errors,
        "check_lazy_status": redact_errors,
        "validate_inputs": _returning_errors,
        "fingerprint_inputs": _differing,
    }
    for name, wrap in methods.items():
        if name in vars(node):
            setattr(node, name, classmethod(wrap(inspect.unwrap(getattr(node, name).__func__))))
    return node


def _redacted(error: Exception) -> Exception:
    """A copy of the error: of a subclass of its class, with the short name and the redacted message."""
    error = explained(error) if isinstance(error, ImportError) else error
    text = without_paths(str(error))
    name, attributes = type(error).__name__, {"__module__": "builtins", "__str__": lambda _: text}
    try:
        kind: Any = type(name, (type(error),), attributes)
        copy = kind.__new__(kind)
    except TypeError:  # a final class
        kind = type(name, (Exception,), attributes)
        copy = kind()
    copy.args = error.args
    vars(copy).update(vars(error))
    return copy
