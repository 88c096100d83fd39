"""`art2mus compare`: two systems, artwork by artwork."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .outputs import AsJson

if TYPE_CHECKING:
    from ..evaluation.compare import Comparison
    from ..evaluation.results import Report

__all__ = ["compare"]

WHERE = "A report.json or a folder that holds one; with :SYSTEM behind it where it has several systems."


def compare(
    a: Annotated[str, typer.Argument(metavar="A[:SYSTEM]", help=WHERE)],
    b: Annotated[str, typer.Argument(metavar="B[:SYSTEM]", help="What A is compared with; the same report is fine.")],
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    everything: Annotated[
        bool, typer.Option("--all", help="Compare also what is neither better nor worse, such as the onset rate.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Test whether one system is better than another, by paired tests on the artworks that both have music for.

    Every measure with a value for each piece, and of which more or less is better, is compared: the mean difference A - B with its 95 % bootstrap interval, and
    Wilcoxon's signed-rank test. Whoever asks many measures finds some difference by chance; the p-values are therefore
    corrected for all measures in the table together (Holm), and the last column follows the corrected ones. How the music follows
    its artwork has no value for a piece: there, two rank correlations are compared over artworks that are drawn again and again. Choose the measure
    that decides before you look.

    Two systems of one report: art2mus compare report.json:mine report.json:translator
    """
    from ..evaluation.compare import compare as compare_systems
    from .models import table
    from .presenting import print_document, print_line

    (first, name_a), (second, name_b) = _opened(a), _opened(b)
    found = compare_systems(first, second, (name_a, name_b), seed=seed, everything=everything)
    if as_json:
        print_document({"a": name_a, "b": name_b, "seed": seed, "measures": [_document(each) for each in found]})
        return
    print_line(f"A: {name_a}  ({a})")
    print_line(f"B: {name_b}  ({b})")
    for line in table(_rows(found)):
        print_line(line)


def _opened(text: str) -> tuple[Report, str]:
    """The report, and the name of the system in it."""
    from ..errors import EvaluationError
    from ..evaluation.results import read_report

    path, name = _split(text)
    report = read_report(path / "report.json" if path.is_dir() else path)
    if name is None and len(report.pieces) != 1:
        raise EvaluationError(
            f"{path} has {len(report.pieces)} systems with values for each piece ({', '.join(report.pieces) or 'none'})",
            "the name of one",
            f"Write {path}:{next(iter(report.pieces), 'SYSTEM')}, say.",
        )
    return report, next(iter(report.pieces)) if name is None else name


def _split(text: str) -> tuple[Path, str | None]:
    """The path that exists, and what stands behind the colon after it: both may hold colons themselves."""
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
        rows.append((each.measure.title, str(each.n), *values, interval, _p(each.adjusted), each.verdict))
    return rows


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _document(each: Comparison) -> dict[str, Any]:
    row = {name: value for name, value in vars(each).items() if name != "measure"}
    finite = {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
    return {"measure": each.measure.key, **finite}
