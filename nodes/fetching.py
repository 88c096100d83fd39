"""Published models in the host's model folders."""

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

__all__ = ["bring", "check_licence", "is_ready", "published_names"]

ELSEWHERE = "Make room there, or name a folder on another disk as art2mus in extra_model_paths.yaml."


def published_names() -> list[str]:
    """Models that can be fetched."""
    return [name for name, found in read_cards().items() if not found.bundled]


def is_ready(name: str) -> bool:
    """Whether a model can be chosen already."""
    wanted = card(name)
    return look_for(wanted, _place(wanted)).ready


def check_licence(name: str, *, accepted: bool) -> None:
    """Refuse to fetch a model before its licence is accepted.

    Raises:
        SettingError: it is not, and the model is not here.
    """
    if accepted or is_ready(name):
        return
    wanted = card(name)
    raise SettingError(
        f"the licence of {name} is not accepted: {wanted.terms}; {_size(wanted)} from {wanted.source}; {wanted.citation}",
        "accept_licence switched on",
        "Read the licence where the model comes from. If you agree to it, switch accept_licence on and run again.",
    )


def bring(name: str, reporter: Callable[..., OnStep]) -> str:
    """Have a model in the host's first model folder, ready for use; what is there already is not fetched again.

    Args:
        name: of its card.
        reporter: makes an `on_step` of a total and of how an amount is said.

    Returns:
        What was done, for a person.

    Raises:
        CheckpointError: no connection, or not the right bytes.
        OutputError: too little room on the disk, or a place that cannot be written to.
    """
    wanted = card(name)
    folder = _place(wanted)
    if is_ready(name):
        return f"{name} is here: {folder}"
    try:
        _fetch(wanted, folder, reporter)
        _finish(wanted, folder, reporter)
    except OutputError as error:
        raise OutputError(error.came, error.expected, ELSEWHERE) from error
    after = f"{_beside(wanted)}{_left_over(wanted, folder)}"
    return f"{name} is here: {folder}. Press R on the canvas to read the lists again.{after}"


def _fetch(wanted: Card, folder: Path, reporter: Callable[..., OnStep]) -> None:
    from ..art2mus_core.checkpoints.fetching import fetch, plan

    try:
        chosen = plan(wanted, folder=folder)
        fetch(chosen, reporter(chosen.bytes or 1, amount=amount))
    except CheckpointError as error:
        raise _by_hand(wanted, folder, error) from error


def _finish(wanted: Card, folder: Path, reporter: Callable[..., OnStep]) -> None:
    if look_for(wanted, folder).ready:
        return
    from ..art2mus_core.locking import alone
    from ..art2mus_core.pipelines.finishing import finish_fetching
    from ..art2mus_core.types import Step

    on_step = reporter(1)
    with alone(folder, f"conversion of {wanted.name}", lambda said: on_step(Step(said, 0, 1))):
        if not look_for(wanted, folder).ready:
            finish_fetching(wanted, folder, on_step)


def _size(wanted: Card) -> str:
    return amount(wanted.known_bytes, "an unknown size")


def _place(wanted: Card) -> Path:
    """The folder that holds the model, or the one in the host's first model folder."""
    places = [root / wanted.name for root in (*model_roots(), home())]
    return next((place for place in places if look_for(wanted, place).ready), places[0])


def _beside(wanted: Card) -> str:
    return f" It works with {' and '.join(wanted.needs)}." if wanted.needs else ""


def _left_over(wanted: Card, folder: Path) -> str:
    """What was converted and takes room for nothing."""
    names = [file.path for file in wanted.files if wanted.converted and (folder / file.path).is_file()]
    size = sum((folder / name).stat().st_size for name in names)
    return f" Its download, {' and '.join(names)} ({amount(size)}), may be deleted." if names else ""


def _by_hand(wanted: Card, folder: Path, error: Art2MusError) -> CheckpointError:
    files = ", ".join(file.path for file in wanted.files)
    return CheckpointError(
        error.came,
        error.expected,
        f"Run again: it goes on where it stopped. Or bring the files yourself, from "
        f"{wanted.address} into {folder}: {files}.",
    )
