"""Preview Music: a player and a spectrogram, without a file to keep."""

from __future__ import annotations

from comfy_api.latest import io

from .folders import temp_file
from .listening import draw_pieces, hear, present
from .packing import Audio, pack_pictures

__all__ = ["PreviewMusic"]


class PreviewMusic(io.ComfyNode):
    """What Save Audio shows, in the host's temp folder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusPreviewMusic",
            display_name="Preview Music",
            category="Art2Mus",
            essentials_category="Audio",
            description="Plays music and shows it as a picture: time to the right, pitch upwards, loudness as light. "
            "Nothing is kept; Save Audio (Art2Mus) writes files.",
            search_aliases=["player", "listen", "play audio", "spectrogram", "preview audio"],
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo, io.Hidden.unique_id],
            inputs=[
                io.Audio.Input(
                    "audio", tooltip="Any sound. In a batch, the arrows below the player lead from piece to piece."
                ),
            ],
            outputs=[io.Image.Output(display_name="spectrogram")],
        )

    @classmethod
    def execute(cls, audio: Audio) -> io.NodeOutput:
        heard = hear(audio)
        shown = present(heard, cls.hidden, lambda _: temp_file("music", ".flac"))
        return io.NodeOutput(pack_pictures(draw_pieces(heard)), ui=shown)
