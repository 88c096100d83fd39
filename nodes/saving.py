"""Save Audio: audio files with the settings, the workflow and a cover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from comfy_api.latest import io

from ..art2mus_core.errors import OutputError
from .folders import OutputFile, check_name, output_file
from .packing import Audio, pack_covers
from .placeholders import fill, fill_times
from .player import analyse, write_pieces

if TYPE_CHECKING:
    import torch

__all__ = ["SaveAudio"]

SUFFIXES = {"FLAC": ".flac", "WAV": ".wav", "MP3": ".mp3", "Opus": ".opus"}
QUALITIES = ["standard", "16 bit", "24 bit", "64k", "96k", "128k", "192k", "320k", "V0"]


class SaveAudio(io.ComfyNode):
    """Writes files with the core, which adds tags and a cover; the host's nodes do not."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="Art2MusSaveAudio",
            display_name="Save Audio (Art2Mus)",
            category="Art2Mus",
            essentials_category="Audio",
            description="Saves the music in ComfyUI's output folder and shows a player. The file contains the settings and "
            "the whole workflow: drop it on the canvas to restore the graph (all formats except WAV).",
            search_aliases=["export music", "flac", "wav", "mp3", "opus"],
            is_output_node=True,
            hidden=[io.Hidden.prompt, io.Hidden.extra_pnginfo, io.Hidden.unique_id],
            inputs=[
                io.Audio.Input(
                    "audio", lazy=True, tooltip="The music. Each piece of a batch is saved as a separate file."
                ),
                io.Image.Input(
                    "cover", optional=True, lazy=True, tooltip="The artwork, which music players show as the cover."
                ),
                io.String.Input(
                    "name",
                    default="art2mus/music",
                    tooltip="File name inside the output folder, optionally with subfolders; a number is appended. "
                    "Placeholders: date and time (%year%, %date:yyyy-MM-dd%), the value of any node's widget "
                    "(%Art2MusSampler.seed%), the number in the batch (%batch_num%).",
                ),
                io.Combo.Input(
                    "format",
                    options=list(SUFFIXES),
                    default="FLAC",
                    tooltip="FLAC is lossless; MP3 and Opus are smaller. All three store the workflow and the cover; WAV does not.",
                ),
                io.Combo.Input(
                    "quality",
                    options=QUALITIES,
                    default=QUALITIES[0],
                    optional=True,
                    tooltip="FLAC and WAV: 16 bit (standard) or 24 bit. MP3 and Opus: total bit rate in kbit/s (standard: 96 "
                    "for each channel). V0: MP3 at the highest quality, with a variable bit rate.",
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
        """The name with its date placeholders filled, so that the node runs again when they change."""
        return fill_times(name or "")

    @classmethod
    def check_lazy_status(cls, name: str, **others: Any) -> list[str]:  # noqa: ANN401  the other sockets
        """Check a linked name before requesting the music, so that a bad name fails at once and not after minutes of work."""
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

        return io.NodeOutput(ui=write_pieces(analyse(audio), graph, file, pack_covers(cover), quality))


def _check_quality(chosen: str, quality: str) -> None:
    """Check that the format supports the quality.

    Raises:
        OutputError: it does not.
    """
    from ..art2mus_core.audio.coding import KINDS

    known = tuple(KINDS[SUFFIXES[chosen]].qualities) if chosen in SUFFIXES else QUALITIES
    if quality not in known:
        raise OutputError(f"{chosen} of the quality {quality!r}", f"one of {', '.join(known)}", "Choose one of these.")
