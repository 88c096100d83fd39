"""Checks shapes and types of a package as jaxtyping's import hook does, at half the cost.

jaxtyping's own decorator binds the arguments of every call and checks them twice, which takes as long as the tiny networks
themselves. Here beartype checks them once, and the names of dimensions are kept only where a function has arrays.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import jaxtyping
from beartype import BeartypeConf, beartype
from jaxtyping import TypeCheckError, install_import_hook, jaxtyped

__all__ = ["check_shapes"]

checks = beartype(conf=BeartypeConf(violation_type=TypeCheckError))  # a TypeError, as Python itself raises


def check_shapes(package: str) -> None:
    """Check every function and dataclass of a package that is imported from now on."""
    jaxtyping.jaxtyped = lambda *, typechecker: _checked  # the name that the hook's code uses
    install_import_hook(package, "beartype.beartype")


def _checked(defined: Any) -> Any:
    """A function whose arguments and result are checked, or a dataclass whose fields are."""
    if not inspect.isclass(defined):
        return _checked_function(defined)
    if dataclasses.is_dataclass(defined) and not hasattr(defined.__init__, "__wrapped__"):
        defined.__init__ = _checked_function(defined.__init__)
    return defined


def _checked_function(function: Callable[..., Any]) -> Callable[..., Any]:
    function.__annotations__ = hints = dict(_known(function))
    written = " ".join(map(repr, hints.values()))
    if "jaxtyping" not in written:
        return checks(function)
    # Sizes in braces are those of other arguments, and a generator runs after its call: jaxtyping knows both.
    if "{" in written or inspect.isgeneratorfunction(function):
        return jaxtyped(function, typechecker=checks)
    typed = checks(function)

    @functools.wraps(function)
    def with_dimensions(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        with jaxtyped("context"):
            return typed(*args, **kwargs)

    return with_dimensions


def _known(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """Annotations as objects, without those whose names are not defined yet, or for type checkers alone."""
    for name, hint in function.__annotations__.items():
        with contextlib.suppress(NameError):
            yield name, eval(hint, function.__globals__) if isinstance(hint, str) else hint
