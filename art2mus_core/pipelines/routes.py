"""The table of routes, by the class in a checkpoint's `model_index.json` and by the kind of input."""

from __future__ import annotations

from collections.abc import Callable

from ..checkpoints.folder import read_index
from ..checkpoints.names import is_prior, locate
from ..errors import CheckpointError, SettingError
from .latents import LatentToMusic
from .parts import Choice
from .stages import Resident

__all__ = ["ROUTES", "open_route"]

AUDIOLDM2 = "AudioLDM2Pipeline"


def _artwork() -> type[LatentToMusic]:
    from .diffusion import ArtToMusic  # noqa: PLC0415 - one route at a time

    return ArtToMusic


def _text() -> type[LatentToMusic]:
    from .text_to_music import TextToMusic  # noqa: PLC0415

    return TextToMusic


ROUTES: dict[str, dict[str, Callable[[], type[LatentToMusic]]]] = {
    AUDIOLDM2: {"artwork": _artwork, "text": _text, "sound": lambda: LatentToMusic},
}
"""Pipelines by `_class_name` of the checkpoint and by input."""


def open_route(choice: Choice, route: str, *, resident: Resident, offload: bool) -> LatentToMusic:
    """Open a checkpoint as the pipeline of a route.

    Raises:
        SettingError: an unknown checkpoint or part, a route that the checkpoint does not support, or too little memory.
        CheckpointError: a part is missing, damaged or does not match.
    """
    folder = locate(choice.checkpoint)
    kind = read_index(folder).get("_class_name", AUDIOLDM2) if is_prior(folder) else AUDIOLDM2
    if not isinstance(kind, str):
        raise CheckpointError(
            f"model_index.json of {folder} with _class_name {kind!r}",
            f"one of {', '.join(ROUTES)}",
            "Install or download the checkpoint again.",
        )
    routes = ROUTES.get(kind, {})
    if route not in routes:
        raise SettingError(
            f"no route from {route} in {folder.name}, which is a {kind}",
            f"one of {', '.join(routes)}" if routes else f"a checkpoint of one of {', '.join(ROUTES)}",
            "Choose another route or another checkpoint.",
        )
    return routes[route]().open(choice, resident=resident, offload=offload)
