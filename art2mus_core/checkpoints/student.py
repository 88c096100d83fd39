"""The student of a checkpoint's denoiser: a LoRA with which it makes music in a few steps and without guidance."""

from __future__ import annotations

from pathlib import Path

from ..errors import CheckpointError, SettingError
from .tensors import opened

__all__ = ["has_student", "student_file", "student_steps"]


def student_file(folder: Path) -> Path:
    """The file of a checkpoint's student."""
    return folder / "student" / "model.safetensors"


def has_student(folder: Path) -> bool:
    """Whether a checkpoint has a student."""
    return student_file(folder).is_file()


def student_steps(folder: Path) -> int:
    """The number of steps that a checkpoint's student takes, from the header of its file.

    Raises:
        SettingError: the checkpoint has no student.
        CheckpointError: a damaged file, or one that does not say it.
    """
    path = student_file(folder)
    if not path.is_file():
        raise SettingError(
            f"{folder.name} has no student", "a model with one, such as pocket", "Train one: art2mus train student."
        )
    with opened(path) as file:
        told = dict(file.metadata() or {}).get("steps", "")
    if not told.isdecimal() or not int(told):
        raise CheckpointError(
            f"{path} with steps {told!r}", "the number of the student's steps", "Install the checkpoint again."
        )
    return int(told)
