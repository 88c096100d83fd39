"""Save Audio: the music as a file that plays anywhere and remembers where it comes from."""

from __future__ import annotations

import torch
from comfy_api.latest import io

from ..art2mus_core.audio.files import write_audio
from ..art2mus_core.errors import OutputError
from ..art2mus_core.images.reading import thumbnail_jpeg
from .folders import check_name, output_file
from .packing import Audio, unpack_artworks, unpack_audio
from .provenance import graph_tags, piece_tags

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
            description="Writes the music into ComfyUI's output folder and shows a player. "
            "The file holds the settings and the whole workflow: dropped on the canvas it brings the graph back (not WAV).",
            search_aliases=["export music", "flac", "wav", "mp3", "opus"],
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo],
            inputs=[
                io.Audio.Input("audio", tooltip="The music. Every piece of a batch becomes a file of its own."),
                io.Image.Input(
                    "cover", optional=True, tooltip="The artwork, to be shown by music players as the cover."
                ),
                io.String.Input(
                    "name",
                    default="art2mus/music",
                    tooltip="File name inside the output folder, with subfolders if you like; a number is added to it.",
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
        pieces, known = unpack_audio(audio)
        covers = [thumbnail_jpeg(artwork) for artwork in unpack_artworks(cover)] if cover is not None else [None]
        graph = graph_tags(cls.hidden)
        saved: list[dict[str, str]] = []
        for index, piece in enumerate(pieces):
            file = output_file(name, SUFFIXES[format])
            write_audio(file.path, piece, tags=piece_tags(known, index) | graph, cover=covers[index % len(covers)])
            saved.append({"filename": file.path.name, "subfolder": file.subfolder, "type": "output"})
        return io.NodeOutput(ui={"audio": saved})
