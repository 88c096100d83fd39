"""Music as the front end shows it: a file to play, and its spectrogram under the playhead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from .folders import OutputFile, temp_file
from .packing import Audio, unpack_audio
from .provenance import Graph, artworks_behind, graph_tags, piece_tags

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor

    from ..art2mus_core.types import Waveform

__all__ = ["Heard", "draw_pieces", "hear", "present"]

SIZE = (1000, 256)
"""Pixels of a spectrogram under the playhead; the front end stretches it."""

MOST_FRAMES = 4000
"""Columns worth computing: a longer sound is looked at in larger steps."""


class Heard(NamedTuple):
    """AUDIO, listened to once.

    Attributes:
        pieces: of its batch.
        mels: of each piece, [frames, rows].
        known: of where they come from.
    """

    pieces: list[Waveform]
    mels: list[Tensor]
    known: dict[str, Any]


def hear(audio: Audio | None) -> Heard:
    """Pieces of AUDIO and their mel spectrograms.

    Raises:
        AudioError: no sound.
    """
    pieces, known = unpack_audio(audio)
    return Heard(pieces, [_mel(piece) for piece in pieces], known)


def present(
    heard: Heard,
    graph: Graph | None,
    file: Callable[[int], OutputFile],
    covers: Sequence[bytes] = (),
    quality: str = "standard",
) -> dict[str, list[dict[str, Any]]]:
    """Write every piece as a file of its own, and its spectrogram into the temp folder.

    Args:
        heard: the pieces.
        graph: that made it, for the tags.
        file: names the file of a piece, by its number from 0 on.
        covers: JPEGs; pieces beyond the last begin with the first again.
        quality: of the files; see :func:`~..art2mus_core.audio.files.write_audio`.

    Returns:
        What the front end is told: the files as `audio`; spectrograms, lengths and titles of artworks as `art2mus`; an entry a
        piece in both.

    Raises:
        AudioError: a sound that cannot be written.
        OutputError: a place that cannot be written.
    """
    from ..art2mus_core.audio.files import write_audio
    from ..art2mus_core.figures.paper import save_image
    from ..art2mus_core.figures.spectrogram import heat_map

    tags, played, shown = graph_tags(graph), [], []
    artwork = ", ".join(artworks_behind(graph))
    for index, (piece, mel) in enumerate(zip(heard.pieces, heard.mels, strict=True)):
        sound, picture = file(index), temp_file("spectrogram", ".png")
        cover = covers[index % len(covers)] if covers else None
        told = {"title": sound.path.stem.strip("_"), **piece_tags(heard.known, index), **tags}
        write_audio(sound.path, piece, tags=told, cover=cover, quality=quality)
        save_image(heat_map(mel, *SIZE), picture.path)
        played.append(sound.shown)
        shown.append({"spectrogram": picture.shown, "seconds": piece.seconds, "artwork": artwork})
    return {"audio": played, "art2mus": shown}


def draw_pieces(heard: Heard) -> list[Image.Image]:
    """Every piece as a spectrogram with its axes."""
    from ..art2mus_core.figures.overview import SEMITONE_GRID
    from ..art2mus_core.figures.spectrogram import draw_spectrogram

    both = zip(heard.pieces, heard.mels, strict=True)
    return [draw_spectrogram(mel, piece.seconds, grid=SEMITONE_GRID) for piece, mel in both]


def _mel(piece: Waveform) -> Tensor:
    """One row a semitone, whatever made the sound, of its channels' mix at full scale.

    How loud a sound is, and how it lies on its channels, changes no picture. What is too short to be measured is followed by
    silence.
    """
    from torch.nn.functional import pad

    from ..art2mus_core.audio.mel import MelTransform
    from ..art2mus_core.audio.resample import resample
    from ..art2mus_core.figures.overview import SEMITONE_GRID

    sound = resample(piece.samples.mean(1), piece.sample_rate, SEMITONE_GRID.sample_rate)
    sound = sound / sound.abs().amax().clamp(min=1e-9)
    length = sound.shape[-1]
    grid = replace(SEMITONE_GRID, hop=max(SEMITONE_GRID.hop, ceil(length / MOST_FRAMES)))
    longer = pad(sound, (0, max(grid.windows) + grid.hop))
    return MelTransform(grid)(longer)[0, : max(1, length // grid.hop)]
