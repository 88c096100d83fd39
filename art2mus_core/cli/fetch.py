"""`art2mus fetch`: download a published checkpoint, after showing its licence and size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .models import next_command
from .outputs import confirm, print_lines
from .progress import notify_once, reporting

if TYPE_CHECKING:
    from ..checkpoints.fetching import Plan


def fetch(
    name: Annotated[str, typer.Argument(help="Name of the checkpoint, as listed by `art2mus models`.")],
    yes: Annotated[bool, typer.Option("--yes", help="Accept the licence without being asked.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Download every file again, even if it exists.")] = False,
) -> None:
    """Download a checkpoint after showing its licence. If stopped with Ctrl-C, the same command resumes it."""
    from ..checkpoints import fetching
    from ..checkpoints.cards import card
    from ..checkpoints.presence import look_for

    chosen = fetching.plan(card(name), again=again)
    if not chosen.parcels:
        print_lines(f"{name} is installed in {chosen.folder}", f"To download it again: art2mus fetch {name} --again")
        return
    print_lines(*_description(chosen))
    if not yes and not confirm(
        "Fetch it under this licence?", f"Read the licence, then run `art2mus fetch {name} --yes`."
    ):
        print_lines("Nothing was fetched.")
        return
    try:
        with reporting(first="connect", in_bytes=True) as on_step:
            folder = fetching.fetch(chosen, on_step, notify_once())
    except KeyboardInterrupt:
        finished = ", but downloads finished files again" if again else ""
        print_lines(f"Partial downloads are kept; the same command resumes them{finished}.")
        raise
    print_lines(f"{name} is installed in {folder}")
    if command := next_command(look_for(chosen.card), anew=again):
        print_lines(f"Next: {command}")


def _description(chosen: Plan) -> list[str]:
    from ..checkpoints.presence import amount

    card, count = chosen.card, len(chosen.parcels)
    size = amount(chosen.bytes or card.known_bytes)
    begun = f", of which {amount(chosen.begun)} are downloaded already" if chosen.begun else ""
    return [
        f"{card.name}: {card.purpose}",
        f"Licence:  {card.terms}",
        f"Cite:     {card.citation}",
        f"From:     {card.source}",
        f"To:       {chosen.folder}",
        f"Size:     {size} in {count} {'file' if count == 1 else 'files'}{begun}",
    ]
