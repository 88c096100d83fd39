"""Named invertible maps between log-mel spectrograms and the values that a mel decoder was trained on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

from jaxtyping import Float
from torch import Tensor

from ..errors import CheckpointError, SettingError

__all__ = ["NORMALISATIONS", "MelNormalisation", "named_option", "read_normalisation"]

Numbers = float | Sequence[float]
"""One number, or one for each bin."""


@dataclass(frozen=True)
class MelNormalisation:
    """The map x -> (x - shift) / scale of log-mels [B, T, bins].

    Attributes:
        shift: one number, or one for each bin.
        scale: likewise, above 0.
    """

    shift: Numbers
    scale: Numbers

    def apply(self, mel: Float[Tensor, "batch frames bins"]) -> Float[Tensor, "batch frames bins"]:
        """Natural log-magnitudes to the decoder's values."""
        return (mel - mel.new_tensor(self.shift)) / mel.new_tensor(self.scale)

    def undo(self, values: Float[Tensor, "batch frames bins"]) -> Float[Tensor, "batch frames bins"]:
        """The decoder's values to natural log-magnitudes."""
        return values * values.new_tensor(self.scale) + values.new_tensor(self.shift)


def _range(low: float, high: float) -> MelNormalisation:
    if not low < high:
        raise ValueError(f"low {low} is not below high {high}")
    return MelNormalisation((low + high) / 2, (high - low) / 2)


def _standard(mean: Numbers, std: Numbers) -> MelNormalisation:
    if min([std] if isinstance(std, (int, float)) else std) <= 0:
        raise ValueError("std is not above 0")
    return MelNormalisation(mean, std)


NORMALISATIONS: dict[str, Callable[..., MelNormalisation]] = {
    "none": lambda: MelNormalisation(0.0, 1.0),
    "range": _range,
    "standard": _standard,
}
"""By name. `none`: log-magnitudes themselves; `range`: `low`..`high` to -1..1; `standard`: less `mean`, divided by `std`."""

FIELDS: Mapping[str, tuple[str, ...]] = {
    name: tuple(signature(make).parameters) for name, make in NORMALISATIONS.items()
}
WANTED = (
    '{"name": "none"}, {"name": "range", "low": ..., "high": ...} or {"name": "standard", "mean": ..., "std": ...}, '
    "the last with one number or one for each bin"
)


def read_normalisation(option: object, bins: int) -> MelNormalisation:
    """The normalisation that an option describes, such as `{"name": "range", "low": -11.5129, "high": 2.0}`.

    Args:
        option: the field `normalisation` of a mel decoder's configuration.
        bins: of the mel.

    Raises:
        CheckpointError: no option, an unknown name, or fields that are missing, surplus or no such numbers.
    """
    fields: dict[str, Any] = dict(option) if isinstance(option, Mapping) else {}
    name = fields.pop("name", None)
    fits = isinstance(name, str) and name in FIELDS and set(fields) == set(FIELDS[name])
    if not fits or not all(_is_fitting(value, bins, several=name == "standard") for value in fields.values()):
        raise _refused(option)
    try:
        return NORMALISATIONS[name](**{field: _floats(value) for field, value in fields.items()})
    except ValueError as error:
        raise _refused(option, f" ({error})") from error


def named_option(text: str) -> dict[str, Any]:
    """The option that a text such as `none` or `range:-11.5129,2` names.

    Raises:
        SettingError: an unknown name, or other than its numbers.
    """
    name, _, rest = text.partition(":")
    try:
        numbers = [float(number) for number in rest.split(",")] if rest else []
        return {"name": name, **dict(zip(FIELDS[name], numbers, strict=True))}
    except (KeyError, ValueError) as error:
        raise SettingError(
            f"the mel normalisation {text!r}",
            "none, range:LOW,HIGH or standard:MEAN,STD with numbers",
            "Give the normalisation with which the decoder was trained.",
        ) from error


def _refused(option: object, reason: str = "") -> CheckpointError:
    shown = repr(option)
    return CheckpointError(
        f"the mel normalisation {shown if len(shown) < 200 else shown[:200] + '...'}{reason}",
        WANTED,
        "Give the normalisation with which the decoder was trained.",
    )


def _floats(value: Any) -> Numbers:  # noqa: ANN401
    return float(value) if isinstance(value, (int, float)) else [float(each) for each in value]


def _is_fitting(value: Any, bins: int, *, several: bool) -> bool:  # noqa: ANN401
    if several and isinstance(value, (list, tuple)):
        return len(value) == bins and all(_is_fitting(each, bins, several=False) for each in value)
    return type(value) in {int, float} and math.isfinite(value)
