"""Which options of a configuration file a network of this package has."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from ..errors import CheckpointError

__all__ = ["DEEPEST", "completed"]


MOST, DEEPEST = 1_000_000, 1_000
"""Of any size, and of layers: building more would take minutes before the weights could say no."""


def completed(
    config: Mapping[str, Any],
    what: str,
    *,
    defaults: Mapping[str, Any],
    fixed: Mapping[str, Any],
    leveled: Collection[str] = (),
) -> dict[str, Any]:
    """A configuration with what it leaves out.

    Args:
        config: the content of a `config.json`.
        what: of which network, for messages.
        defaults: what an option that is left out means.
        fixed: options that can have one value only.
        leveled: sizes that may also be given as a list, one a level.

    Raises:
        CheckpointError: a fixed option has another value, or another option is of another kind than its default.
    """
    whole = {**defaults, **fixed, **config}
    if other := [f"{key} {whole[key]!r} (not {value!r})" for key, value in fixed.items() if whole[key] != value]:
        raise CheckpointError(
            f"a {what} with {', '.join(other)}",
            "the options that AudioLDM2's checkpoints use",
            "Use another checkpoint.",
        )
    for key, like in defaults.items():
        if key in leveled and isinstance(whole[key], (list, tuple)):
            continue
        if wanted := _unmet(key, whole[key], like):
            raise CheckpointError(
                f"a {what} with {key} {whole[key]!r}", wanted, "Use another checkpoint, or mend the file."
            )
    return whole


def _unmet(key: str, value: object, like: object) -> str | None:
    """What an option should be, if it is something else."""
    if isinstance(like, bool):
        return None if isinstance(value, bool) else "true or false"
    if isinstance(like, list):
        return None if isinstance(value, (list, tuple)) and value else "a list"
    if isinstance(like, float):
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        return None if number and 0 <= float(value) <= 1 else "a number from 0 to 1"  # type: ignore[arg-type]
    if value is None and like is None:
        return None
    least, most = 0 if like == 0 else 1, DEEPEST if "layer" in key else MOST
    whole = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
    return None if whole else f"a whole number from {least} to {most}"
