"""Artwork to Music: from a picture to audio in one node."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io

from ..art2mus_core.checkpoints.names import is_encoder
from ..art2mus_core.pipelines.presets import CUSTOM
from . import inputs
from .folders import aligner_name, encoder_names, model_folder
from .inputs import DEFAULTS
from .stamps import aligner_stamps, encoder_stamps, model_stamps

__all__ = ["ArtworkToMusic", "Gather"]

ADVANCED = {"optional": True, "advanced": True}
"""Inputs that the node shows only on request."""

SAME = "same"
"""The `encoder` option that follows from model and aligner."""

PIECES = "ART2MUS_PIECES"

Link = list[Any]
"""The host's link to an output: the node's id and the output's index."""


def _linked(socket: Any) -> Any:  # noqa: ANN401  any of the host's inputs
    """Have an input passed to the expansion as a link, so that the host can reuse cached outputs and a list stays a list.

    Lazy, because a host without a cache would otherwise run the linked node twice: for this node and for its expansion.
    """
    socket.rawLink = socket.lazy = True
    return socket


class ArtworkToMusic(io.ComfyNode):
    """Expands into the separate nodes, so that the host caches each of them and the same seed gives the same music."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusArtworkToMusic",
            display_name="Artwork to Music",
            category="Art2Mus",
            essentials_category="Audio",
            description="Turns a picture into music in one node. Equivalent to Load Art2Mus Model, Visual Conditioning "
            "Extractor, Image Aligner and AudioLDM2 Sampler in a row.",
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
                    tooltip="The image encoder. 'same' uses the model's own if it fits the aligner, otherwise the one that "
                    "the aligner was trained with.",
                    **ADVANCED,
                ),
                inputs.aligner(**ADVANCED),
                _linked(inputs.strength(**ADVANCED)),
                _linked(inputs.steps(**ADVANCED)),
                _linked(inputs.guidance(**ADVANCED)),
                _linked(inputs.solver(**ADVANCED)),
                _linked(inputs.invert(**ADVANCED)),
                _linked(inputs.shared_noise()),
                _linked(inputs.level()),
                _linked(inputs.reprise()),
                _linked(inputs.preset(advanced=True)),
            ],
            outputs=[io.Audio.Output(display_name="audio", is_output_list=True)],
        )

    @classmethod
    def fingerprint_inputs(
        cls,
        model: str | None,
        encoder: str | None = SAME,
        aligner: str | None = "model",
        **_: Any,  # noqa: ANN401  the other sockets
    ) -> list[str]:
        known = None if encoder == SAME else encoder
        return [*model_stamps(model), *encoder_stamps(known), *aligner_stamps(aligner, model)]

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
        shared_noise: bool | Link = DEFAULTS.shared_noise,
        level: bool | Link = DEFAULTS.level,
        reprise: float | Link = DEFAULTS.reprise,
        preset: str | Link = CUSTOM,
    ) -> io.NodeOutput:
        chosen = _encoder_of(model, aligner) if encoder == SAME else encoder
        artwork = {"image": image, "mask": mask, "invert": invert, "encoder": chosen}
        aligned = {"aligner": aligner, "strength": strength}
        settings = {"seconds": seconds, "steps": steps, "guidance": guidance, "solver": solver}
        more = {"seed": seed, "shared_noise": shared_noise, "level": level, "reprise": reprise, "preset": preset}
        graph, music = _expanded(model, artwork, aligned, settings | more)
        return io.NodeOutput(music, expand=graph)


class Gather(io.ComfyNode):
    """Ends the expansion. It collects a list into one value, because the host passes on only the first item of an expansion."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusGather",
            display_name="Gather (Art2Mus)",
            category="Art2Mus",
            description="Used internally by Artwork to Music. You do not need to add it yourself.",
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
    """Name of the model's own encoder if its space is the aligner's, otherwise of the one that the aligner was trained with.

    Raises:
        SettingError: there is no model or aligner of that name.
        CheckpointError: the aligner file is damaged.
    """
    from ..art2mus_core.aligners.files import find_aligner, read_header
    from ..art2mus_core.encoders.files import image_space

    folder = model_folder(model)
    header = read_header(find_aligner(folder, aligner_name(aligner)))
    return model if is_encoder(folder) and image_space(folder) == header.space else header.encoder


def _expanded(
    model: str, encoding: dict[str, Any], aligning: dict[str, Any], sampling: dict[str, Any]
) -> tuple[dict[str, Any], Link]:
    """Build the expansion in the host's graph format; also returns the link to its audio.

    Args:
        model: name of the checkpoint.
        encoding: inputs of Visual Conditioning Extractor.
        aligning: inputs of Image Aligner, without its links.
        sampling: settings of the sampler.
    """
    from comfy_execution.graph_utils import GraphBuilder

    graph = GraphBuilder()
    load = graph.node("Art2MusLoadModel", model=model)
    encode = graph.node("Art2MusVisualConditioningExtractor", **encoding)
    align = graph.node("Art2MusImageAligner", embedding=encode.out(0), language=load.out(2), **aligning)
    parts = {"model": load.out(0), "vae": load.out(1), "positive": align.out(0), "negative": align.out(1)}
    music = graph.node("Art2MusSampler", **parts, **sampling)
    pieces = graph.node("Art2MusGather", audio=music.out(0))
    return graph.finalize(), pieces.out(0)
