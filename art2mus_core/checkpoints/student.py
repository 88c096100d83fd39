"""The student of a checkpoint's denoiser: a LoRA with which it makes music in a few steps and without guidance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch import nn

from ..errors import CheckpointError, SettingError
from .lora import check_lora
from .tensors import opened

__all__ = ["REMEDY", "check_student", "has_student", "student_file", "student_steps"]

REMEDY = "Delete this file, which only the preset instant needs; `art2mus train student` makes another."


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
            f"{folder.name} has no student",
            "a model with student/model.safetensors",
            "Train one: art2mus train student.",
        )
    with _remedied(), opened(path) as file:
        told = dict(file.metadata() or {}).get("steps", "")
    if not told.isdecimal() or not int(told):
        raise CheckpointError(f"{path} with steps {told!r}", "the number of the student's steps", REMEDY)
    return int(told)


def check_student(folder: Path, unet: nn.Module) -> None:
    """Compare the header of a checkpoint's student with its denoiser; no weight is read.

    Raises:
        CheckpointError: damaged, of another kind, or trained for another denoiser, as one is that was trained again since.
    """
    with _remedied():
        check_lora(student_file(folder), unet, folder)


@contextmanager
def _remedied() -> Iterator[None]:
    """Tell what to do about a file that nobody chose."""
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(error.came, error.expected, REMEDY) from error
