"""Artwork to Music: the whole way in one node."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..art2mus_core.checkpoints.names import is_encoder
from . import inputs
from .folders import aligner_name, aligner_names, encoder_names, model_folder
from .inputs import DEFAULTS

__all__ = ["ArtworkToMusic", "Gather"]

BEHIND = {"optional": True, "advanced": True}
"""What a beginner need not see."""

SAME = "same"
"""The choice of an encoder that leaves it to model and aligner."""

PIECES = "ART2MUS_PIECES"

Link = list[Any]
"""An output in the host's words: the node's id and the output's number."""


def _linked(socket: Any) -> Any:  # noqa: ANN401  any of the host's inputs
    """An input that is handed on as the link it is: the host knows what comes from there, and a list stays a list.

    Lazy, because a host that keeps nothing would run what is behind it twice: for this node, and for the one that reads it.
    """
    socket.rawLink = socket.lazy = True
    return socket


class ArtworkToMusic(io.ComfyNode):
    """Nodes take its place when it runs, so that the host keeps what they load and see, and a seed means the same."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusArtworkToMusic",
            display_name="Artwork to Music",
            category="Art2Mus",
            essentials_category="Audio",
            description="Turns a picture into music, all in one node. The same as Load Art2Mus Model, Visual "
            "Conditioning Extractor, Image Aligner and AudioLDM2 Sampler in a row.",
            search_aliases=["image to music", "image to audio", "painting to music", "compose", "generate music"],
            enable_expand=True,
            inputs=[
                _linked(inputs.artworks()),
                inputs.model_name(),
                _linked(inputs.seconds()),
                _linked(inputs.seed()),
                _linked(inputs.mask()),
                io.Combo.Input(
                    "encoder",
                    options=[SAME, *encoder_names()],
                    default=SAME,
                    tooltip="The image encoder. 'same' takes the model's own, or else the one that the aligner was trained "
                    "with.",
                    **BEHIND,
                ),
                io.Combo.Input(
                    "aligner",
                    options=aligner_names(),
                    tooltip="The trained image aligner; 'model' is the model's own. It has to fit encoder and model.",
                    **BEHIND,
                ),
                _linked(inputs.strength(**BEHIND)),
                _linked(inputs.steps(**BEHIND)),
                _linked(inputs.guidance(**BEHIND)),
                _linked(inputs.solver(**BEHIND)),
                _linked(inputs.invert(**BEHIND)),
            ],
            outputs=[io.Audio.Output(display_name="audio", is_output_list=True)],
        )

    @classmethod
    def execute(
        cls,
        *,
        image: Link,
        model: str,
        seconds: float | Link,
        seed: int | Link,
        mask: Link | None = None,
        encoder: str = SAME,
        aligner: str = "model",
        strength: float | Link = 1.0,
        steps: int | Link = DEFAULTS.steps,
        guidance: float | Link = DEFAULTS.guidance,
        solver: str | Link = DEFAULTS.solver,
        invert: bool | Link = False,
    ) -> io.NodeOutput:
        chosen = _encoder_of(model, aligner) if encoder == SAME else encoder
        artwork = {"image": image, "mask": mask, "invert": invert, "encoder": chosen}
        aligned = {"aligner": aligner, "strength": strength}
        settings = {"seconds": seconds, "steps": steps, "guidance": guidance, "solver": solver, "seed": seed}
        graph, music = _expanded(model, artwork, aligned, settings)
        return io.NodeOutput(music, expand=graph)


class Gather(io.ComfyNode):
    """The last of those nodes: of a list that nodes give in another's place, the host hands on the first item alone."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusGather",
            display_name="Gather (Art2Mus)",
            category="Art2Mus",
            description="Works inside Artwork to Music and is of no use elsewhere.",
            search_aliases=["collect"],
            is_input_list=True,
            is_dev_only=True,
            inputs=[io.Audio.Input("audio", tooltip="All pieces of a list.")],
            outputs=[io.Custom(PIECES).Output(display_name="pieces")],
        )

    @classmethod
    def execute(cls, audio: list[dict[str, Any]]) -> io.NodeOutput:
        return io.NodeOutput(audio)


def _encoder_of(model: str, aligner: str) -> str:
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


def _expanded(
    model: str, looking: dict[str, Any], aligning: dict[str, Any], composing: dict[str, Any]
) -> tuple[dict[str, Any], Link]:
    """The graph in the host's words, and the link to its music.

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
    pieces = graph.node("Art2MusGather", audio=music.out(0))
    return graph.finalize(), pieces.out(0)
