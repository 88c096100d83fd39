"""`art2mus compare`: compare two systems artwork by artwork."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import EvaluationError
from .outputs import AsJson, print_document, print_lines, table

if TYPE_CHECKING:
    from ..evaluation.compare import Comparison
    from ..evaluation.results import Report

WHERE = "A report.json, or the folder of one; add :SYSTEM if it has several systems."


def compare(
    a: Annotated[str, typer.Argument(metavar="A[:SYSTEM]", help=WHERE)],
    b: Annotated[
        str,
        typer.Argument(
            metavar="B[:SYSTEM]", help="The report and system that A is compared with; may be the same report."
        ),
    ],
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Include measures for which neither more nor less is better, such as the onset rate."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Test whether one system is better than another, with paired tests over the artworks that both composed for.

    Two systems of one report: art2mus compare report.json:mine
    report.json:baseline

    For each measure with a value per piece, the table shows the mean difference
    A - B with its 95 % bootstrap interval, and the p-value of Wilcoxon's
    signed-rank test. Measures of how music follows its artworks have no value
    per piece; their rank correlations are compared over resampled artworks. The
    p-values are corrected for the number of measures (Holm), and the last
    column is based on the corrected ones. Decide which measure matters before
    you read the table.
    """
    from ..evaluation.compare import compare as compare_systems

    (first, name_a), (second, name_b) = _opened(a), _opened(b)
    found = compare_systems(first, second, (name_a, name_b), seed=seed, everything=everything)
    if as_json:
        measures = [{**vars(each), "measure": each.measure.key} for each in found]
        print_document({"a": name_a, "b": name_b, "seed": seed, "measures": measures})
        return
    print_lines(f"A: {name_a}  ({a})", f"B: {name_b}  ({b})", *table(_rows(found)))


def _opened(text: str) -> tuple[Report, str]:
    """A report and the name of one of its systems."""
    from ..evaluation.results import read_report

    path, name = _split(text)
    report = read_report(path / "report.json" if path.is_dir() else path)
    if name is None and len(report.pieces) != 1:
        raise EvaluationError(
            f"{path} has {len(report.pieces)} systems with values for each piece ({', '.join(report.pieces) or 'none'})",
            "the name of one",
            f"Write {path}:{next(iter(report.pieces), 'SYSTEM')}, for example.",
        )
    return report, next(iter(report.pieces)) if name is None else name


def _split(text: str) -> tuple[Path, str | None]:
    """An existing path, and the name after the colon that follows it; both may contain colons."""
    if not Path(text).exists():
        for place in (index for index in reversed(range(len(text))) if text[index] == ":"):
            if text[:place] and Path(text[:place]).exists():
                return Path(text[:place]), text[place + 1 :]
    return Path(text), None


def _rows(found: list[Comparison]) -> list[tuple[str, ...]]:
    from ..evaluation.report.tables import decimals_for, number

    rows: list[tuple[str, ...]] = [("measure", "n", "A", "B", "A - B", "95 % interval", "p (Holm)", "")]
    for each in found:
        places = decimals_for([each.a, each.b])
        spread = [number(value, places) for value in (each.low, each.high)]
        interval = " to ".join(spread) if math.isfinite(each.low) else spread[0]
        values = [number(value, places) for value in (each.a, each.b, each.difference)]
        p = "<0.001" if each.adjusted < 0.001 else f"{each.adjusted:.3f}"
        rows.append((each.measure.title, str(each.n), *values, interval, p, each.verdict))
    return rows
