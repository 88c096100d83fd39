"""Score Music: the match of music and artwork, and measurements of the music."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ..art2mus_core.checkpoints.names import is_encoder
from .folders import joint_encoder_names, model_folder
from .packing import Audio, pack_pictures, unpack_artworks, unpack_audio
from .stamps import joint_encoder_stamps

if TYPE_CHECKING:
    import torch

    from ..art2mus_core.evaluation.scorecard import Scorecard

__all__ = ["ScoreMusic"]


class ScoreMusic(io.ComfyNode):
    """Outputs lists with one entry for each piece."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusScoreMusic",
            display_name="Score Music",
            category="Art2Mus",
            description="Measures how well music matches its artwork, compared with chance, and properties of the music. "
            "Each output has one entry for each piece of a batch.",
            search_aliases=["evaluate", "rate", "compare image and audio", "loudness", "tempo", "similarity"],
            inputs=[
                io.Image.Input("image", tooltip="The artwork: one for all pieces of a batch, or one for each."),
                io.Audio.Input(
                    "audio", tooltip="The music, at least 1 second long; only the first 2 minutes are scored."
                ),
                io.Combo.Input(
                    "encoder",
                    options=joint_encoder_names(),
                    optional=True,
                    tooltip="The encoder of both picture and music: 'pocket', or 'imagebind' if it is installed with its "
                    "audio encoder.",
                ),
            ],
            outputs=[
                io.Float.Output(display_name="match", is_output_list=True),
                io.Float.Output(display_name="chance", is_output_list=True),
                io.Float.Output(display_name="onset_rate", is_output_list=True),
                io.Float.Output(display_name="loudness", is_output_list=True),
                io.Float.Output(display_name="brightness", is_output_list=True),
                io.Float.Output(display_name="mode", is_output_list=True),
                io.String.Output(display_name="report", is_output_list=True),
                io.Image.Output(display_name="picture", is_output_list=True),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, encoder: str | None = "pocket", **_: Any) -> list[str]:  # noqa: ANN401  the other sockets
        return joint_encoder_stamps(encoder)

    @classmethod
    def execute(cls, image: torch.Tensor | None, audio: Audio | None, encoder: str = "pocket") -> io.NodeOutput:
        from ..art2mus_core.evaluation.scorecard import describe, draw

        cards = _score(image, audio, encoder)
        values = zip(*(card.values for card in cards), strict=True)
        texts, pictures = [describe(card) for card in cards], [pack_pictures([draw(card)]) for card in cards]
        return io.NodeOutput(*map(list, values), texts, pictures)


def _score(image: torch.Tensor | None, audio: Audio | None, encoder: str) -> list[Scorecard]:
    """The core's scorecards, with networks under the host's memory management."""
    from ..art2mus_core.evaluation.scorecard import pair, score
    from .memory import host_memory

    pieces, provenance = unpack_audio(audio)
    pairs = pair([] if image is None else unpack_artworks(image), pieces)
    memory = host_memory()
    return score(
        pairs,
        model_folder(encoder, is_encoder),
        resident=lambda network: memory.resident(memory.manage({"network": network})),
        dtype=memory.dtype,
        maker=provenance.get("image_encoder"),
        on_step=memory.reporter(len(pairs)),
    )
