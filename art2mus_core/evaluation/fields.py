"""What a person's file holds beside numbers: places and names, taken from where that file lies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from ..checkpoints.names import BUNDLED, there

__all__ = ["CheckpointName", "LocalPath", "Precision", "beside"]

Precision = Literal["float32", "bfloat16", "float16"]


def beside(path: Path, info: Any) -> Path:  # noqa: ANN401  pydantic's ValidationInfo, which cannot be checked
    """A path as it is meant in the file that is validated."""
    base = Path((info.context or {}).get("base", "."))
    return base / path.expanduser()


def _checkpoint(name: str, info: Any) -> str:  # noqa: ANN401
    path = beside(Path(name), info)
    return str(path) if name != BUNDLED and there(path) else name


LocalPath = Annotated[Path, AfterValidator(beside)]
"""Relative paths start at the folder of the file."""

CheckpointName = Annotated[str, AfterValidator(_checkpoint)]
"""A name that `locate` knows, or a folder, relative to the file's."""
