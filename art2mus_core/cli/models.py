"""`art2mus models`: list the known checkpoints with their state, size and licence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .outputs import AsJson, print_document, print_lines, table

if TYPE_CHECKING:
    from ..checkpoints.presence import Presence

__all__ = ["models", "next_command"]


def models(
    as_json: AsJson = False,
) -> None:
    """List the known checkpoints: whether they are installed, their folder, size and licence."""
    from ..checkpoints.cards import read_cards
    from ..checkpoints.names import KINDS, home, known
    from ..checkpoints.presence import look_for

    cards = read_cards()
    found = [look_for(card) for card in cards.values()]
    own = sorted({name for is_a in KINDS for name in known(is_a)} - cards.keys())
    if as_json:
        print_document({"home": str(home()), "models": [_row(presence) for presence in found], "own": own})
        return
    rows = [*map(_cells, found), *((name, "here", "", "your own", "") for name in own)]
    print_lines(*table(rows), f"Folder: {home()}")


def next_command(presence: Presence, *, anew: bool = False) -> str | None:
    """The next command that makes a checkpoint usable: its download, or the one on its card; None if it is ready.

    Args:
        presence: the installed files of the checkpoint.
        anew: ignore the result of an earlier run of the card's command, which used other files.
    """
    from ..checkpoints.names import quoted

    card = presence.card
    if not presence.complete:
        return None if card.bundled else f"art2mus fetch {card.name}"
    if card.then is None or (presence.ready and not anew):
        return None
    return " ".join(quoted(word.format(folder=presence.folder)) for word in card.then.split())


def _cells(presence: Presence) -> tuple[str, ...]:
    from ..checkpoints.presence import amount

    card = presence.card
    size = presence.bytes if presence.complete else card.known_bytes
    return card.name, presence.state, amount(size), card.terms, next_command(presence) or ""


def _row(presence: Presence) -> dict[str, Any]:
    card = presence.card
    return {
        "name": card.name,
        "kind": card.kind,
        "purpose": card.purpose,
        "state": presence.state,
        "folder": str(presence.folder),
        "bytes": presence.bytes,
        "partial_bytes": presence.partial_bytes,
        "known_bytes": card.known_bytes,
        "missing": list(presence.missing),
        "next": next_command(presence),
        "needs": list(card.needs),
        "licence": card.licence,
        "commercial": card.commercial,
        "citation": card.citation,
        "source": card.source,
        "sizes": card.sizes,
    }
