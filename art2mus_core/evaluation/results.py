"""What an evaluation found: measures, a figure for each system, values for each piece; one JSON document."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..errors import EvaluationError
from ..placing import place

__all__ = ["GROUPS", "VERSION", "Figure", "Measure", "Report", "Scatter", "read_report", "write_report"]

VERSION = 1

GROUPS = {
    "follows": "Does it follow the artwork, without any embedding",
    "match": "Does it match the artwork, by embeddings",
    "sound": "Does it sound like the background music",
    "distance": "How far is it from the artwork's own music",
    "retrieval": "Can the one be found by the other",
    "heard": "What is heard",
    "variety": "Variety",
    "faults": "Faults of sound",
    "rating": "Ratings",
}
"""Groups of measures in the order in which a report shows them, and what each asks."""


@dataclass(frozen=True)
class Measure:
    """What is measured.

    Attributes:
        key: its name in reports, such as `frechet:pocket`.
        title: for a person.
        group: a name in :data:`GROUPS`.
        better: which direction is better; empty where neither is.
        note: one sentence on what it is and what it is not.
        unit: of its values; empty for shares, cosines and correlations.
    """

    key: str
    title: str
    group: str
    better: Literal["higher", "lower", ""] = ""
    note: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Figure:
    """One number of a system, and what it stands on.

    Attributes:
        value: over everything.
        n: artworks (or pieces, where the measure says so) behind it.
        low: lower end of the 95 % bootstrap interval over artworks.
        high: its upper end.
        control: the same measure with every piece put to other artworks.
        gap: value less control, in standard errors over artworks.
    """

    value: float
    n: int
    low: float | None = None
    high: float | None = None
    control: float | None = None
    gap: float | None = None


@dataclass(frozen=True)
class Scatter:
    """Points of a plot: what is measured in the pieces of a system over what is measured in their artworks.

    Attributes:
        system: whose pieces.
        group: of artworks, such as `paintings`.
        across: name of the horizontal axis.
        up: name of the vertical axis.
        points: artwork's id, x, y.
    """

    system: str
    group: str
    across: str
    up: str
    points: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True)
class Report:
    """Everything an evaluation found.

    Attributes:
        measures: by key, in the order of the table.
        figures: system to measure to figure; a measure that a system does not have is left out.
        pieces: system to piece (`ID`, or `ID--TAKE`) to measure to value.
        scatters: plots of what should follow what.
        notes: what the reader must know, in sentences.
        made: what made it: version, seed, embedders, counts.
    """

    measures: dict[str, Measure]
    figures: dict[str, dict[str, Figure]]
    pieces: dict[str, dict[str, dict[str, float]]]
    scatters: tuple[Scatter, ...] = ()
    notes: tuple[str, ...] = ()
    made: Mapping[str, Any] = field(default_factory=dict)


def write_report(report: Report, path: Path, *, no_replace: bool = False) -> None:
    """Write it as JSON, whole or not at all; what is not a finite number becomes null.

    Raises:
        OutputError: a place that cannot be written; or, with `no_replace`, a file is there.
    """
    document = {"art2mus_evaluation": VERSION, **asdict(report)}
    text = json.dumps(_finite(document), indent=1, ensure_ascii=False, allow_nan=False)
    # A name that is no text stays what it is, as JSON writes it.
    place(path, f"{text}\n".encode(errors="backslashreplace"), no_replace=no_replace)


def read_report(path: Path) -> Report:
    """A report from its JSON.

    Raises:
        EvaluationError: no such file, or none of this version's.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        version = document.pop("art2mus_evaluation")
        if version != VERSION:
            raise ValueError(f"version {version}")
        return _report(document)
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read ({error.strerror})", "a report", "Check the path.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvaluationError(
            f"{path} is no report of this version ({type(error).__name__}: {error})",
            "the report.json of `art2mus evaluate` or `art2mus score`",
            "Score the folder again.",
        ) from error


def _report(document: dict[str, Any]) -> Report:
    measures = {key: Measure(**row) for key, row in document["measures"].items()}
    figures = {
        system: {key: Figure(**{**row, "value": _number(row["value"])}) for key, row in rows.items()}
        for system, rows in document["figures"].items()
    }
    pieces = {
        system: {piece: {key: _number(value) for key, value in row.items()} for piece, row in rows.items()}
        for system, rows in document["pieces"].items()
    }
    scatters = tuple(_scatter(row) for row in document["scatters"])
    return Report(measures, figures, pieces, scatters, tuple(document["notes"]), document["made"])


def _scatter(row: dict[str, Any]) -> Scatter:
    points = tuple((name, _number(x), _number(y)) for name, x, y in row["points"])
    return Scatter(**{**row, "points": points})


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _finite(value: Any) -> Any:  # noqa: ANN401  any JSON
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value
