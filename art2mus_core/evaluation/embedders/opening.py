"""The table of evaluation models, and how to open them by name."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from ...checkpoints.cards import read_cards
from ...checkpoints.names import BUNDLED, existing, is_encoder, is_evaluation_model, locate, quoted
from ...checkpoints.presence import folder_of, look_for
from ...errors import CheckpointError, EvaluationError

if TYPE_CHECKING:
    import torch

    from .roles import Classifier, Embedder

__all__ = ["CLASSIFIERS", "EMBEDDERS", "MissingWeightsError", "check_installed", "open_classifier", "open_embedder"]

SECONDS = 10.0
"""Window of the bundled audio encoder: the length of its training pieces. ImageBind embeds a sound of any length as one window."""


class MissingWeightsError(CheckpointError):
    """The weights of an evaluation model are not installed; a caller with several models can skip it."""


class _Model(NamedTuple):
    """A model: the module and function that open it, the card of its weights, and options of the function."""

    module: str
    function: str
    card: str | None
    options: Mapping[str, Any] = MappingProxyType({})


EMBEDDERS = MappingProxyType(
    {
        "pocket": _Model("checkpoint", "open_checkpoint", BUNDLED, {"seconds": SECONDS}),
        "imagebind": _Model("checkpoint", "open_checkpoint", "imagebind"),
        "clap-music": _Model("clap", "open_clap", "clap-music"),
        "clap-general": _Model("clap", "open_clap", "clap-general"),
        "clap": _Model("clap", "open_clap", None),
        "vggish": _Model("vggish", "open_vggish", "vggish"),
    }
)
"""Embedders by name."""

CLASSIFIERS = MappingProxyType({"ast-audioset": _Model("classifier", "open_ast", "ast-audioset")})
"""Classifiers by name."""


def open_embedder(name: str, *, device: torch.device | str = "cpu") -> Embedder:
    """An embedder in float32.

    Args:
        name: a key of `EMBEDDERS`; or NAME:PATH, for the weights in another folder (or file, `vggish`).
        device: where it computes.

    Returns:
        Also an :class:`~.roles.ArtworkEmbedder` (pocket, imagebind) or a :class:`~.roles.TextEmbedder` (a CLAP whose text
        encoder distinguishes texts; that of the published clap-music does not).

    Raises:
        EvaluationError: an unknown name, or a name that requires a path.
        MissingWeightsError: weights that are not installed.
        CheckpointError: weights that are damaged, or of another model.
    """
    embedder: Embedder = _open(name, EMBEDDERS, device)
    return embedder


def open_classifier(name: str, *, device: torch.device | str = "cpu") -> Classifier:
    """A classifier in float32; arguments and errors as for :func:`open_embedder`, with `CLASSIFIERS`."""
    classifier: Classifier = _open(name, CLASSIFIERS, device)
    return classifier


def check_installed(folder: Path) -> None:
    """Refuse the folder of an evaluation model's card if the weights are not installed.

    Raises:
        MissingWeightsError: they are not.
    """
    if not existing(folder, is_evaluation_model):
        raise _missing(folder.name, folder)


def _open(asked: str, table: Mapping[str, _Model], device: torch.device | str) -> Any:  # noqa: ANN401
    import torch  # noqa: PLC0415 - not needed to refuse an unknown name

    kind, _, own = asked.partition(":")
    if kind not in table:
        raise EvaluationError(f"no evaluation model {asked!r}", f"one of {', '.join(table)}", "Check the name.")
    model = table[kind]
    if own:
        found = existing(own, Path.exists)
        if found is None:
            raise CheckpointError(f"{own} does not exist", f"the weights of {kind}", "Check the path.")
        name, path = f"{kind}:{found.stem}", found
    elif model.card is None:
        raise EvaluationError(f"{kind} without a path", f"{kind}:PATH", "Add the path of its weights.")
    else:
        name, path = kind, _installed(model.card)
    opened = getattr(import_module(f".{model.module}", __package__), model.function)
    return opened(name, path, torch.device(device), kind=kind, **model.options)


def _installed(card: str) -> Path:
    """The folder of a card's weights."""
    if card == BUNDLED:
        return locate(BUNDLED)
    folder = folder_of(read_cards()[card])
    if not existing(folder, is_encoder if card == "imagebind" else is_evaluation_model):
        raise _missing(card, folder)
    return folder


def _missing(name: str, folder: Path) -> MissingWeightsError:
    card = read_cards()[name]
    steps = [] if look_for(card, folder).complete else [f"art2mus fetch {name}"]
    if card.then:
        steps.append(" ".join(quoted(word.format(folder=folder)) for word in card.then.split()))
    commands = " and then ".join(f"`{step}`" for step in steps or [f"art2mus fetch {name} --again"])
    return MissingWeightsError(
        f"the weights of {name} are not installed",
        f"the files of its card in {folder}",
        f"Run {commands}, or skip the model with --skip-missing.",
    )
