"""Notes on a run that precede its results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .collection import SOUNDS
from .pairing import lacking, shortened
from .records import Collection, ids_by_group

__all__ = ["remarks", "uneven"]


def remarks(collection: Collection, systems: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Notes on missing music, negative prompts of unconditional systems, and sounds from other configurations.

    Args:
        collection: the result of a run.
        systems: the description of each system, by name.
    """
    yield from uneven(collection)
    for name, description in systems.items():
        if description["kind"] == "unconditional" and description.get("negative"):
            yield (
                f"{name} is conditioned on the negative prompt of {description['model']}, {description['negative']!r}: guidance "
                "steers away from it, so this music may sound worse than music without any conditioning."
            )
    if others := _others(collection):
        yield (
            f"{len(others)} sounds in the folder come from another configuration ({shortened(others)}) and are not part of this "
            "report. Commands that read the whole folder include them: score, gallery, listen and rate."
        )


def uneven(collection: Collection) -> Iterator[str]:
    """Notes on systems, or real music, that exist for only some of a group's artworks."""
    groups = ids_by_group(collection.subjects)
    have = {name: {piece.id for piece in pieces} for name, pieces in collection.systems.items()}
    have["reference"] = set(collection.reference)
    for name, group, missing in lacking(groups, have):
        count = len(groups[group])
        yield (
            f"{name} has music for only {count - len(missing)} of the {count} artworks in the group {group} "
            f"(none for {shortened(sorted(missing))}): its results and those of systems that have more are not on the same artworks."
        )


def _others(collection: Collection) -> list[str]:
    """Sounds in folders of the collection that are not part of it, relative to its folder."""
    known = {piece.path for pieces in collection.systems.values() for piece in pieces}
    known |= {*collection.reference.values(), *collection.background}
    found = (path for path in collection.folder.glob("*/*") if path.suffix.lower() in SOUNDS)
    places = (path.relative_to(collection.folder) for path in found if path not in known)
    return sorted(place.as_posix() for place in places if not any(part.startswith(".") for part in place.parts))
