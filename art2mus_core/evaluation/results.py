"""The report of an evaluation as data: measures, a result for each system, values for each piece; one JSON document."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from ..configuration import problems
from ..errors import EvaluationError
from ..placing import place

__all__ = ["GROUPS", "VERSION", "Measure", "Report", "Result", "Scatter", "read_report", "write_report"]

VERSION = 1

GROUPS = {
    "follows": "Does the music follow the artwork? Without embeddings",
    "match": "Does the music match the artwork? By embeddings",
    "sound": "Does it sound like the background music?",
    "distance": "How far is it from the artwork's real music?",
    "retrieval": "Can artwork and music be found by each other?",
    "heard": "Musical measurements",
    "variety": "Variety",
    "faults": "Audio faults",
    "rating": "Ratings",
}
"""Groups of measures in the order of the report, with their titles."""

Number = Annotated[float, BeforeValidator(lambda value: math.nan if value is None else value)]
"""A number that JSON stores as null if it is NaN."""


@dataclass(frozen=True)
class Measure:
    """A measure of music.

    Attributes:
        key: its name in reports, such as `frechet:pocket`.
        title: its name for people.
        group: a key of :data:`GROUPS`.
        better: which direction is better; empty where neither is.
        note: one sentence on what it does and does not measure.
        unit: unit of its values; empty for shares, cosines and correlations.
    """

    key: str
    title: str
    group: str
    better: Literal["higher", "lower", ""] = ""
    note: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Result:
    """The result of one measure for a system and group.

    Attributes:
        value: over everything.
        n: number of artworks (or pieces, where the measure says so).
        low: lower end of the 95 % bootstrap interval over artworks.
        high: its upper end.
        control: the same measure with every piece assigned to other artworks.
        gap: value minus control, in standard errors over artworks.
    """

    value: Number
    n: int
    low: float | None = None
    high: float | None = None
    control: float | None = None
    gap: float | None = None


@dataclass(frozen=True)
class Scatter:
    """Points of a plot: measurements of a system's pieces over measurements of their artworks.

    Attributes:
        system: name of the system.
        group: group of artworks, such as `paintings`.
        across: label of the horizontal axis.
        up: label of the vertical axis.
        points: name of the piece, x, y.
    """

    system: str
    group: str
    across: str
    up: str
    points: tuple[tuple[str, Number, Number], ...]


@dataclass(frozen=True)
class Report:
    """All results of an evaluation.

    Attributes:
        measures: by key, in the order of the table.
        figures: results by title of the system (and group) and key of the measure; missing where a system has none.
        pieces: values by system, piece (`ID`, or `ID--TAKE`) and key of the measure.
        scatters: plots of musical measurements over picture statistics.
        notes: sentences for the reader.
        made: how the report was made: version, seed, embedders, counts.
    """

    measures: dict[str, Measure]
    figures: dict[str, dict[str, Result]]
    pieces: dict[str, dict[str, dict[str, Number]]]
    scatters: tuple[Scatter, ...] = ()
    notes: tuple[str, ...] = ()
    made: Mapping[str, Any] = field(default_factory=dict)


def write_report(report: Report, path: Path, *, no_replace: bool = False) -> None:
    """Write a report as JSON, completely or not at all; numbers that are not finite become null.

    Raises:
        OutputError: a place that cannot be written; or, with `no_replace`, an existing file.
    """
    document = {"art2mus_evaluation": VERSION, **asdict(report)}
    text = json.dumps(_finite(document), indent=1, ensure_ascii=False, allow_nan=False)
    # surrogates, from file names that are not text, stay escaped as JSON writes them
    place(path, f"{text}\n".encode(errors="backslashreplace"), no_replace=no_replace)


def read_report(path: Path) -> Report:
    """A report from its JSON.

    Raises:
        EvaluationError: a missing file, or not a report of this version.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        version = document.pop("art2mus_evaluation")
        if version != VERSION:
            raise ValueError(f"version {version}")
        return TypeAdapter(Report).validate_python(document)
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read ({error.strerror})", "a report", "Check the path.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = problems(error) if isinstance(error, ValidationError) else f"{type(error).__name__}: {error}"
        raise EvaluationError(
            f"{path} is not a report of this version ({reason[:200]})",
            "the report.json of `art2mus evaluate` or `art2mus score`",
            "Score the folder again.",
        ) from error


def _finite(value: Any) -> Any:  # noqa: ANN401  any JSON
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value
