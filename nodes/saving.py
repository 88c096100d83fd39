"""Save Audio: the music as a file that plays anywhere and remembers where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ..art2mus_core.errors import OutputError
from .folders import OutputFile, check_name, output_file
from .listening import hear, present
from .marks import fill, fill_times
from .packing import Audio, pack_covers

if TYPE_CHECKING:
    import torch

__all__ = ["SaveAudio"]

SUFFIXES = {"FLAC": ".flac", "WAV": ".wav", "MP3": ".mp3", "Opus": ".opus"}
QUALITIES = ["standard", "16 bit", "24 bit", "64k", "96k", "128k", "192k", "320k", "V0"]


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
                io.Audio.Input(
                    "audio", lazy=True, tooltip="The music. Every piece of a batch becomes a file of its own."
                ),
                io.Image.Input(
                    "cover", optional=True, lazy=True, tooltip="The artwork, to be shown by music players as the cover."
                ),
                io.String.Input(
                    "name",
                    default="art2mus/music",
                    tooltip="File name inside the output folder, with subfolders if you like; a number is added to it. It "
                    "may hold marks: the moment (%year%, %date:yyyy-MM-dd%), any node's widget (%Art2MusSampler.seed%), "
                    "the number in the batch (%batch_num%).",
                ),
                io.Combo.Input(
                    "format",
                    options=list(SUFFIXES),
                    default="FLAC",
                    tooltip="FLAC is lossless and keeps everything. WAV is for other programs. MP3 and Opus are small.",
                ),
                io.Combo.Input(
                    "quality",
                    options=QUALITIES,
                    default=QUALITIES[0],
                    optional=True,
                    tooltip="FLAC and WAV: 16 bit (standard) or 24 bit. MP3 and Opus: kilobits a second for all channels "
                    "(standard: 96 for each). V0: MP3 as good as it gets, with a variable rate.",
                ),
            ],
        )

    @classmethod
    def validate_inputs(cls, name: str | None, format: str | None = None, quality: str | None = None) -> bool:  # noqa: A002
        if name is not None:
            check_name(fill_times(name))
        if format and quality:
            _check_quality(format, quality)
        return True

    @classmethod
    def fingerprint_inputs(cls, name: str | None, **_: Any) -> str:  # noqa: ANN401  the other sockets
        """A name that holds the moment is another one at the next run."""
        return fill_times(name or "")

    @classmethod
    def check_lazy_status(cls, name: str, **others: Any) -> list[str]:  # noqa: ANN401  the other sockets
        """First what a linked name says, and only then the music: minutes of work end in no name that can't be written."""
        check_name(fill(name, cls.hidden))
        return [key for key, value in others.items() if value is None]

    @classmethod
    def execute(
        cls,
        audio: Audio,
        name: str,
        format: str,  # noqa: A002  the socket's name
        cover: torch.Tensor | None = None,
        quality: str = QUALITIES[0],
    ) -> io.NodeOutput:
        _check_quality(format, quality)
        graph, suffix = cls.hidden, SUFFIXES[format]
        height, width = (0, 0) if cover is None else cover.shape[1:3]

        def file(number: int) -> OutputFile:
            return output_file(fill(name, graph, number=number, size=(width, height)), suffix)

        return io.NodeOutput(ui=present(hear(audio), graph, file, pack_covers(cover), quality))


def _check_quality(chosen: str, quality: str) -> None:
    """Refuse a quality that the format does not have, at once.

    Raises:
        OutputError: it has not.
    """
    from ..art2mus_core.audio.coding import KINDS

    known = tuple(KINDS[SUFFIXES[chosen]].qualities) if chosen in SUFFIXES else QUALITIES
    if quality not in known:
        raise OutputError(f"{chosen} of the quality {quality!r}", f"one of {', '.join(known)}", "Choose one of these.")
