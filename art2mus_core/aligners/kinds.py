"""The table of aligner kinds, and an untrained aligner of the sizes in a configuration."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from ..errors import SettingError
from .base import AlignerNetwork
from .projection import ProjectionAligner
from .resampler import ResamplerAligner
from .visual import VisualAligner

__all__ = ["KINDS", "build_aligner", "kind_of"]

KINDS: Mapping[str, type[AlignerNetwork]] = MappingProxyType(
    {kind.kind: kind for kind in (VisualAligner, ProjectionAligner, ResamplerAligner)}
)
"""Classes by the kind in a file's header and in a configuration."""


def kind_of(model: Mapping[str, Any]) -> type[AlignerNetwork]:
    """The class of a configuration's field `model`; `visual` without a `kind`.

    Raises:
        SettingError: an unknown kind.
    """
    kind = model.get("kind", VisualAligner.kind)
    if kind not in KINDS:
        raise SettingError(f"an aligner of the kind {kind!r}", f"one of {', '.join(KINDS)}", "Correct the field model.")
    return KINDS[kind]


def build_aligner(model: Mapping[str, Any], found: Mapping[str, Any], origin: str) -> AlignerNetwork:
    """An untrained aligner of a configuration.

    Args:
        model: the configuration's sizes, and the `kind`.
        found: space, dim, width and perhaps patch_dim, as encoder and language model have them; they need not be in `model`.
        origin: the names of encoder and prior, for messages.

    Raises:
        SettingError: an unknown kind, sizes that contradict those found, or impossible ones.
    """
    kind = kind_of(model)
    used = {"space", "width", *kind.reads(model)}
    wanted = {name: value for name, value in found.items() if name in used}
    sizes = {**wanted, **{name: value for name, value in model.items() if name != "kind"}}
    if other := [name for name in wanted if sizes[name] not in {wanted[name], None}]:
        raise SettingError(
            f"an aligner with {', '.join(f'{name} {sizes[name]}' for name in other)}",
            f"{', '.join(f'{name} {wanted[name]}' for name in other)}, as {origin} have it",
            "Correct these in the field model, or remove them.",
        )
    return kind(**{name: value for name, value in sizes.items() if value is not None})
