"""The saved states of a run: folders that are complete or absent, of which the newest undamaged one is resumed.

RUN/checkpoints/0000400/
|-- average.safetensors   the weights to export: the moving average, or the last ones
|-- trained.safetensors   the trained weights
|-- optimizer.bin, ...    what accelerate saves
|-- progress.json         the history
'-- complete.json         step, configuration, digests of the pairs and of the files; written last
"""

from __future__ import annotations

import json
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import Tensor

from ...checkpoints.memory import is_shortage
from ...checkpoints.tensors import read_tensors
from ...digests import file_digest
from ...errors import CheckpointError, OutputError
from ...placing import make_folder

__all__ = [
    "AVERAGE",
    "CHECKPOINTS",
    "PROGRESS",
    "TRAINED",
    "DamagedStateWarning",
    "newest",
    "read_average",
    "read_note",
    "read_progress",
    "state_folder",
    "tidy",
    "written",
]

CHECKPOINTS = "checkpoints"
AVERAGE, TRAINED = "average.safetensors", "trained.safetensors"
TORCH_WRITER = "inline_container"
"""In the messages of torch's errors when a file cannot be written, as on a full disk."""

PROGRESS, COMPLETE = "progress.json", "complete.json"


class DamagedStateWarning(UserWarning):
    """A saved state is damaged, and the one before is used."""


def state_folder(run: Path, step: int) -> Path:
    """The folder of the state after `step` steps."""
    return run / CHECKPOINTS / f"{step:07d}"


def _states(run: Path) -> list[Path]:
    """The folders of states, the newest first; partial ones are hidden."""
    folder = run / CHECKPOINTS
    found = [each for each in folder.iterdir() if each.name.isdecimal()] if folder.is_dir() else []
    return sorted(found, key=lambda each: int(each.name), reverse=True)


def newest(run: Path) -> Path | None:
    """The folder of the newest complete and undamaged state of a run; None if nothing was saved yet.

    A damaged one causes a :class:`DamagedStateWarning`.

    Raises:
        CheckpointError: all states are damaged.
    """
    states, damage = _states(run), list[str]()
    for state in states:
        if not (found := _damage(state)):
            if damage:
                message = f"{'; '.join(damage)}. Resuming from {state}"
                warnings.warn(message, DamagedStateWarning, stacklevel=2)
            return state
        damage.append(f"{state} is damaged: {found}")
    if states:
        raise CheckpointError(
            "; ".join(damage), "an undamaged state", f"Delete {run / CHECKPOINTS} to train from the start."
        )
    return None


def _damage(state: Path) -> str | None:
    """What is wrong with a state, if anything is."""
    try:
        files = read_note(state)["files"]
        wrong = [name for name, digest in files.items() if file_digest(state / name) != digest]
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"{COMPLETE} cannot be read ({error})"
    return f"{wrong[0]} has other content than when it was written" if wrong else None


def read_note(state: Path) -> dict[str, Any]:
    """The content of a state's `complete.json`: `step`, `config`, `data` and `files`.

    Raises:
        OSError: the state is not complete.
        ValueError: the file is damaged.
    """
    return json.loads((state / COMPLETE).read_text(encoding="utf-8"))


def read_average(state: Path) -> dict[str, Tensor]:
    """The weights to export, by the names of `objective.trained.state_dict()`.

    Raises:
        CheckpointError: missing or damaged.
    """
    return read_tensors(state / AVERAGE)[0]


def read_progress(state: Path) -> dict[str, Any]:
    """The content of a state's `progress.json`: `history` and `recent`."""
    return json.loads((state / PROGRESS).read_text(encoding="utf-8"))


def tidy(run: Path, keep: int = 0) -> None:
    """Delete what killed runs left, and with `keep` the states before so many undamaged ones."""
    folder = run / CHECKPOINTS
    if not folder.is_dir():
        return
    for each in [*folder.glob(".*.partial"), *(_older(run, keep) if keep else [])]:
        if not each.name.startswith("."):  # a deletion that is interrupted leaves no half state under its name
            each = each.rename(each.with_name(f".{each.name}.partial"))  # noqa: PLW2901
        shutil.rmtree(each)


def _older(run: Path, keep: int) -> list[Path]:
    """The states before the newest `keep` undamaged ones."""
    states = iter(_states(run))
    while keep and (state := next(states, None)):
        keep -= not _damage(state)
    return list(states)


@contextmanager
def written(state: Path, note: dict[str, Any]) -> Iterator[Path]:
    """The partial folder of a state, into which the block writes; afterwards it is completed and gets its name.

    After an error it is deleted. A damaged state of this name is replaced.

    Args:
        state: the folder.
        note: the content of `complete.json`, without `files`.

    Raises:
        OutputError: it cannot be written, as on a full disk.
    """
    partial = state.with_name(f".{state.name}.partial")
    make_folder(partial)
    try:
        yield partial
        files = sorted(each for each in partial.rglob("*") if each.is_file())
        digests = {each.relative_to(partial).as_posix(): file_digest(each) for each in files}
        complete = partial / COMPLETE
        complete.write_text(json.dumps({**note, "files": digests}, indent=1) + "\n", encoding="utf-8")
        for each in [*files, complete]:
            _flush(each)
        _flush(partial)
        if state.exists():
            shutil.rmtree(state)
        partial.rename(state)
        _flush(state.parent)
    except (OSError, RuntimeError, OutputError) as error:  # torch raises RuntimeError on a full disk
        if is_shortage(error):
            raise
        raise OutputError(
            f"the state after {int(state.name)} steps cannot be written ({_reason(error)})",
            f"room on the disk of {state.parent}",
            "Free some space, then repeat the command: it resumes from the newest state there.",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _reason(error: Exception) -> str:
    if TORCH_WRITER in str(error):
        return "not all of it could be written"
    return getattr(error, "strerror", None) or (str(error).splitlines() or [type(error).__name__])[0]


def _flush(path: Path) -> None:
    """Have the system write a file or the names in a folder to the disk, so that they survive a power cut."""
    if os.name == "nt" and path.is_dir():  # Windows opens no folders
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
