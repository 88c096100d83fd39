"""Files of published evaluation models: configuration, front end and weights, in transformers' layout."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor

from ...checkpoints.folder import describes, read_config
from ...checkpoints.pickles import read_pickle
from ...checkpoints.tensors import read_tensors
from ...digests import joint_digest
from ...errors import CheckpointError

__all__ = ["AGAIN", "FRONT_END", "digest", "load_front_end", "published_file", "read_model_config", "read_published"]

SAFE, PICKLED = "model.safetensors", "pytorch_model.bin"
"""File names of transformers' weights; if a folder has both, the first is read."""

FRONT_END = "preprocessor_config.json"
AGAIN = "Download the checkpoint again."

Extractor = TypeVar("Extractor")


def read_model_config(folder: Path, model_type: str, title: str) -> dict[str, Any]:
    """The fields of config.json.

    Raises:
        CheckpointError: a missing or damaged file, or one of another type of model.
    """
    stored = read_config(folder, ".")
    if stored.get("model_type") != model_type:
        raise CheckpointError(
            f"{folder / 'config.json'} describes a model of type {stored.get('model_type')!r}",
            f"{model_type!r}",
            f"Choose a {title} in transformers' layout.",
        )
    return stored


def load_front_end(kind: type[Extractor], folder: Path, title: str) -> Extractor:
    """The feature extractor of a folder.

    Args:
        kind: transformers' class.
        folder: folder with preprocessor_config.json.
        title: name of the model, for messages.

    Raises:
        CheckpointError: a missing or damaged file.
    """
    path = folder / FRONT_END
    if not path.is_file():
        raise CheckpointError(f"{path} is missing", "a complete checkpoint folder", AGAIN)
    with describes(path, f"{title}'s front end"):
        extractor: Extractor = kind.from_pretrained(folder, local_files_only=True)  # type: ignore[attr-defined]
        return extractor


def published_file(folder: Path) -> Path:
    """The file of weights of a folder; the first name if there is none."""
    return next((folder / name for name in (SAFE, PICKLED) if (folder / name).is_file()), folder / SAFE)


def read_published(path: Path, wanted: str, again: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file, or of a pickle that is opened with `weights_only=True`.

    Args:
        path: the file; its suffix determines the format.
        wanted: the expected content, for messages.
        again: how to obtain the file, for messages.

    Raises:
        CheckpointError: a missing or damaged file, or other content.
    """
    return read_tensors(path)[0] if path.suffix == ".safetensors" else read_pickle(path, wanted, again)


def digest(paths: list[Path], *settings: object) -> str:
    """Eight hexadecimal digits over the bytes of files and over settings that are in none of them."""
    return joint_digest(paths, repr(settings).encode())[:8]
