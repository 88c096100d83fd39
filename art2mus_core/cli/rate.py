"""`art2mus rate`: have a language model rate the match of artworks and music."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .outputs import NoReplace, check_file, confirm, print_file, print_lines
from .progress import importing, reporting

if TYPE_CHECKING:
    from ..endpoints.client import Endpoint, Usage
    from ..evaluation.results import Report
    from ..rating.plan import Plan
    from ..rating.rate import Ratings


def rate(
    folder: Annotated[Path, typer.Argument(help="Folder of music, or of one folder for each system.")],
    endpoint: Annotated[str, typer.Option(metavar="URL", help="Address of an OpenAI-compatible API, including /v1.")],
    model: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the model at this endpoint; it must accept images and audio.")
    ],
    describe: Annotated[bool, typer.Option("--describe", help="Send measured features instead of the music.")] = False,
    control: Annotated[
        bool, typer.Option("--control", help="Also rate each piece with another artwork, as a control.")
    ] = False,
    artworks: Annotated[
        Path | None, typer.Option(help="Folder of the artworks.", show_default="FOLDER/artworks")
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Skip artworks without music and music without an artwork.")
    ] = False,
    out: Annotated[Path | None, typer.Option(metavar="FILE.json", help="Report to write, with all answers.")] = None,
    key_variable: Annotated[str, typer.Option(help="Environment variable with the API key.")] = "OPENAI_API_KEY",
    budget: Annotated[
        int | None, typer.Option(min=1, help="Maximum number of tokens; stop before it is exceeded.")
    ] = None,
    price_in: Annotated[float, typer.Option(min=0, help="Price of a million input tokens.")] = 0.0,
    price_out: Annotated[float, typer.Option(min=0, help="Price of a million output tokens.")] = 0.0,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for an answer.")] = 120.0,
    retries: Annotated[int, typer.Option(min=0, help="Number of further attempts after a request fails.")] = 4,
    seed: Annotated[int, typer.Option(help="Seed of the order and of the control's artworks.")] = 0,
    cache: Annotated[Path | None, typer.Option(help="Folder for the answers.", show_default="FOLDER/.ratings")] = None,
    no_replace: NoReplace = False,
    yes: Annotated[bool, typer.Option("--yes", help="Send without asking for confirmation.")] = False,
) -> None:
    """Have a language model rate how well the feelings of artworks and music match.

    The command shows how much it will send and asks before it does. Answers are
    stored, so that an interrupted run resumes.
    """
    replaced = check_file(out, (".json",), no_replace=no_replace) if out else False
    with importing():
        from ..endpoints.client import Endpoint
        from ..evaluation.collection import read_collection
        from ..evaluation.results import write_report
        from ..rating.cache import AnswerCache
        from ..rating.client import RatingClient
        from ..rating.evidence import read_evidence
        from ..rating.plan import make_plan
        from ..rating.rate import rate as ask
        from ..rating.summary import summarise

    target = Endpoint(endpoint, model, key_variable, timeout, retries)
    collection = read_collection(folder, artworks=artworks, partial=partial)
    kept = AnswerCache(cache or folder / ".ratings", model)
    with reporting() as on_step:
        collection, evidence = read_evidence(collection, described=describe, on_step=on_step)
    plan = make_plan(collection, evidence, kept, described=describe, control=control, seed=seed)
    left_out = [f"Left out: {problem}." for problem in collection.left_out.values()]
    print_lines(*left_out, *_announcement(plan, target, price_in))
    if plan.pending:
        target.key()
    if plan.pending and not yes and not confirm("Send the data?", "Add --yes to send it without confirmation."):
        print_lines("Nothing was sent.")
        return
    with closing(RatingClient(target)) as client, reporting() as on_step:
        ratings = ask(collection, plan, client, kept, budget=budget, on_step=on_step)
    report = summarise(ratings, collection, seed=seed)
    print_lines(*(line for line in _table(report) if line not in left_out), _usage(ratings, price_in, price_out))
    if out:
        write_report(report, out, no_replace=no_replace)
        print_file(out, replaced=replaced)


def _announcement(plan: Plan, endpoint: Endpoint, price_in: float) -> list[str]:
    cached = len(plan.pairings) - plan.pending
    known = f", {cached} of them answered before" if cached else ""
    lines = [f"{len(plan.pairings)} pairs of artwork and music to be rated by {endpoint.model}{known}."]
    if not plan.pending:
        return lines
    what = "pictures and measured features of music" if plan.described else "pictures and music"
    cost = f", about {plan.tokens * price_in / 1e6:.2f} at the given price" if price_in else ""
    lines.append(f"{plan.pending} requests send {what} to {endpoint.host}: about {plan.tokens:,} tokens{cost}.")
    if not endpoint.is_private:
        lines.append("The connection is not encrypted: others may read the pictures, the music and the key.")
    return lines


def _table(report: Report) -> list[str]:
    from ..rating.summary import FEELING

    lines = []
    for title, results in report.figures.items():
        result = results[FEELING.key]
        between = "" if result.low is None else f" ({result.low:.2f} to {result.high:.2f})"
        control = "" if result.control is None else f", with other artworks {result.control:.2f}"
        lines.append(f"{title}: feeling {result.value:.2f}{between} out of 5 for {result.n} artworks{control}")
    return [*lines, *report.notes]


def _usage(ratings: Ratings, price_in: float, price_out: float) -> str:
    used: Usage = ratings.usage
    money = (used.tokens_in * price_in + used.tokens_out * price_out) / 1e6
    spent = f", {money:.4f} at the given prices" if price_in or price_out else ""
    return f"{used.requests} requests, {used.tokens_in:,} input tokens, {used.tokens_out:,} output tokens{spent}."
