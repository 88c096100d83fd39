"""Embedders and classifiers by name: which there are, where their weights lie, and what to do if they don't."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ...checkpoints.cards import read_cards
from ...checkpoints.names import BUNDLED, is_encoder, is_judge, locate, quoted, there
from ...checkpoints.presence import folder_of, look_for
from ...errors import CheckpointError, EvaluationError

if TYPE_CHECKING:
    import torch

    from .roles import Classifier, Embedder

__all__ = ["CLASSIFIERS", "EMBEDDERS", "MissingWeightsError", "check_judge", "open_classifier", "open_embedder"]

SECONDS = 10.0
"""Window of the pocket tower: the length of its pieces. ImageBind hears a sound of any length as one, as published."""


class MissingWeightsError(CheckpointError):
    """Weights of a judge that are not on this machine; whoever asked for several may go on without it."""


def _towers(name: str, folder: Path, device: torch.device, *, kind: str, seconds: float | None = None) -> Embedder:
    from .towers import open_towers  # noqa: PLC0415 - one judge at a time

    return open_towers(name, folder, device, kind=kind, seconds=seconds)


def _clap(name: str, folder: Path, device: torch.device, *, kind: str) -> Embedder:
    from .clap import open_clap  # noqa: PLC0415 - brings transformers with it

    return open_clap(name, folder, device, kind=kind)


def _vggish(name: str, path: Path, device: torch.device, *, kind: str) -> Embedder:
    from .vggish import open_vggish  # noqa: PLC0415 - brings torch with it

    return open_vggish(name, path, device, kind=kind)


def _ast(name: str, folder: Path, device: torch.device, *, kind: str) -> Classifier:
    from .classifier import open_ast  # noqa: PLC0415 - brings transformers with it

    return open_ast(name, folder, device, kind=kind)


class _Judge(NamedTuple):
    """What opens a judge, and the name of the card by which its weights are fetched."""

    opened: Callable[..., Any]
    card: str | None


EMBEDDERS = MappingProxyType(
    {
        "pocket": _Judge(partial(_towers, seconds=SECONDS), BUNDLED),
        "imagebind": _Judge(_towers, "imagebind"),
        "clap-music": _Judge(_clap, "clap-music"),
        "clap-general": _Judge(_clap, "clap-general"),
        "clap": _Judge(_clap, None),
        "vggish": _Judge(_vggish, "vggish"),
    }
)
"""What listens to music, by name."""

CLASSIFIERS = MappingProxyType({"ast-audioset": _Judge(_ast, "ast-audioset")})
"""What names the things that are heard, by name."""


def open_embedder(name: str, *, device: torch.device | str = "cpu") -> Embedder:
    """An embedder in float32, ready to listen.

    Args:
        name: a key of `EMBEDDERS`; with `:PATH` behind it, for the weights of a folder (or file, `vggish`) of one's own.
        device: where it computes.

    Returns:
        Also an :class:`~.roles.ArtworkEmbedder` (pocket, imagebind) or a :class:`~.roles.TextEmbedder` (a CLAP that can
        tell texts apart; clap-music, as it is published, cannot).

    Raises:
        EvaluationError: no such embedder, or it needs a path.
        MissingWeightsError: its card is not fetched yet.
        CheckpointError: what is there is damaged, or something else.
    """
    return _open(name, EMBEDDERS, device)


def open_classifier(name: str, *, device: torch.device | str = "cpu") -> Classifier:
    """A classifier in float32, ready to listen; arguments and errors as :func:`open_embedder`'s, with `CLASSIFIERS`."""
    return _open(name, CLASSIFIERS, device)


def check_judge(folder: Path) -> None:
    """Refuse a folder of a card of the kind `judge` that is not fetched.

    Raises:
        MissingWeightsError: so it is.
    """
    if not there(folder, is_judge):
        raise _missing(folder.name, folder)


def _open(asked: str, table: MappingProxyType[str, _Judge], device: torch.device | str) -> Any:  # noqa: ANN401
    import torch  # noqa: PLC0415 - a name that is not known is told without it

    kind, _, own = asked.partition(":")
    if kind not in table:
        raise EvaluationError(f"no judge {asked!r}", f"one of {', '.join(table)}", "Check the name.")
    judge = table[kind]
    if own:
        path = there(own, Path.exists)
        if path is None:
            raise CheckpointError(f"{own} does not exist", f"the weights of {kind}", "Check the path.")
        return judge.opened(f"{kind}:{path.stem}", path, torch.device(device), kind=kind)
    if judge.card is None:
        raise EvaluationError(f"{kind} without a path", f"{kind}:PATH", "Say where its weights lie.")
    return judge.opened(kind, _fetched(judge.card), torch.device(device), kind=kind)


def _fetched(card: str) -> Path:
    """Where the weights of a card lie."""
    if card == BUNDLED:
        return locate(BUNDLED)
    folder = folder_of(read_cards()[card])
    if not there(folder, is_encoder if card == "imagebind" else is_judge):
        raise _missing(card, folder)
    return folder


def _missing(name: str, folder: Path) -> MissingWeightsError:
    card = read_cards()[name]
    steps = [] if look_for(card, folder).complete else [f"art2mus fetch {name}"]
    if card.then:
        steps.append(" ".join(quoted(word.format(folder=folder)) for word in card.then.split()))
    commands = " and then ".join(f"`{step}`" for step in steps or [f"art2mus fetch {name} --again"])
    return MissingWeightsError(
        f"the weights of {name} are not here",
        f"those of its card in {folder}",
        f"Run {commands}, or leave it out with --skip-missing.",
    )
