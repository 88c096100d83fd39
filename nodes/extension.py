"""The pack's nodes, and their registration with ComfyUI."""

from __future__ import annotations

import logging
from importlib import import_module

from comfy_api.latest import ComfyExtension, io

from .dependencies import explained
from .failures import redact_node

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
    "art2music": ("Art2Music", "OpenArt2Music", "ComposeArt2Music"),
    "preview_music": ("PreviewMusic",),
    "saving": ("SaveAudio",),
    "score_music": ("ScoreMusic",),
}
"""Node classes by module, in the order of a graph."""


class Art2MusExtension(ComfyExtension):
    """Entry point of ComfyUI's V3 interface."""

    async def on_load(self) -> None:
        """Extend the web server; called once, before it starts."""
        try:
            import_module(".serving", __package__).extend_server()
        except Exception as error:  # noqa: BLE001  the nodes work without it
            LOG.warning("Art2Mus: no previews of samples, and workflows are not sorted (%s).", error)

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """All nodes that can be loaded. One whose imports fail is left out with a warning in the log."""
        return [node for module, names in NODES.items() for node in _nodes(module, names)]


def _nodes(module: str, names: tuple[str, ...]) -> list[type[io.ComfyNode]]:
    try:
        found = [getattr(import_module(f".{module}", __package__), name) for name in names]
        for node in found:
            node.GET_SCHEMA()
    except ImportError as error:
        LOG.warning("Art2Mus: no %s: %s", " and no ".join(names), explained(error))
        return []
    except (TypeError, AttributeError) as error:  # an argument or socket type that this host does not have
        LOG.warning("Art2Mus: no %s: this ComfyUI is not 0.15.0 or later (%s).", " and no ".join(names), error)
        return []
    return [redact_node(node) for node in found]
