"""Save Audio: the music as a file that plays anywhere and remembers where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..art2mus_core.errors import OutputError
from .folders import check_name, output_file
from .listening import hear, present
from .packing import Audio, pack_covers

if TYPE_CHECKING:
    import torch

__all__ = ["SaveAudio"]

SUFFIXES = {"FLAC": ".flac", "WAV": ".wav", "MP3": ".mp3", "Opus": ".opus"}


class SaveAudio(io.ComfyNode):
    """Files the core writes: tags and cover, which the host's own nodes leave out."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusSaveAudio",
            display_name="Save Audio (Art2Mus)",
            category="Art2Mus",
            essentials_category="Audio",
            description="Writes the music into ComfyUI's output folder and shows a player. "
            "The file holds the settings and the whole workflow: dropped on the canvas it brings the graph back (not WAV).",
            search_aliases=["export music", "flac", "wav", "mp3", "opus"],
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo, io.Hidden.unique_id],
            inputs=[
                io.Audio.Input("audio", tooltip="The music. Every piece of a batch becomes a file of its own."),
                io.Image.Input(
                    "cover", optional=True, tooltip="The artwork, to be shown by music players as the cover."
                ),
                io.String.Input(
                    "name",
                    default="art2mus/music",
                    tooltip="File name inside the output folder, with subfolders if you like, and with marks such as "
                    "%year% or %day%; a number is added to it.",
                ),
                io.Combo.Input(
                    "format",
                    options=list(SUFFIXES),
                    default="FLAC",
                    tooltip="FLAC is lossless and keeps everything. WAV is for other programs. MP3 and Opus are small.",
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, name: str | None) -> bool | str:
        try:
            check_name("linked" if name is None else name)
        except OutputError as error:
            return str(error)
        return True

    @classmethod
    def execute(
        cls,
        audio: Audio,
        name: str,
        format: str,  # noqa: A002  the socket's name
        cover: torch.Tensor | None = None,
    ) -> io.NodeOutput:
        heard, covers = hear(audio), pack_covers(cover)
        return io.NodeOutput(ui=present(heard, cls.hidden, lambda: output_file(name, SUFFIXES[format]), covers))
