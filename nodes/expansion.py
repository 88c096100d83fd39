"""The four nodes that take the place of Artwork to Music."""

from __future__ import annotations

from typing import Any

from ..art2mus_core.checkpoints.names import is_encoder
from .folders import aligner_name, model_folder

__all__ = ["SAME", "encoder_of", "expanded"]

SAME = "same"
"""The choice of an encoder that leaves it to model and aligner."""


def encoder_of(model: str, aligner: str) -> str:
    """The model's own encoder if the aligner reads what it says, or else the one that the aligner was trained with.

    Raises:
        SettingError: no model or aligner of that name.
        CheckpointError: the aligner is damaged.
    """
    from ..art2mus_core.aligners.files import find_aligner, read_header
    from ..art2mus_core.encoders.files import image_space

    folder = model_folder(model)
    header = read_header(find_aligner(folder, aligner_name(aligner)))
    return model if is_encoder(folder) and image_space(folder) == header.space else header.encoder


def expanded(
    model: str, looking: dict[str, Any], aligning: dict[str, Any], composing: dict[str, Any]
) -> tuple[dict[str, Any], list[Any]]:
    """The graph in the host's words, and the link to its music.

    Its nodes have the same ids in every run: those of the replaced node and of its turn, where it works through a list.

    Args:
        model: name of the checkpoint.
        looking: inputs of the Visual Conditioning Extractor.
        aligning: inputs of the Image Aligner beside what it is told.
        composing: settings of the sampler.
    """
    from comfy_execution.graph_utils import GraphBuilder

    graph = GraphBuilder()
    load = graph.node("Art2MusLoadModel", model=model)
    look = graph.node("Art2MusVisualConditioningExtractor", **looking)
    align = graph.node("Art2MusImageAligner", embedding=look.out(0), language=load.out(2), **aligning)
    parts = {"model": load.out(0), "vae": load.out(1), "positive": align.out(0), "negative": align.out(1)}
    music = graph.node("Art2MusSampler", **parts, **composing)
    return graph.finalize(), music.out(0)
