"""Aligner files: weights, and in the header what they are."""

from __future__ import annotations

from pathlib import Path

import torch

from ..checkpoints.folder import read_tensors, save_tensors
from ..checkpoints.strict import fill
from ..errors import CheckpointError, SettingError
from .visual import VisualAligner

__all__ = ["AnyAligner", "find_aligner", "load_aligner", "save_aligner"]

AnyAligner = VisualAligner
KINDS: dict[str, type[AnyAligner]] = {kind.kind: kind for kind in (VisualAligner,)}
"""Kind in the header to class; a new aligner is a new file and its class in this row."""


def find_aligner(folder: Path, name: str) -> Path:
    """The file of an aligner: a path, or a name below the checkpoint's `aligner` folder (`model` is its own).

    Raises:
        SettingError: nothing of that name.
    """
    for path in (Path(name).expanduser(), folder / "aligner" / f"{name}.safetensors"):
        if path.is_file():
            return path
    known = ", ".join(sorted(path.stem for path in (folder / "aligner").glob("*.safetensors"))) or "none"
    raise SettingError(f"no aligner {name!r}", f"a safetensors file, or one of {known}", "Check the name.")


def load_aligner(path: Path, *, space: str, width: int) -> AnyAligner:
    """The aligner in a file, for an encoder's space and a language model of a given width.

    Raises:
        CheckpointError: missing, damaged, of no known kind, or made for another encoder or language model.
    """
    tensors, header = read_tensors(path)
    kind = KINDS.get(header.get("kind", ""))
    if kind is None or not {"space", "tokens", "width"} <= set(header):
        raise CheckpointError(
            f"{path} says it is {header.get('kind', 'nothing')!r}",
            f"an aligner of the kind {' or '.join(KINDS)}, with space, tokens and width in its header",
            "Choose an aligner file.",
        )
    for what, here, wanted in (("space", header["space"], space), ("width", header["width"], str(width))):
        if here != wanted:
            raise CheckpointError(
                f"{path} is for {what} {here!r}", f"{wanted!r}", "Choose an aligner that was trained for this model."
            )
    sizes = {"tokens": int(header["tokens"]), "width": width, "space": space}
    try:
        with torch.device("meta"):
            aligner = kind.for_state(tensors, **sizes)  # type: ignore[arg-type]
    except KeyError as error:
        raise CheckpointError(
            f"{path} lacks {error}", f"the weights of a {header['kind']} aligner", "Choose an aligner file."
        ) from error
    return fill(aligner, tensors, path, lambda: kind.for_state(tensors, **sizes), dtype=torch.float32)  # type: ignore[arg-type]


def save_aligner(path: Path, aligner: AnyAligner, *, licence: str, run: str, half: bool) -> None:
    """Write an aligner with its header, whole or not at all.

    Args:
        path: the file; `aligner/model.safetensors` in a checkpoint.
        aligner: what is written.
        licence: of the weights.
        run: what trained it, for the record.
        half: store the weights in float16.
    """
    header = {
        "kind": aligner.kind,
        "space": aligner.space,
        "tokens": str(aligner.tokens),
        "width": str(aligner.width),
        "licence": licence,
        "run": run,
    }
    save_tensors(path, aligner.state_dict(), half=half, metadata=header)
