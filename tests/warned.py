"""Whose doing a warning is: what our own code is warned of fails its test, what libraries do among themselves is told.

A filter by module does not see that. The module a warning is filed under is often a decorator that only hands the call on
(transformers' `deprecate_kwarg` files ours under its own), and the names of our modules depend on who imports the pack.
So the stack is asked, and where a file lies.
"""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import CodeType, FrameType

import pytest

ROOT = Path(os.path.realpath(__file__)).parents[1]
ROOMS = ("art2mus_core", "nodes", "tests", "__init__.py")
"""Where our own code lies."""

HANDS_ON = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS


@cache
def is_ours(file: str) -> bool:
    """Whether a file of code is the project's."""
    path = Path(os.path.realpath(file))
    return path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[:1] in {(room,) for room in ROOMS}


def author(frame: FrameType | None) -> str:
    """The file of the function that called what is warned of, going up from the frame that warns.

    Functions that take `*args, **kwargs` and at most `self` only hand a call on: decorators, torch's `Module.__call__`. If a
    function of a library warns, of its arguments as a rule, the library's functions above it are passed over too. If a
    decorator does, or compiled code that a function calls, then the caller is known, and may be the library itself.
    """
    package = _package(frame) if frame and _warns_of_itself(frame.f_code) else None
    while frame and not is_ours(frame.f_code.co_filename):
        if not _hands_on(frame.f_code) and _package(frame) != package:
            break
        frame = frame.f_back
    return frame.f_code.co_filename if frame else ""


def _hands_on(code: CodeType) -> bool:
    passes = code.co_flags & HANDS_ON == HANDS_ON and code.co_argcount <= 1 and not code.co_kwonlyargcount
    return passes or code.co_filename.startswith("<frozen importlib")


def _warns_of_itself(code: CodeType) -> bool:
    return not _hands_on(code) and not {"warn", "warn_explicit"}.isdisjoint(code.co_names)


def _package(frame: FrameType) -> str:
    return frame.f_globals.get("__name__", "").partition(".")[0]


@contextmanager
def judged() -> Iterator[None]:
    """Within the block a warning that is ours is raised; others are shown as before."""
    shown = warnings.showwarning

    def judge(message, *where):
        if is_ours(author(sys._getframe(2))):  # the first is of `warnings` itself
            raise message
        shown(message, *where)

    warnings.showwarning = judge
    try:
        yield
    finally:
        warnings.showwarning = shown


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol():
    with judged():
        return (yield)
