"""The table of routes, by the class in a checkpoint's `model_index.json` and by the kind of input."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from ..checkpoints.folder import read_index
from ..checkpoints.names import is_prior, locate
from ..errors import CheckpointError, SettingError
from ..types import Artwork, OnStep, Waveform
from .latents import LatentToMusic
from .opening import Route
from .parts import Choice
from .prompts import EncodedText, PromptText
from .settings import Settings
from .stages import Resident

__all__ = ["ART2MUSIC", "ROUTES", "ArtworkPipeline", "open_route", "route_class"]

AUDIOLDM2, ART2MUSIC = "AudioLDM2Pipeline", "Art2MusicPipeline"


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


ROUTES: dict[str, dict[str, Callable[[], Any]]] = {
    AUDIOLDM2: {"artwork": _artwork, "text": _text, "sound": lambda: LatentToMusic},
    ART2MUSIC: {"artwork": _artwork_and_comment},
}
"""Pipelines by `_class_name` of the checkpoint and by input."""


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
