"""What a reader must know of a run before its figures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .collection import SOUNDS
from .records import Collection

__all__ = ["remarks", "uneven"]

SHOWN = 3
"""Names in a sentence."""


def remarks(collection: Collection, systems: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Systems without music for some artworks, words that an unconditional one was told, sounds of other configurations.

    Args:
        collection: what a run left behind.
        systems: what made each system's pieces, by name.
    """
    yield from uneven(collection)
    for name, made in systems.items():
        if made["kind"] == "unconditional" and made.get("negative"):
            yield (
                f"{name} was told the negative prompt of {made['model']}, {made['negative']!r}, where an artwork would stand: "
                "it is what guidance steers away from, and may sound worse than music that is told nothing."
            )
    if others := _others(collection):
        yield (
            f"{len(others)} sounds in the folder are of another configuration ({_listed(others)}) and no part of this report. "
            "Commands that read the whole folder take them in: score, gallery, listen and rate."
        )


def uneven(collection: Collection) -> Iterator[str]:
    """Systems, or real music, that lack some of the artworks that others of the group have."""
    have = {name: {piece.id for piece in pieces} for name, pieces in collection.systems.items()}
    have["reference"] = set(collection.reference)
    for group in collection.groups:
        ids = {key for key, subject in collection.subjects.items() if subject.group == group}
        for name, own in have.items():
            if own & ids and (missing := sorted(ids - own)):
                yield (
                    f"{name} has music for {len(ids) - len(missing)} of the {len(ids)} artworks in the group {group} only "
                    f"(none for {_listed(missing)}): figures of it and of systems that have more are not of the same artworks."
                )


def _others(collection: Collection) -> list[str]:
    """Sounds that lie where a system's, or real music's, would, by their place in the folder."""
    known = {piece.path for pieces in collection.systems.values() for piece in pieces}
    known |= {*collection.reference.values(), *collection.background}
    found = (path for path in collection.folder.glob("*/*") if path.suffix.lower() in SOUNDS)
    places = (path.relative_to(collection.folder) for path in found if path not in known)
    return sorted(place.as_posix() for place in places if not any(part.startswith(".") for part in place.parts))


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:SHOWN]) + (" ..." if len(every) > SHOWN else "")
