"""Preview Music: a player and a spectrogram."""

from __future__ import annotations

from comfy_api.latest import io

from .folders import temp_file
from .packing import Audio, pack_pictures
from .player import analyse, draw_pieces, write_pieces

__all__ = ["PreviewMusic"]


class PreviewMusic(io.ComfyNode):
    """The player of Save Audio, with files in the host's temp folder."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusPreviewMusic",
            display_name="Preview Music",
            category="Art2Mus",
            essentials_category="Audio",
            description="Plays music and shows its spectrogram: time runs to the right, pitch upwards; brighter is louder. "
            "Nothing is saved: use Save Audio (Art2Mus) to write files.",
            search_aliases=["player", "listen", "play audio", "spectrogram", "preview audio"],
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo, io.Hidden.unique_id],
            inputs=[
                io.Audio.Input(
                    "audio", tooltip="Any audio. For a batch, the arrows below the player switch between pieces."
                ),
            ],
            outputs=[io.Image.Output(display_name="spectrogram")],
        )

    @classmethod
    def execute(cls, audio: Audio) -> io.NodeOutput:
        pieces = analyse(audio)
        results = write_pieces(pieces, cls.hidden, lambda _: temp_file("music", ".flac"))
        return io.NodeOutput(pack_pictures(draw_pieces(pieces)), ui=results)
