"""The table of routes, by the class in a checkpoint's `model_index.json` and by the kind of input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch

from ..checkpoints.folder import read_index
from ..checkpoints.names import ART2MUSIC, BUNDLED, COMMENTED, is_prior, locate
from ..errors import CheckpointError, SettingError
from ..types import Artwork, OnStep, Waveform
from .choice import Choice
from .comments import Comments
from .latents import LatentToMusic
from .opening import Route
from .prompts import EncodedText, PromptText
from .settings import Settings
from .stages import Resident

__all__ = [
    "ART2MUSIC",
    "AUDIOLDM2",
    "NAMED",
    "ROUTES",
    "ArtworkPipeline",
    "CommentPipeline",
    "check_length",
    "choose_model",
    "open_route",
    "route_class",
]

AUDIOLDM2 = "AudioLDM2Pipeline"


def _artwork() -> type[LatentToMusic]:
    from .diffusion import ArtToMusic  # noqa: PLC0415 - one route at a time

    return ArtToMusic


def _text() -> type[LatentToMusic]:
    from .text_to_music import TextToMusic  # noqa: PLC0415

    return TextToMusic


def _artwork_and_comment() -> type[Route]:
    from .art2music import ArtAndCommentToMusic  # noqa: PLC0415

    return ArtAndCommentToMusic


@runtime_checkable
class ArtworkPipeline(Protocol):
    """A pipeline of the route `artwork`; see :class:`~art2mus_core.pipelines.diffusion.ArtToMusic` for the methods."""

    def settings(self, **chosen: Any) -> Settings: ...  # noqa: ANN401

    def encode_text(self, text: PromptText, *, on_step: OnStep | None = None) -> EncodedText: ...

    def compose(
        self,
        artworks: Sequence[Artwork],
        *,
        seeds: Sequence[int] | None = None,
        text: EncodedText | None = None,
        on_step: OnStep | None = None,
        **chosen: Any,  # noqa: ANN401
    ) -> list[Waveform]: ...

    def tags(self, settings: Settings, text: PromptText) -> dict[str, str]: ...


@runtime_checkable
class CommentPipeline(ArtworkPipeline, Protocol):
    """One that reads comments; see :class:`~art2mus_core.pipelines.art2music.ArtAndCommentToMusic` for the methods."""

    @property
    def dtype(self) -> torch.dtype: ...

    def tags(self, settings: Settings, text: PromptText, told: Comments = ...) -> dict[str, str]: ...

    def remarks(self, comments: Sequence[str], seed: int = 0) -> list[str]: ...


ROUTES: dict[str, dict[str, Callable[[], Any]]] = {
    AUDIOLDM2: {"artwork": _artwork, "text": _text, "sound": lambda: LatentToMusic},
    ART2MUSIC: {"artwork": _artwork_and_comment},
}
"""Pipelines by `_class_name` of the checkpoint and by input."""

NAMED: dict[str, tuple[str, str]] = {"diffusion": (BUNDLED, AUDIOLDM2), "art2music": (COMMENTED, ART2MUSIC)}
"""Routes from artworks by the name that a user chooses: the bundled checkpoint, and the class of its kind."""


def choose_model(model: str | None, route: str | None, *, commented: bool = False) -> str:
    """The name of a checkpoint for a route from artworks.

    Args:
        model: a checkpoint, by default the bundled one of the route.
        route: a name in `NAMED`; by default the checkpoint decides, and without one it is the first.
        commented: whether comments are to be read.

    Raises:
        SettingError: an unknown route or checkpoint, a checkpoint of another route, or comments where none are read.
        CheckpointError: the checkpoint is damaged.
    """
    if route is not None and route not in NAMED:
        raise SettingError(f"no route {route!r}", f"one of {', '.join(NAMED)}", "Choose another route.")
    bundled, wanted = NAMED[route or next(iter(NAMED))]
    chosen = model or bundled
    kind = route_class(locate(chosen))
    if route is not None and kind != wanted:
        raise SettingError(
            f"the route {route} with {chosen}, whose class is {kind}",
            f"a checkpoint of the class {wanted}, such as {bundled}",
            "Leave out the route or the model, or choose another of them.",
        )
    if commented and kind != ART2MUSIC:
        raise SettingError(
            f"a comment, or a balance between picture and words, with {chosen}, which reads none",
            f"a model of the route art2music, such as {COMMENTED}",
            "Add --route art2music, or leave them out.",
        )
    return chosen


def check_length(seconds: float, model: str | None, route: str | None) -> None:
    """Check the length of a piece with the limit of the model of a route, if it has one of its own.

    Raises:
        SettingError: it is out of the model's range, or there is no such model or route.
        CheckpointError: the model is damaged.
    """
    chosen = choose_model(model, route)
    if route_class(locate(chosen)) == ART2MUSIC:
        from .mel_parts import check_length, open_mel_parts  # noqa: PLC0415 - one route at a time

        check_length(seconds, open_mel_parts(Choice(chosen)))


def route_class(folder: Path) -> str:
    """The class of a checkpoint's pipeline; a folder without `model_index.json` is opened, and refused, as an AudioLDM 2.

    Raises:
        CheckpointError: a `model_index.json` that cannot be read, or has no such name.
    """
    kind = read_index(folder).get("_class_name", AUDIOLDM2) if is_prior(folder) else AUDIOLDM2
    if not isinstance(kind, str):
        raise CheckpointError(
            f"model_index.json of {folder} with _class_name {kind!r}",
            f"one of {', '.join(ROUTES)}",
            "Install or download the checkpoint again.",
        )
    return kind


def open_route(choice: Choice, route: str, *, resident: Resident, offload: bool) -> Any:  # noqa: ANN401
    """Open a checkpoint as the pipeline of a route; for `artwork`, an :class:`ArtworkPipeline`.

    Raises:
        SettingError: an unknown checkpoint or part, a route that the checkpoint does not support, or too little memory.
        CheckpointError: a part is missing, damaged or does not match.
    """
    folder = locate(choice.checkpoint)
    kind = route_class(folder)
    routes = ROUTES.get(kind, {})
    if route not in routes:
        raise SettingError(
            f"no route from {route} in {folder.name}, whose class is {kind}",
            f"one of {', '.join(routes)}" if routes else f"a checkpoint of one of {', '.join(ROUTES)}",
            "Choose another route or another checkpoint.",
        )
    return routes[route]().open(choice, resident=resident, offload=offload)
