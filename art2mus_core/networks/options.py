"""Checks of a network's configuration, done before the network is built."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..errors import CheckpointError

__all__ = ["DEEPEST", "check_blocks", "completed"]


MOST, DEEPEST = 1_000_000, 1_000
"""Largest size, and largest number of layers. Building a larger network would take minutes before its weights could be compared."""


def completed(
    config: Mapping[str, Any],
    what: str,
    *,
    defaults: Mapping[str, Any],
    fixed: Mapping[str, Any],
    leveled: Collection[str] = (),
) -> dict[str, Any]:
    """A configuration with its defaults filled in.

    Args:
        config: the content of a `config.json`.
        what: name of the network, for messages.
        defaults: values of options that are left out.
        fixed: options with only one supported value.
        leveled: sizes that may also be a list with one value per level.

    Raises:
        CheckpointError: a fixed option has another value, or another option does not have the type of its default or is out of range.
    """
    whole = {**defaults, **fixed, **config}
    if other := [f"{key} {whole[key]!r} (not {value!r})" for key, value in fixed.items() if whole[key] != value]:
        raise CheckpointError(
            f"a {what} with {', '.join(other)}",
            "the options that are supported",
            "Use another checkpoint.",
        )
    for key, default in defaults.items():
        if key in leveled and isinstance(whole[key], (list, tuple)):
            continue
        if wanted := _mismatch(key, whole[key], default):
            raise CheckpointError(
                f"a {what} with {key} {whole[key]!r}", wanted, "Use another checkpoint, or correct the file."
            )
    return whole


def _mismatch(key: str, value: Any, default: object) -> str | None:  # noqa: ANN401
    """The expected kind of value, if an option has another; `type` is compared because bool is an int."""
    if isinstance(default, bool):
        return None if type(value) is bool else "true or false"
    if isinstance(default, list):
        return None if isinstance(value, (list, tuple)) and value else "a list"
    if isinstance(default, float):
        return None if type(value) in {int, float} and 0 <= value <= 1 else "a number from 0 to 1"
    least, most = 0 if default == 0 else 1, DEEPEST if "layer" in key else MOST
    fits = value is default is None or (type(value) is int and least <= value <= most)
    return None if fits else f"a whole number from {least} to {most}"


def check_blocks(config: Mapping[str, Any], what: str, *, down: Collection[str], up: Collection[str]) -> None:
    """Check that `down_block_types` and `up_block_types` name a supported block for every level.

    Raises:
        CheckpointError: they do not.
    """
    levels = len(config["block_out_channels"])
    for name, known in (("down_block_types", down), ("up_block_types", up)):
        kinds = config[name]
        if len(kinds) != levels or any(kind not in known for kind in kinds):
            raise CheckpointError(
                f"a {what} with {name} {', '.join(map(str, kinds))}",
                f"{' or '.join(known)} for each of {levels} block_out_channels",
                "Use another checkpoint.",
            )
