"""The routes to music, by what a checkpoint's `model_index.json` says it is and by what goes in."""

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
"""Class of the checkpoint, to what goes in, to the pipeline."""


def open_route(choice: Choice, route: str, *, resident: Resident, frugal: bool) -> LatentToMusic:
    """The pipeline of a checkpoint for what goes in.

    Raises:
        SettingError: no such checkpoint, a route that it does not have, a part that is missing, or too little memory.
        CheckpointError: something in it is missing, damaged or does not fit.
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
    return routes[route]().open(choice, resident=resident, frugal=frugal)
