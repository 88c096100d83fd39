"""The list of nodes."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from .artwork import LoadArtwork
from .conditioning import ImageAligner, VisualConditioningExtractor
from .model import LoadModel
from .previews import show_samples
from .sampler import Sampler
from .saving import SaveAudio

__all__ = ["Art2MusExtension"]


class Art2MusExtension(ComfyExtension):
    """What ComfyUI asks for the pack's nodes."""

    async def on_load(self) -> None:
        """Once, before the server starts."""
        show_samples()

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """In the order in which an artwork passes them."""
        return [LoadArtwork, LoadModel, VisualConditioningExtractor, ImageAligner, Sampler, SaveAudio]
