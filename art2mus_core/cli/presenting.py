"""What the person sees of the work that was done: a line a piece, or one JSON document."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ArtworkError, EvaluationError
from ..naming import TAKE, as_unicode, on_one_line
from .version import installed_version

if TYPE_CHECKING:
    from .composing import Outcome
    from .gathering import Gathered

__all__ = ["print_document", "print_file", "print_line", "raise_left_out", "report"]


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
        for line in _left(outcome):
            print_line(line)
        if any("candidates" in piece and "score" not in piece for piece in outcome.pieces):
            print_line("Not ranked, and all kept: there is no audio encoder beside the image encoder.")
        for note in _notes(outcome, found):
            print_line(note)
    if outcome.failed:
        failed = {str(job.artwork) for job, _ in outcome.failed}
        total = len(failed | {piece["artwork"] for piece in outcome.pieces})
        listed = "; ".join(error.came for _, error in outcome.failed)
        raise ArtworkError(
            f"{len(failed)} of {total} artworks {'has' if len(failed) == 1 else 'have'} no music: {listed}",
            "music for all",
            "The others were composed.",
        )


def raise_left_out(problems: Iterable[str]) -> None:
    """Say at the end which files could not be read; nothing where all could.

    Raises:
        EvaluationError: there are some.
    """
    if problems := list(problems):
        files = "1 file was" if len(problems) == 1 else f"{len(problems)} files were"
        raise EvaluationError(
            f"{files} left out: {'; '.join(problems)}", "files that can be read", "All others are in it."
        )


def _left(outcome: Outcome) -> list[str]:
    """What was there before."""
    replaced = [f"replaced {piece['file']}" for piece in outcome.pieces if piece["replaced"]]
    kept = [f"kept {path}, which was there already" for path in outcome.kept]
    earlier = [f"{path} was there before, and counts as a further take of {name}" for path, name in _earlier(outcome)]
    return replaced + kept + earlier


def _earlier(outcome: Outcome) -> list[tuple[Path, str]]:
    """Files that are named like takes of music that was written, and were not; with the name of that music."""
    written = {Path(piece["file"]) for piece in outcome.pieces}
    found = []
    for folder in sorted({path.parent for path in written}):
        for path in sorted(folder.iterdir()):
            name, _, _ = path.stem.rpartition(TAKE)
            if name and path not in written and path.with_stem(name) in written:
                found.append((path, name))
    return found


def print_line(line: str) -> None:
    """A line on standard output; in names, what is no text or would break the line is escaped."""
    sys.stdout.write(f"{on_one_line(line)}\n")


def print_file(path: Path, *, replaced: bool) -> None:
    """A file that was written, and whether one was there before."""
    print_line(str(path))
    if replaced:
        print_line(f"replaced {path}")


def print_document(document: dict[str, Any]) -> None:
    """One JSON document on one line, the last of standard output; bytes of a name that are no text are escaped."""
    sys.stdout.write(json.dumps(_written(document)) + "\n")
    sys.stdout.flush()


def _notes(outcome: Outcome, found: Gathered) -> list[str]:
    """What a person should know of the files: how they were seen, and which were left out."""
    seen = [f"{piece['artwork']}: {note}" for piece in outcome.pieces for note in piece["notes"]]
    return [*dict.fromkeys(seen), *([found.note] if found.note else [])]


def _written(value: Any) -> Any:  # noqa: ANN401  whatever JSON has
    """The value with texts that are Unicode: half a character is no valid JSON to strict readers."""
    if isinstance(value, str):
        return as_unicode(value)
    if isinstance(value, dict):
        return {_written(key): _written(each) for key, each in value.items()}
    return [_written(each) for each in value] if isinstance(value, (list, tuple)) else value


def _document(outcome: Outcome, found: Gathered) -> dict[str, Any]:
    return {
        "version": installed_version(),
        "model": outcome.model,
        "seed": outcome.seed,
        "settings": vars(outcome.settings) if outcome.settings else None,
        "pieces": outcome.pieces,
        "skipped": [{"file": str(path), "reason": reason} for path, reason in found.skipped],
        "kept": [str(path) for path in outcome.kept],
        "earlier": [str(path) for path, _ in _earlier(outcome)],
        "failed": [{"artwork": str(job.artwork), "error": str(error)} for job, error in outcome.failed],
        "stages": {name: round(seconds, 3) for name, seconds in outcome.stages.items()},
        "elapsed_seconds": round(outcome.elapsed, 3),
    }
