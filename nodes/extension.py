"""The list of nodes."""

from __future__ import annotations

import logging
from importlib import import_module

from comfy_api.latest import ComfyExtension, io

from .dependencies import explained
from .failures import telling_node

__all__ = ["NODES", "Art2MusExtension"]

LOG = logging.getLogger(__name__)

NODES = {
    "artwork": ("LoadArtwork", "ArtworkFolder"),
    "model": ("LoadModel",),
    "download": ("DownloadModel",),
    "conditioning": ("VisualConditioningExtractor", "ImageAligner"),
    "latent": ("EmptyLatent",),
    "sampler": ("Sampler",),
    "artwork_to_music": ("ArtworkToMusic", "Gather"),
    "preview_music": ("PreviewMusic",),
    "saving": ("SaveAudio",),
    "score_music": ("ScoreMusic",),
}
"""Node classes by module, in the order in which an artwork passes them."""


class Art2MusExtension(ComfyExtension):
    """What ComfyUI asks for the pack's nodes."""

    async def on_load(self) -> None:
        """Once, before the server starts."""
        try:
            import_module(".serving", __package__).extend_server()
        except Exception as error:  # noqa: BLE001  a server that has changed costs no node
            LOG.warning("Art2Mus: samples have no preview, and workflows no order (%s).", error)

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Every node that can be there; one whose imports fail is missed alone, and the log says why."""
        return [node for module, names in NODES.items() for node in _nodes(module, names)]


def _nodes(module: str, names: tuple[str, ...]) -> list[type[io.ComfyNode]]:
    try:
        found = [getattr(import_module(f".{module}", __package__), name) for name in names]
        for node in found:
            node.GET_SCHEMA()
    except ImportError as error:
        LOG.warning("Art2Mus: no %s: %s", " and no ".join(names), explained(error))
        return []
    except (TypeError, AttributeError) as error:  # a word or a socket that this host does not know
        LOG.warning("Art2Mus: no %s: this ComfyUI is not 0.15.0 or later (%s).", " and no ".join(names), error)
        return []
    return [telling_node(node) for node in found]
