"""`art2mus listen`: run a listening test in the browser, and report its answers."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import SettingError
from .outputs import print_document, print_lines, table
from .progress import importing, reporting

if TYPE_CHECKING:
    from ..evaluation.results import Result
    from ..listening.report import Findings, Opinion

LOCAL = "127.0.0.1"


def listen(
    folder: Annotated[
        Path, typer.Argument(help="Folder of music, or of one folder for each system; it also has artworks/.")
    ],
    answers: Annotated[
        Path | None, typer.Option(help="File for the answers.", show_default="FOLDER/listening.sqlite")
    ] = None,
    artworks: Annotated[
        Path | None, typer.Option(help="Folder of the artworks.", show_default="FOLDER/artworks")
    ] = None,
    only: Annotated[
        int | None, typer.Option(help="Number of artworks in the test, drawn by the seed.", show_default="20")
    ] = None,
    mode: Annotated[
        str | None,
        typer.Option(help="Kind of test: rating (1 to 5), ab (choose one of two), or both.", show_default="rating"),
    ] = None,
    rounds: Annotated[
        int | None,
        typer.Option(help="Number of times each listener hears each system or pair of systems.", show_default="4"),
    ] = None,
    system: Annotated[
        list[str] | None,
        typer.Option(help="System to include; may be repeated. `reference` is the real music.", show_default="all"),
    ] = None,
    matched: Annotated[
        bool | None,
        typer.Option(
            "--matched/--as-they-are",
            help="Match the mean loudness of the systems, or play the files as they are.",
            show_default="matched",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of the choice of artworks and of all orders.", show_default="0")
    ] = None,
    port: Annotated[int, typer.Option(help="Port of the server; 0 chooses a free one.")] = 8765,
    host: Annotated[
        str,
        typer.Option(
            help="Address of the server: 127.0.0.1 admits only this machine, 0.0.0.0 every machine that can reach it."
        ),
    ] = LOCAL,
    report: Annotated[
        bool, typer.Option("--report", help="Report the answers so far instead of running the test.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --report: one JSON document as the last line of standard output.")
    ] = False,
) -> None:
    """Run a blind listening test in the browser until Ctrl-C; the same command resumes it."""
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

    with importing():
        from ..evaluation.collection import read_collection
        from ..listening.material import read_levels
        from ..listening.server import serve
        from ..listening.study import open_study

    collection = read_collection(folder, artworks=artworks)
    with reporting() as on_step:
        collection, levels = read_levels(collection, on_step=on_step)
    store, sounds = open_study(answers, collection, levels, settings, systems=systems)

    print_lines(*(f"Left out: {problem}." for problem in collection.left_out.values()))

    def on_ready(address: str) -> None:
        print_lines(f"{address}  {store.design.length(store.systems)} pages per listener, answers in {answers}")
        if host != LOCAL:
            print_lines("Anybody who can reach this machine can take part, at its name or address, without encryption.")

    with closing(store):
        asyncio.run(serve(store, dict(collection.artworks), sounds, host=host, port=port, on_ready=on_ready))


def _report(answers: Path, *, as_json: bool) -> None:
    with importing():
        from ..listening.report import findings
        from ..listening.store import open_store

    with closing(open_store(answers)) as store:
        found = findings(store)
    if as_json:
        print_document(asdict(found))
        return
    print_lines(*_lines(found))


def _lines(found: Findings) -> list[str]:
    lines = [
        f"{found.begun} listeners answered, {found.finished} of them all questions; {len(found.flagged)} excluded."
    ]
    lines += [f"Listener {number} {reason}." for number, reason in found.flagged.items()]
    lines += ["", *_table(found.kept)]
    if found.flagged:
        lines += ["", "Including excluded listeners:", "", *_table(found.everyone)]
    return lines


def _table(opinion: Opinion) -> list[str]:
    """The systems' results by measure, the listeners' agreement, and each pair's share of wins."""
    keys = list(opinion.alpha)
    rows = [("", *(key.removeprefix("listening:") for key in keys))]
    rows += [
        (system, *(_result(results[key]) if key in results else "" for key in keys))
        for system, results in opinion.figures.items()
    ]
    rows.append(("agreement (alpha)", *("-" if value is None else f"{value:.2f}" for value in opinion.alpha.values())))
    wins = [
        (f"{system} over {other}", _result(result))
        for system, others in opinion.wins.items()
        for other, result in others.items()
        if system < other
    ]
    return [*table(rows), *([""] if wins else []), *table(wins or [("",)])] if keys else ["No answers yet."]


def _result(result: Result) -> str:
    interval = "" if result.low is None else f" [{result.low:.2f}, {result.high:.2f}]"
    return f"{result.value:.2f}{interval} n {result.n}"
