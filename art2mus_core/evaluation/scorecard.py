"""A scorecard for one piece: its match with the artwork, musical measurements, picture statistics, and audio faults."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float64
from PIL import Image

from ..checkpoints.memory import allocating, check_memory
from ..encoders.files import image_bytes, load_audio_encoder, load_image_encoder
from ..errors import AudioError, EvaluationError
from ..figures.overview import Measured, describe_artwork, describe_music, draw_overview
from ..images.listing import samples
from ..images.reading import read_artwork
from ..measure.sets.rows import cosines
from ..measure.sound.faults import clipping, dc_offset
from ..measure.sound.loudness import SILENCE
from ..measure.sound.music import Music, check_length, measure
from ..types import Artwork, OnStep, Step, Waveform

__all__ = ["LONGEST", "Pair", "Scorecard", "describe", "draw", "pair", "score"]

LONGEST = 120.0
"""Seconds; a longer piece is cut."""

CLIPPED, OFFSET = 1e-3, 0.01
"""Share of samples on flat tops, and mean of a channel, above which they are faults."""

Pair = tuple[Artwork, Waveform]


@dataclass(frozen=True)
class Scorecard:
    """The results for one piece.

    Attributes:
        artwork: the artwork.
        piece: the piece, [1, channels, N], cut to `LONGEST` seconds.
        match: cosine of the music's and the artwork's embedding, -1 to 1.
        others: its cosine with each packaged sample artwork other than this one.
        space: the encoder's space.
        maker: the space of the embedding that the music was composed from, if known.
        measured: musical measurements.
        music: the same as shares and text.
        picture: picture statistics, as percentiles among paintings.
        faults: audio faults as text.
    """

    artwork: Artwork
    piece: Waveform
    match: float
    others: tuple[float, ...]
    space: str
    maker: str | None
    measured: Music
    music: Mapping[str, Measured]
    picture: Mapping[str, Measured]
    faults: tuple[str, ...]

    @property
    def chance(self) -> float:
        """Mean cosine with the other artworks."""
        return sum(self.others) / len(self.others)

    @property
    def values(self) -> tuple[float, ...]:
        """Match, chance, onset rate (1/s), loudness (LUFS), brightness (Hz) and mode (negative in minor); 0 for a missing value."""
        music = self.measured
        own = music.onset_rate, music.loudness, 2**music.brightness, music.mode
        return self.match, self.chance, *(0.0 if math.isnan(value) else value for value in own)


def pair(artworks: Sequence[Artwork], pieces: Sequence[Waveform]) -> list[Pair]:
    """Pairs of artwork and piece, the piece cut to `LONGEST` seconds.

    Args:
        artworks: one for each piece, or one for all.
        pieces: [1, channels, N] each.

    Raises:
        EvaluationError: another number of artworks.
        AudioError: a piece shorter than a second, or with samples that are not finite.
    """
    if not artworks or len(artworks) not in {1, len(pieces)}:
        raise EvaluationError(
            f"{len(artworks)} artworks for {len(pieces)} pieces of music",
            "one artwork for all pieces, or one for each",
            "Connect the artworks that the music was made from.",
        )
    for piece in pieces:
        check_length(piece)
        if not torch.isfinite(piece.samples).all():
            raise AudioError("a sound with NaN or infinite samples", "finite samples", "Compose the music again.")
    all_artworks = artworks if len(artworks) == len(pieces) else [artworks[0]] * len(pieces)
    return [(artwork, piece.cut(LONGEST)) for artwork, piece in zip(all_artworks, pieces, strict=True)]


def score(
    pairs: Sequence[Pair],
    encoder: Path,
    *,
    resident: Callable[[Any], AbstractContextManager[Any]],
    dtype: torch.dtype,
    maker: str | None = None,
    on_step: OnStep | None = None,
) -> list[Scorecard]:
    """A scorecard for each pair.

    Args:
        pairs: from :func:`pair`.
        encoder: folder of a checkpoint with an image and an audio encoder.
        resident: keeps a network on its device while it computes.
        dtype: precision of a published encoder.
        maker: space of the embedding that the music was composed from, if known.
        on_step: called after each piece.

    Raises:
        CheckpointError: an encoder without audio encoder, or whose weights are missing or damaged.
        SettingError: too little memory.
    """
    known = [read_artwork(path) for path in samples().values()]
    matches, space = _matches([*(artwork for artwork, _ in pairs), *known], pairs, encoder, resident, dtype)
    cards = []
    for index, (artwork, piece) in enumerate(pairs):
        with_known = zip(matches[len(pairs) :, index].tolist(), known, strict=True)
        measured = measure(piece)
        card = Scorecard(
            artwork=artwork,
            piece=piece,
            match=float(matches[index, index]),
            others=tuple(match for match, other in with_known if other.sha256 != artwork.sha256),
            space=space,
            maker=maker,
            measured=measured,
            music=describe_music(measured),
            picture=describe_artwork(artwork),
            faults=tuple(_faults(piece, measured)),
        )
        cards.append(card)
        if on_step:
            on_step(Step("score", index + 1, len(pairs)))
    return cards


def _faults(piece: Waveform, measured: Music) -> Iterator[str]:
    channels = piece.samples[0].cpu().float().numpy()
    clipped, offset = clipping(channels), dc_offset(channels)
    if measured.loudness <= SILENCE:
        yield "silence"
    if clipped > CLIPPED:
        yield f"clipping in {clipped:.1%} of the samples"
    if offset > OFFSET:
        yield f"an offset of {offset:.2f}"


def _matches(
    artworks: Sequence[Artwork],
    pairs: Sequence[Pair],
    encoder: Path,
    resident: Callable[[Any], AbstractContextManager[Any]],
    dtype: torch.dtype,
) -> tuple[Float64[np.ndarray, "artworks pieces"], str]:
    """The cosine of every artwork with every piece, and the name of the space."""
    check_memory(image_bytes(encoder, dtype=dtype), f"the image encoder of {encoder.name}")
    with allocating(encoder.name):
        for_audio, for_images = load_audio_encoder(encoder, dtype=dtype), load_image_encoder(encoder, dtype=dtype)
        with resident(for_images):
            images = for_images.encode(list(artworks)).values
        with resident(for_audio):
            sounds = torch.cat([for_audio.encode(piece).values.cpu() for _, piece in pairs])
    if for_audio.space != for_images.space:
        raise EvaluationError(
            f"an image encoder for {for_images.space} and an audio encoder for {for_audio.space}",
            "one space",
            "Install the encoder again.",
        )
    return cosines(*(each.detach().cpu().double().numpy() for each in (images, sounds))), for_images.space


def describe(card: Scorecard) -> str:
    """The scorecard as text, in several lines."""
    low, high, count = min(card.others), max(card.others), len(card.others)
    above = sum(card.match > other for other in card.others)
    lines = [
        f"Match {card.match:.2f}, from -1 to 1, by the encoder {card.space}.",
        f"By chance {card.chance:.2f}: with {count} other artworks the same music scores {low:.2f} to {high:.2f}.",
        f"The match is higher than {above} of these {count}.",
    ]
    if card.maker == card.space:
        lines.append(
            "The music was composed from this encoder's image embedding, so the match is not independent evidence."
        )
    lines += ["", f"Faults: {'; '.join(card.faults) or 'none found'}.", "", f"Music of {card.piece.seconds:.1f} s"]
    lines += [f"  {name}: {_text(value)}" for name, value in card.music.items()]
    lines += ["", "Artwork, ranked among painted pictures"]
    return "\n".join(lines + [f"  {name}: {_text(value)}" for name, value in card.picture.items()])


def _text(value: Measured) -> str:
    if isinstance(value, tuple):
        return value[1]
    return value if isinstance(value, str) else f"{value:.0%}"


def draw(card: Scorecard) -> Image.Image:
    """A picture of the artwork, the spectrogram, and the measurements of both as bars."""
    title = f"Match {card.match:.2f}, by chance {card.chance:.2f}"
    music = {**card.music, "faults": "; ".join(card.faults) or "none found"}
    return draw_overview(replace(card.artwork, name=title), card.piece, card.picture, music)
