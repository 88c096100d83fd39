"""Downloads of published models into the host's model folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..art2mus_core.checkpoints.cards import Card, card, read_cards
from ..art2mus_core.checkpoints.names import home
from ..art2mus_core.checkpoints.presence import amount, look_for
from ..art2mus_core.errors import Art2MusError, CheckpointError, OutputError, SettingError
from .folders import model_roots

if TYPE_CHECKING:
    from ..art2mus_core.types import OnStep

__all__ = ["check_licence", "download", "is_ready", "published_names"]

DISK_REMEDY = "Free space there, or set art2mus to a folder on another disk in extra_model_paths.yaml."


def published_names() -> list[str]:
    """Names of the models that can be downloaded and are of use to a node; captioners describe datasets on the command line."""
    return [name for name, found in read_cards().items() if not found.bundled and found.kind != "captioner"]


def is_ready(name: str) -> bool:
    """Whether a model is installed completely."""
    wanted = card(name)
    return look_for(wanted, _place(wanted)).ready


def check_licence(name: str, *, accepted: bool) -> None:
    """Check that the licence is accepted, unless the model is already installed.

    Raises:
        SettingError: it is not accepted; the message gives the licence, the size and the source.
    """
    if accepted or is_ready(name):
        return
    wanted = card(name)
    raise SettingError(
        f"the licence of {name} is not accepted: {wanted.terms}; {_size(wanted)} from {wanted.source}; {wanted.citation}",
        "accept_licence switched on",
        "Read the licence at the source. If you agree to it, switch accept_licence on and run again.",
    )


def download(name: str, reporter: Callable[..., OnStep]) -> str:
    """Download a model into the host's first model folder and prepare it for use. Files that are complete are skipped.

    Args:
        name: name of the model's card.
        reporter: returns an `on_step` for a total and, as `amount`, a function that formats numbers of steps.

    Returns:
        A message for the node.

    Raises:
        CheckpointError: there is no connection, or a file's checksum is wrong.
        OutputError: the disk is full, or the folder is not writable.
    """
    wanted = card(name)
    folder = _place(wanted)
    if is_ready(name):
        return f"{name} is installed: {folder}"
    try:
        _fetch(wanted, folder, reporter)
        _finish(wanted, folder, reporter)
    except OutputError as error:
        raise OutputError(error.came, error.expected, DISK_REMEDY) from error
    needs = f" It works with {' and '.join(wanted.needs)}." if wanted.needs else ""
    return (
        f"{name} is installed: {folder}. Press R on the canvas to refresh the lists.{needs}{_deletable(wanted, folder)}"
    )


def _fetch(wanted: Card, folder: Path, reporter: Callable[..., OnStep]) -> None:
    from ..art2mus_core.checkpoints.fetching import fetch, plan

    try:
        chosen = plan(wanted, folder=folder)
        fetch(chosen, reporter(chosen.bytes or 1, amount=amount))
    except CheckpointError as error:
        raise _with_manual_way(wanted, folder, error) from error


def _finish(wanted: Card, folder: Path, reporter: Callable[..., OnStep]) -> None:
    if look_for(wanted, folder).ready:
        return
    from ..art2mus_core.locking import alone
    from ..art2mus_core.pipelines.finishing import finish_fetching
    from ..art2mus_core.types import Step

    on_step = reporter(1)
    with alone(folder, f"conversion of {wanted.name}", lambda message: on_step(Step(message, 0, 1))):
        if not look_for(wanted, folder).ready:
            finish_fetching(wanted, folder, on_step)


def _size(wanted: Card) -> str:
    return amount(wanted.known_bytes, "an unknown size")


def _place(wanted: Card) -> Path:
    """The folder where the model is installed, or else its place in the host's first model folder."""
    places = [root / wanted.name for root in (*model_roots(), home())]
    return next((place for place in places if look_for(wanted, place).ready), places[0])


def _deletable(wanted: Card, folder: Path) -> str:
    """A sentence that names downloaded files which were converted and are no longer needed."""
    names = [file.path for file in wanted.files if wanted.converted and (folder / file.path).is_file()]
    size = sum((folder / name).stat().st_size for name in names)
    return f" You can delete the downloaded {' and '.join(names)} ({amount(size)})." if names else ""


def _with_manual_way(wanted: Card, folder: Path, error: Art2MusError) -> CheckpointError:
    files = ", ".join(file.path for file in wanted.files)
    return CheckpointError(
        error.came,
        error.expected,
        f"Run again to resume. Or download the files yourself, from {wanted.address} into {folder}: {files}.",
    )
