"""The table of aligner kinds, and an untrained aligner of the sizes in a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from inspect import Parameter, signature
from types import MappingProxyType
from typing import Any

from ..errors import SettingError
from .base import AlignerNetwork
from .projection import ProjectionAligner
from .resampler import ResamplerAligner
from .visual import VisualAligner

__all__ = ["KINDS", "build_aligner", "kind_of", "sizes_of"]

KINDS: Mapping[str, type[AlignerNetwork]] = MappingProxyType(
    {kind.kind: kind for kind in (VisualAligner, ProjectionAligner, ResamplerAligner)}
)
"""Classes by the kind in a file's header and in a configuration."""


def kind_of(model: Mapping[str, Any]) -> type[AlignerNetwork]:
    """The class of a configuration's field `model`; `visual` without a `kind`.

    Raises:
        SettingError: an unknown kind.
    """
    kind = VisualAligner.kind if model.get("kind") is None else model["kind"]
    if not isinstance(kind, str) or kind not in KINDS:
        raise SettingError(f"an aligner of the kind {kind!r}", f"one of {', '.join(KINDS)}", "Correct the field model.")
    return KINDS[kind]


def sizes_of(model: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a configuration's aligner: those in its field `model`, else those found, else the defaults.

    None is as if it were left out, except for `dim` beside a `patch_dim`: the aligner then uses patches alone.

    Args:
        model: the field, with the `kind`.
        found: as in :func:`build_aligner`.

    Raises:
        SettingError: an unknown kind, or a key that it does not have.
    """
    kind = kind_of(model)
    known = signature(kind).parameters
    given = {name: value for name, value in model.items() if value is not None and name != "kind"}
    if unknown := [name for name in given if name not in known]:
        nearest = get_close_matches(str(unknown[0]), known, 1)
        raise SettingError(
            f"a {kind.kind} aligner with {unknown[0]}: no such field{f', did you mean {nearest[0]}?' if nearest else ''}",
            f"some of kind, {', '.join(known)}",
            "Correct the field model.",
        )
    defaults = {name: each.default for name, each in known.items() if each.default not in {None, Parameter.empty}}
    return {**defaults, **_used(model, found), **given}


def _used(model: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the found sizes that a configuration's aligner has."""
    reads = kind_of(model).reads(model)
    if "patch_dim" in reads and model.get("dim", 0) is None:
        reads = {"patch_dim"}
    return {name: value for name, value in found.items() if name in {"space", "width", *reads}}


def build_aligner(model: Mapping[str, Any], found: Mapping[str, Any], origin: str) -> AlignerNetwork:
    """An untrained aligner of a configuration.

    Args:
        model: the configuration's sizes, and the `kind`.
        found: space, dim, width and perhaps patch_dim, as encoder and language model have them; they need not be in `model`.
        origin: the names of encoder and prior, for messages.

    Raises:
        SettingError: an unknown kind or key, sizes that contradict those found, or impossible ones.
    """
    sizes, wanted = sizes_of(model, found), _used(model, found)
    if other := [name for name in wanted if sizes[name] != wanted[name]]:
        raise SettingError(
            f"an aligner with {', '.join(f'{name} {sizes[name]}' for name in other)}",
            f"{', '.join(f'{name} {wanted[name]}' for name in other)}, as {origin} have it",
            "Correct these in the field model, or remove them.",
        )
    return kind_of(model)(**sizes)
