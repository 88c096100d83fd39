"""Audio for the front end's player: a file to play, and its spectrogram under the playhead."""

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

__all__ = ["Pieces", "analyse", "draw_pieces", "write_pieces"]

SIZE = (1000, 256)
"""Width and height in pixels of the player's spectrogram; the front end stretches it."""

MOST_FRAMES = 4000
"""Most columns of a spectrogram; longer audio is analysed with a larger hop."""


class Pieces(NamedTuple):
    """The pieces of a batch of AUDIO.

    Attributes:
        waveforms: one [1, channels, N] for each piece.
        mels: mel spectrograms, [frames, rows] each.
        provenance: settings they were made with; empty for audio from other nodes.
    """

    waveforms: list[Waveform]
    mels: list[Tensor]
    provenance: dict[str, Any]


def analyse(audio: Audio | None) -> Pieces:
    """Split AUDIO into pieces and compute their mel spectrograms.

    Raises:
        AudioError: there is no audio, or it is empty.
    """
    waveforms, provenance = unpack_audio(audio)
    return Pieces(waveforms, [_mel(waveform) for waveform in waveforms], provenance)


def write_pieces(
    pieces: Pieces,
    graph: Graph | None,
    file: Callable[[int], OutputFile],
    covers: Sequence[bytes] = (),
    quality: str = "standard",
) -> dict[str, list[dict[str, Any]]]:
    """Write each piece to a file, and its spectrogram to the temp folder.

    Args:
        pieces: from :func:`analyse`.
        graph: the graph that made them, for the tags.
        file: returns the file for the index of a piece.
        covers: JPEGs; if there are fewer than pieces, they repeat.
        quality: see :func:`~..art2mus_core.audio.files.write_audio`.

    Returns:
        The host's `ui` dict: the files as `audio`; spectrograms, lengths and titles of artworks as `art2mus`. Both lists
        have one entry for each piece.

    Raises:
        AudioError: a piece cannot be encoded.
        OutputError: a file cannot be written.
    """
    from ..art2mus_core.audio.files import write_audio
    from ..art2mus_core.figures.paper import save_image
    from ..art2mus_core.figures.spectrogram import heat_map

    tags, files, extras = graph_tags(graph), [], []
    artwork = ", ".join(artworks_behind(graph))
    for index, (waveform, mel) in enumerate(zip(pieces.waveforms, pieces.mels, strict=True)):
        sound, picture = file(index), temp_file("spectrogram", ".png")
        cover = covers[index % len(covers)] if covers else None
        own_tags = {"title": sound.path.stem.strip("_"), **piece_tags(pieces.provenance, index), **tags}
        write_audio(sound.path, waveform, tags=own_tags, cover=cover, quality=quality)
        save_image(heat_map(mel, *SIZE), picture.path)
        files.append(sound.result)
        extras.append({"spectrogram": picture.result, "seconds": waveform.seconds, "artwork": artwork})
    return {"audio": files, "art2mus": extras}


def draw_pieces(pieces: Pieces) -> list[Image.Image]:
    """Spectrograms with axes, one for each piece."""
    from ..art2mus_core.figures.overview import SEMITONE_GRID
    from ..art2mus_core.figures.spectrogram import draw_spectrogram

    both = zip(pieces.waveforms, pieces.mels, strict=True)
    return [draw_spectrogram(mel, waveform.seconds, grid=SEMITONE_GRID) for waveform, mel in both]


def _mel(waveform: Waveform) -> Tensor:
    """Mel spectrogram [frames, rows] with one row for each semitone, of the mean of the channels scaled to a peak of 1.

    Level and panning therefore do not change the picture. Audio shorter than a window is padded with silence.
    """
    from torch.nn.functional import pad

    from ..art2mus_core.audio.mel import MelTransform
    from ..art2mus_core.audio.resample import resample
    from ..art2mus_core.figures.overview import SEMITONE_GRID

    sound = resample(waveform.samples.mean(1), waveform.sample_rate, SEMITONE_GRID.sample_rate)
    sound = sound / sound.abs().amax().clamp(min=1e-9)
    length = sound.shape[-1]
    grid = replace(SEMITONE_GRID, hop=max(SEMITONE_GRID.hop, ceil(length / MOST_FRAMES)))
    padded = pad(sound, (0, max(grid.windows) + grid.hop))
    return MelTransform(grid)(padded)[0, : max(1, length // grid.hop)]
