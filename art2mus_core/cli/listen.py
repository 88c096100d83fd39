"""`art2mus listen`: a listening test in the browser, and what its listeners said."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import SettingError

if TYPE_CHECKING:
    from ..evaluation.results import Figure
    from ..listening.report import Findings, Opinion

__all__ = ["listen"]

LOCAL = "127.0.0.1"


def listen(
    folder: Annotated[Path, typer.Argument(help="Music of one system, or a folder for each; artworks/ beside them.")],
    answers: Annotated[
        Path | None, typer.Option(help="Where the answers are kept; FOLDER/listening.sqlite if not given.")
    ] = None,
    artworks: Annotated[Path | None, typer.Option(help="A folder of the artworks; FOLDER/artworks otherwise.")] = None,
    only: Annotated[
        int | None, typer.Option(help="How many of the artworks the test is about, drawn by the seed; 20 if not given.")
    ] = None,
    mode: Annotated[
        str | None, typer.Option(help="rating (1 to 5), ab (which of two), or both; rating if not given.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(help="How often a listener hears each system, or each pair; 4 if not given.")
    ] = None,
    system: Annotated[
        list[str] | None, typer.Option(help="A system to be heard; again for more. `reference` is the real music.")
    ] = None,
    matched: Annotated[
        bool | None,
        typer.Option("--matched/--as-they-are", help="Play all systems equally loud on average; matched if not given."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the artworks and all orders; 0 if not given.")] = None,
    port: Annotated[int, typer.Option(help="To listen at; 0 takes a free one.")] = 8765,
    host: Annotated[
        str, typer.Option(help="127.0.0.1 is this machine alone; 0.0.0.0 lets in everybody who can reach it.")
    ] = LOCAL,
    report: Annotated[bool, typer.Option("--report", help="Report the answers so far, instead.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --report: one JSON document as the last line of standard output.")
    ] = False,
) -> None:
    """Run a blind listening test in the browser until Ctrl-C; the same command goes on with it."""
    kept = answers or folder / "listening.sqlite"
    if report:
        _report(kept, as_json=as_json)
        return
    if as_json:
        raise SettingError("--json without --report", "both or neither", "Add --report.")
    named = {"mode": mode, "rounds": rounds, "artworks": only, "seed": seed, "matched": matched}
    settings = {name: value for name, value in named.items() if value is not None}
    _serve(folder, kept, artworks, settings, system or [], host, port)


def _serve(
    folder: Path,
    answers: Path,
    artworks: Path | None,
    settings: Mapping[str, object],
    systems: list[str],
    host: str,
    port: int,
) -> None:
    import asyncio

    from .starting import importing

    with importing():
        from ..evaluation.collection import read_collection
        from ..listening.material import read_levels
        from ..listening.server import serve
        from ..listening.study import open_study
        from .presenting import print_line
        from .progress import reporting

    collection = read_collection(folder, artworks=artworks)
    with reporting() as on_step:
        collection, levels = read_levels(collection, on_step=on_step)
    store, sounds = open_study(answers, collection, levels, settings, systems=systems)

    for problem in collection.left_out.values():
        print_line(f"Left out: {problem}.")

    def say(address: str) -> None:
        print_line(f"{address}  {store.design.length(store.systems)} pages a listener, answers in {answers}")
        if host != LOCAL:
            print_line("Whoever can reach this machine can take part, by its name or address; nothing is encrypted.")

    with closing(store):
        asyncio.run(serve(store, dict(collection.artworks), sounds, host=host, port=port, on_ready=say))


def _report(answers: Path, *, as_json: bool) -> None:
    from .starting import importing

    with importing():
        from ..listening.report import findings
        from ..listening.store import open_store
        from .presenting import print_document, print_line

    with closing(open_store(answers)) as store:
        found = findings(store)
    if as_json:
        print_document(asdict(found))
        return
    for line in _lines(found):
        print_line(line)


def _lines(found: Findings) -> list[str]:
    lines = [f"{found.begun} listeners answered, {found.finished} of them everything; {len(found.flagged)} set aside."]
    lines += [f"Listener {number} {reason}." for number, reason in found.flagged.items()]
    lines += ["", *_table(found.kept)]
    if found.flagged:
        lines += ["", "With those set aside:", "", *_table(found.everyone)]
    return lines


def _table(opinion: Opinion) -> list[str]:
    """Systems over measures, the agreement on each, and who won against whom."""
    from .models import table

    keys = list(opinion.alpha)
    rows = [("", *(key.removeprefix("listening:") for key in keys))]
    rows += [
        (system, *(_figure(figures[key]) if key in figures else "" for key in keys))
        for system, figures in opinion.figures.items()
    ]
    rows.append(("agreement (alpha)", *("-" if value is None else f"{value:.2f}" for value in opinion.alpha.values())))
    wins = [
        (f"{system} over {other}", _figure(figure))
        for system, others in opinion.wins.items()
        for other, figure in others.items()
        if system < other
    ]
    return [*table(rows), *([""] if wins else []), *table(wins or [("",)])] if keys else ["No answers yet."]


def _figure(figure: Figure) -> str:
    interval = "" if figure.low is None else f" [{figure.low:.2f}, {figure.high:.2f}]"
    return f"{figure.value:.2f}{interval} n {figure.n}"
