"""`art2mus models`: what there is, what of it is here, how large it is, and under which licence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .outputs import AsJson

if TYPE_CHECKING:
    from ..checkpoints.presence import Presence

__all__ = ["models", "next_command", "table"]


def models(
    as_json: AsJson = False,
) -> None:
    """List the checkpoints: which are here, where, how large, and under which licence."""
    from ..checkpoints.cards import read_cards
    from ..checkpoints.names import KINDS, home, known
    from ..checkpoints.presence import look_for
    from .presenting import print_document, print_line

    cards = read_cards()
    found = [look_for(card) for card in cards.values()]
    own = sorted({name for is_a in KINDS for name in known(is_a)} - cards.keys())
    if as_json:
        print_document({"home": str(home()), "models": [_row(here) for here in found], "own": own})
        return
    for line in table([_cells(here) for here in found] + [(name, "here", "", "your own", "") for name in own]):
        print_line(line)
    print_line(f"Folder: {home()}")


def next_command(here: Presence, *, anew: bool = False) -> str | None:
    """What brings a checkpoint nearer to its use: fetching it, or the command on its card; nothing if all is done.

    Args:
        here: what was found of it.
        anew: what the card's command makes was made of other files, and counts as not there.
    """
    from ..checkpoints.names import quoted

    card = here.card
    if not here.complete:
        return None if card.bundled else f"art2mus fetch {card.name}"
    if card.then is None or (here.ready and not anew):
        return None
    return " ".join(quoted(word.format(folder=here.folder)) for word in card.then.split())


def table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows of cells as lines, with their columns under each other."""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _cells(here: Presence) -> tuple[str, ...]:
    from ..checkpoints.presence import amount

    card = here.card
    size = here.bytes if here.complete else card.known_bytes
    return card.name, here.state, amount(size), card.terms, next_command(here) or ""


def _row(here: Presence) -> dict[str, Any]:
    card = here.card
    return {
        "name": card.name,
        "kind": card.kind,
        "purpose": card.purpose,
        "state": here.state,
        "folder": str(here.folder),
        "bytes": here.bytes,
        "partial_bytes": here.partial_bytes,
        "known_bytes": card.known_bytes,
        "missing": list(here.missing),
        "next": next_command(here),
        "needs": list(card.needs),
        "licence": card.licence,
        "commercial": card.commercial,
        "citation": card.citation,
        "source": card.source,
        "sizes": card.sizes,
    }
