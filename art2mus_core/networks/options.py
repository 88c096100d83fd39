"""Which options of a configuration file a network of this package has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import CheckpointError

__all__ = ["completed"]


def completed(
    config: Mapping[str, Any], what: str, *, defaults: Mapping[str, Any], fixed: Mapping[str, Any]
) -> dict[str, Any]:
    """A configuration with what it leaves out.

    Args:
        config: the content of a `config.json`.
        what: of which network, for messages.
        defaults: what an option that is left out means.
        fixed: options that can have one value only.

    Raises:
        CheckpointError: a fixed option has another value.
    """
    whole = {**defaults, **fixed, **config}
    if other := [f"{key} {whole[key]!r} (not {value!r})" for key, value in fixed.items() if whole[key] != value]:
        raise CheckpointError(
            f"a {what} with {', '.join(other)}",
            "the options that AudioLDM2's checkpoints use",
            "Use another checkpoint.",
        )
    return whole
