"""Checked files: paths and names in configurations, relative to the configuration file, and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, TypeAdapter, ValidationError

from ..checkpoints.names import BUNDLED, existing
from ..configuration import problems
from ..errors import EvaluationError

__all__ = ["CheckpointName", "LocalPath", "Precision", "beside", "read_json"]

Precision = Literal["float32", "bfloat16", "float16"]


def beside(path: Path, info: Any) -> Path:  # noqa: ANN401  pydantic's ValidationInfo, which cannot be checked
    """A path relative to the folder of the file that is validated."""
    base = Path((info.context or {}).get("base", "."))
    return base / path.expanduser()


def _checkpoint(name: str, info: Any) -> str:  # noqa: ANN401
    path = beside(Path(name), info)
    return str(path) if name != BUNDLED and existing(path) else name


LocalPath = Annotated[Path, AfterValidator(beside)]
"""A path relative to the folder of the file."""

CheckpointName = Annotated[str, AfterValidator(_checkpoint)]
"""A name for `locate`, or a folder relative to the file's."""


def read_json(path: Path, form: Any, expected: str) -> Any:  # noqa: ANN401  of the form
    """The content of a JSON file.

    Args:
        path: the file.
        form: the type of the content, which pydantic checks.
        expected: an example, for messages.

    Raises:
        EvaluationError: a file that cannot be read, or other content.
    """
    try:
        return TypeAdapter(form).validate_python(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        reason = problems(error)
    except (OSError, ValueError, RecursionError) as error:
        reason = f"{type(error).__name__}: {error}"
    raise EvaluationError(f"{path} cannot be read ({reason[:200]})", expected, "Correct the file, or remove it.")
