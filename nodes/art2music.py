"""Art2Music Generator: from a picture and comments of viewers to audio in one node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ..art2mus_core.checkpoints.names import is_commented
from . import inputs
from .folders import commented_names, model_folder
from .packing import pack_messages, pack_pictures, unpack_artworks
from .sockets import CommentedSocket
from .stamps import commented_stamps

if TYPE_CHECKING:
    import torch

    from .commented import Commented

__all__ = ["Art2Music", "ComposeArt2Music", "OpenArt2Music"]

INTERNAL = "Used internally by Art2Music Generator. You do not need to add it yourself."

LONGEST = 10.0
"""Most seconds of a piece: those of the pieces that Art2Music was trained on."""


def _model() -> io.Combo.Input:
    return io.Combo.Input(
        "model",
        options=commented_names(),
        tooltip="'art2music' is included with the pack. Every other entry is a model folder of the class "
        "Art2MusicPipeline in ComfyUI/models/art2mus.",
    )


def _shared() -> list[Any]:
    """Inputs of the node that its expansion takes as well, but for `model`."""
    return [
        inputs.artworks(),
        io.String.Input(
            "comment",
            default="",
            multiline=True,
            tooltip="What a viewer says about the artwork, one comment in each line. Several count by their mean, and "
            "they apply to every artwork of a batch. The included model reads English. Empty: the picture alone.",
        ),
        io.Float.Input(
            "balance",
            default=0.5,
            min=0.0,
            max=1.0,
            step=0.05,
            display_mode=io.NumberDisplay.slider,
            tooltip="Balance between picture and words. 0: the picture alone. 0.5: both as trained. 1: the words alone.",
        ),
        inputs.seconds(max=LONGEST, tooltip="Length of the music in seconds, as far as the model reaches."),
        inputs.seed(),
    ]


class Art2Music(io.ComfyNode):
    """Expands into the two nodes below, so that the host keeps the opened model across runs, as it keeps all models."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        image, comment, balance, seconds, seed = _shared()
        return io.Schema(
            node_id="Art2MusArt2Music",
            display_name="Art2Music Generator",
            category="Art2Mus",
            description="Turns a picture and a comment on it into music. The comment says what a viewer sees or feels; it can "
            "be left empty.",
            search_aliases=["comment", "artwork and text to music", "image and text to audio", "generate music", "mel"],
            enable_expand=True,
            inputs=[image, comment, balance, _model(), seconds, seed],
            outputs=[io.Audio.Output(display_name="audio"), io.Image.Output(display_name="spectrogram")],
        )

    @classmethod
    def validate_inputs(cls, model: str | None) -> bool:
        return model is None or model_folder(model, is_commented).is_dir()

    @classmethod
    def fingerprint_inputs(cls, model: str | None, **_: Any) -> list[str]:  # noqa: ANN401  the other sockets
        return commented_stamps(model)

    @classmethod
    def execute(cls, model: str, **inputs: Any) -> io.NodeOutput:  # noqa: ANN401  the other sockets
        from comfy_execution.graph_utils import GraphBuilder

        graph = GraphBuilder()
        opened = graph.node("Art2MusOpenArt2Music", model=model)
        music = graph.node("Art2MusComposeArt2Music", opened=opened.out(0), **inputs)
        return io.NodeOutput(music.out(0), music.out(1), expand=graph.finalize())


class OpenArt2Music(io.ComfyNode):
    """The host's memory manager loads and frees the networks of the output."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusOpenArt2Music",
            display_name="Open Art2Music Model (Art2Mus)",
            category="Art2Mus",
            description=INTERNAL,
            search_aliases=["load"],
            is_dev_only=True,
            inputs=[_model()],
            outputs=[CommentedSocket.Output(display_name="opened")],
        )

    @classmethod
    def fingerprint_inputs(cls, model: str | None) -> list[str]:
        return commented_stamps(model)

    @classmethod
    def execute(cls, model: str) -> io.NodeOutput:
        from .commented import open_commented

        return io.NodeOutput(open_commented(model))


class ComposeArt2Music(io.ComfyNode):
    """Makes the music."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusComposeArt2Music",
            display_name="Compose with Art2Music (Art2Mus)",
            category="Art2Mus",
            description=INTERNAL,
            search_aliases=["compose"],
            is_dev_only=True,
            inputs=[CommentedSocket.Input("opened", tooltip="The opened model."), *_shared()],
            outputs=[io.Audio.Output(display_name="audio"), io.Image.Output(display_name="spectrogram")],
        )

    @classmethod
    def execute(
        cls, *, opened: Commented, image: torch.Tensor, comment: str, balance: float, seconds: float, seed: int
    ) -> io.NodeOutput:
        from .commented import compose_commented
        from .player import analyse, draw_pieces

        artworks, comments = unpack_artworks(image), comment.splitlines()
        audio, notes = compose_commented(opened, artworks, comments, seconds=seconds, seed=seed, balance=balance)
        return io.NodeOutput(audio, pack_pictures(draw_pieces(analyse(audio))), ui=pack_messages(notes))
