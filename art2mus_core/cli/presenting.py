"""The report of `art2mus compose`: a line for each piece, or one JSON document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ArtworkError
from ..naming import TAKE
from .outputs import installed_version, print_document, print_lines

if TYPE_CHECKING:
    from .outcomes import Outcome
    from .planning import Gathered

__all__ = ["report"]


def report(outcome: Outcome, found: Gathered, *, as_json: bool) -> None:
    """Print what was composed, and raise an error if something was not.

    Raises:
        ArtworkError: some artworks could not be composed; the message lists them.
    """
    if as_json:
        print_document(_document(outcome, found))
    else:
        print_lines(*_lines(outcome, found))
    if outcome.failed:
        failed = {str(job.artwork) for job, _ in outcome.failed}
        total = len(failed | {piece["artwork"] for piece in outcome.pieces})
        listed = "; ".join(error.came for _, error in outcome.failed)
        raise ArtworkError(
            f"{len(failed)} of {total} artworks {'has' if len(failed) == 1 else 'have'} no music: {listed}",
            "music for all",
            "The others were composed." if outcome.pieces else "Check the pictures.",
        )


def _lines(outcome: Outcome, found: Gathered) -> list[str]:
    lines = []
    for piece in outcome.pieces:
        scores = "".join(f"  {name} {piece[name]:.3f}" for name in ("score", "agreement") if name in piece)
        lines.append(f"{piece['file']}  {piece['seconds']:g} s  from {piece['artwork']}{_planned(piece)}{scores}")
    if outcome.pieces and outcome.encoder:
        lines.append(f"image encoder: {outcome.encoder}, on whose embeddings this model was trained")
    lines += [f"replaced {piece['file']}" for piece in outcome.pieces if piece["replaced"]]
    lines += [f"kept {path}, which existed already" for path in outcome.kept]
    lines += [f"{path} existed before, and counts as another take of {name}" for path, name in _earlier(outcome)]
    if any("candidates" in piece and not {"score", "agreement"} & set(piece) for piece in outcome.pieces):
        lines.append("Kept all candidates, unranked: the model has no audio encoder to compare them with the artwork.")
    lines += dict.fromkeys(f"{piece['artwork']}: {note}" for piece in outcome.pieces for note in piece["notes"])
    lines += outcome.notes
    return [*lines, *([found.note] if found.note else [])]


def _planned(piece: dict[str, Any]) -> str:
    """The plan that the piece follows, as far as its model makes one."""
    tempo = [f"{piece['bpm']:.0f} bpm"] if "bpm" in piece else []
    told = [*tempo, *(piece[name] for name in ("key", "band") if name in piece)]
    return f"  {', '.join(told)}" if told else ""


def _earlier(outcome: Outcome) -> list[tuple[Path, str]]:
    """Existing files that are named like takes of the written music, each with the name of that music."""
    written = {Path(piece["file"]) for piece in outcome.pieces}
    found = []
    for folder in sorted({path.parent for path in written}):
        for path in sorted(folder.iterdir()):
            name, _, _ = path.stem.rpartition(TAKE)
            if name and path not in written and path.with_stem(name) in written:
                found.append((path, name))
    return found


def _document(outcome: Outcome, found: Gathered) -> dict[str, Any]:
    return {
        "version": installed_version(),
        "model": outcome.model,
        "image_encoder": outcome.space,
        "encoder_model": outcome.encoder,
        "comments": outcome.told and list(outcome.told.texts),
        "balance": outcome.told and outcome.told.balance,
        **vars(outcome.prompt),
        "precision": outcome.precision,
        "seed": outcome.seed,
        "notes": outcome.notes,
        "settings": vars(outcome.settings) if outcome.settings else None,
        "pieces": outcome.pieces,
        "skipped": [{"file": str(path), "reason": reason} for path, reason in found.skipped],
        "kept": [str(path) for path in outcome.kept],
        "earlier": [str(path) for path, _ in _earlier(outcome)],
        "failed": [{"artwork": str(job.artwork), "error": str(error)} for job, error in outcome.failed],
        "stages": {name: round(seconds, 3) for name, seconds in outcome.stages.items()},
        "elapsed_seconds": round(outcome.elapsed, 3),
    }
