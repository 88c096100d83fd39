"""What the person sees of the work that was done: a line a piece, or one JSON document."""

from __future__ import annotations

import json
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from ..errors import ArtworkError

if TYPE_CHECKING:
    from .composing import Outcome
    from .gathering import Gathered

__all__ = ["installed_version", "print_document", "print_line", "report"]


def installed_version() -> str:
    """The version of the package, or `source` where it runs without being installed."""
    try:
        return version("art2mus")
    except PackageNotFoundError:
        return "source"


def report(outcome: Outcome, found: Gathered, *, as_json: bool) -> None:
    """Say what was made, and raise if something was not.

    Raises:
        ArtworkError: some artworks could not be composed; the message lists them.
    """
    if as_json:
        print_document(_document(outcome, found))
    else:
        for piece in outcome.pieces:
            score = f"  score {piece['score']:.3f}" if "score" in piece else ""
            print_line(f"{piece['file']}  {piece['seconds']:g} s  from {piece['artwork']}{score}")
        if any("candidates" in piece and "score" not in piece for piece in outcome.pieces):
            print_line("Not ranked, and all kept: there is no audio encoder beside the image encoder.")
        for note in _notes(outcome, found):
            print_line(note)
    if outcome.failed:
        total = len(outcome.failed) + len(outcome.pieces)
        listed = "; ".join(error.came for _, error in outcome.failed)
        raise ArtworkError(
            f"{len(outcome.failed)} of {total} artworks have no music: {listed}",
            "pictures",
            "The others were composed.",
        )


def print_line(line: str) -> None:
    """A line on standard output."""
    sys.stdout.write(f"{line}\n")


def print_document(document: dict[str, Any]) -> None:
    """One JSON document on one line, the last of standard output."""
    sys.stdout.write(json.dumps(document) + "\n")
    sys.stdout.flush()


def _notes(outcome: Outcome, found: Gathered) -> list[str]:
    """What a person should know of the files: how they were seen, and which were left out."""
    seen = [f"{piece['artwork']}: {note}" for piece in outcome.pieces for note in piece["notes"]]
    return [*dict.fromkeys(seen), *([found.note] if found.note else [])]


def _document(outcome: Outcome, found: Gathered) -> dict[str, Any]:
    return {
        "version": installed_version(),
        "model": outcome.model,
        "seed": outcome.seed,
        "settings": vars(outcome.settings) if outcome.settings else None,
        "pieces": outcome.pieces,
        "skipped": [{"file": str(path), "reason": reason} for path, reason in found.skipped],
        "failed": [{"artwork": str(job.artwork), "error": str(error)} for job, error in outcome.failed],
        "stages": {name: round(seconds, 3) for name, seconds in outcome.stages.items()},
        "elapsed_seconds": round(outcome.elapsed, 3),
    }
