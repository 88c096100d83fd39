"""The routes to music, by what a checkpoint's `model_index.json` says it is and by what goes in."""

from __future__ import annotations

from importlib import import_module

from ..checkpoints.folder import read_index
from ..checkpoints.names import is_prior, locate
from ..errors import SettingError
from .latents import LatentToMusic
from .parts import Choice
from .stages import Resident

__all__ = ["ROUTES", "open_route"]

AUDIOLDM2 = "AudioLDM2Pipeline"

ROUTES: dict[str, dict[str, str]] = {
    AUDIOLDM2: {
        "artwork": "diffusion.ArtToMusic",
        "text": "text_to_music.TextToMusic",
        "sound": "latents.LatentToMusic",
    },
}
"""Class of the checkpoint, to what goes in, to the pipeline: a file of this room and a class in it, imported when it is chosen."""


def open_route(choice: Choice, route: str, *, resident: Resident, frugal: bool) -> LatentToMusic:
    """The pipeline of a checkpoint for what goes in.

    Raises:
        SettingError: no such checkpoint, a route that it does not have, a part that is missing, or too little memory.
        CheckpointError: something in it is missing, damaged or does not fit.
    """
    folder = locate(choice.checkpoint)
    kind = read_index(folder).get("_class_name", AUDIOLDM2) if is_prior(folder) else AUDIOLDM2
    routes = ROUTES.get(kind, {})
    if route not in routes:
        raise SettingError(
            f"no route from {route} in {folder.name}, which is a {kind}",
            f"one of {', '.join(routes)}" if routes else f"a checkpoint of one of {', '.join(ROUTES)}",
            "Choose another route or another checkpoint.",
        )
    module, name = routes[route].split(".")
    pipeline: type[LatentToMusic] = getattr(import_module(f".{module}", __package__), name)
    return pipeline.open(choice, resident=resident, frugal=frugal)
