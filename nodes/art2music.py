"""Art2Music Generator: from a picture and comments of viewers to audio in one node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..art2mus_core.checkpoints.names import is_commented
from . import inputs
from .folders import commented_names, model_folder
from .packing import pack_messages, pack_pictures, unpack_artworks

if TYPE_CHECKING:
    import torch

__all__ = ["Art2Music"]

LONGEST = 10.0
"""Most seconds of a piece: those of the pieces that Art2Music was trained on."""


class Art2Music(io.ComfyNode):
    """The whole route, because its parts have no counterparts among the host's types."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusArt2Music",
            display_name="Art2Music Generator",
            category="Art2Mus",
            description="Turns a picture and a comment on it into music. The comment says what a viewer sees or feels; it can "
            "be left empty.",
            search_aliases=["comment", "artwork and text to music", "image and text to audio", "generate music", "mel"],
            inputs=[
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
                io.Combo.Input(
                    "model",
                    options=commented_names(),
                    tooltip="'art2music' is included with the pack. Every other entry is a model folder of the class "
                    "Art2MusicPipeline in ComfyUI/models/art2mus.",
                ),
                inputs.seconds(max=LONGEST, tooltip="Length of the music in seconds, as far as the model reaches."),
                inputs.seed(),
            ],
            outputs=[io.Audio.Output(display_name="audio"), io.Image.Output(display_name="spectrogram")],
        )

    @classmethod
    def validate_inputs(cls, model: str | None) -> bool:
        return model is None or model_folder(model, is_commented).is_dir()

    @classmethod
    def execute(
        cls, *, image: torch.Tensor, comment: str, balance: float, model: str, seconds: float, seed: int
    ) -> io.NodeOutput:
        from .commented import compose_commented
        from .player import analyse, draw_pieces

        artworks, comments = unpack_artworks(image), comment.splitlines()
        audio, notes = compose_commented(artworks, comments, model, seconds=seconds, seed=seed, balance=balance)
        return io.NodeOutput(audio, pack_pictures(draw_pieces(analyse(audio))), ui=pack_messages(notes))
