"""One piece of music beside its artwork: how well they match, what is measured in both, what is wrong with the sound."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from ..checkpoints.memory import allocating, check_memory
from ..encoders.files import image_bytes, load_audio_encoder, load_image_encoder
from ..errors import AudioError, EvaluationError
from ..figures.overview import Measured, describe_artwork, describe_music, draw_overview
from ..images.listing import samples
from ..images.reading import read_artwork
from ..measure.sound.faults import clipping, dc_offset
from ..measure.sound.loudness import SILENCE
from ..measure.sound.music import Music, measure
from ..types import Artwork, OnStep, Step, Waveform

__all__ = ["LONGEST", "SHORTEST", "Pair", "Scorecard", "describe", "draw", "pair", "score"]

SHORTEST, LONGEST = 1.0, 120.0
"""Seconds: less is too short for the encoders, and of more the beginning counts."""

CLIPPED, OFFSET = 1e-3, 0.01
"""Share of samples on flat tops, and mean of a channel, from which on they are called faults."""

Pair = tuple[Artwork, Waveform]


@dataclass(frozen=True)
class Scorecard:
    """What is found of one piece.

    Attributes:
        artwork: what it is scored with.
        piece: what counts of it, [1, channels, N].
        match: cosine of music and artwork in the encoder's space, -1 to 1.
        others: the same with each packaged sample artwork but this one: what chance gives.
        space: the encoder's.
        maker: the space that the music was made from, where that is known.
        heard: what is measured in the music.
        music: the same as shares and words.
        picture: what is measured in the artwork, as shares among painted pictures.
        faults: what is wrong with the sound, in words.
    """

    artwork: Artwork
    piece: Waveform
    match: float
    others: tuple[float, ...]
    space: str
    maker: str | None
    heard: Music
    music: Mapping[str, Measured]
    picture: Mapping[str, Measured]
    faults: tuple[str, ...]

    @property
    def chance(self) -> float:
        """Mean cosine of the music with the other artworks."""
        return sum(self.others) / len(self.others)

    @property
    def values(self) -> tuple[float, ...]:
        """Match, chance, onsets a second, LUFS, hertz of the spectral centroid, and mode, negative in minor; 0 for none."""
        heard = self.heard
        own = heard.onset_rate, heard.loudness, 2**heard.brightness, heard.mode
        return self.match, self.chance, *(0.0 if math.isnan(value) else value for value in own)


def pair(artworks: Sequence[Artwork], pieces: Sequence[Waveform]) -> list[Pair]:
    """Each piece with its artwork, cut to what is listened to.

    Args:
        artworks: as many as pieces, or one for all.
        pieces: [1, channels, N] each.

    Raises:
        EvaluationError: another number of artworks.
        AudioError: a piece of less than `SHORTEST` seconds, or with NaN or infinity in it.
    """
    if not artworks or len(artworks) not in {1, len(pieces)}:
        raise EvaluationError(
            f"{len(artworks)} artworks beside {len(pieces)} pieces of music",
            "one artwork for all pieces, or one for each",
            "Connect the artworks that the music was made from.",
        )
    for piece in pieces:
        if piece.seconds < SHORTEST:
            raise AudioError(f"a sound of {piece.seconds:.2f} s", f"at least {SHORTEST:g} s", "Use a longer sound.")
        if not torch.isfinite(piece.samples).all():
            raise AudioError("a sound that holds NaN or infinity", "finite samples", "Compose the music again.")
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
        encoder: folder of an encoder that sees and hears.
        resident: has a network loaded where it computes.
        dtype: precision of a published encoder.
        maker: space of the encoder that the music was made from, where that is known.
        on_step: told after each piece.

    Raises:
        CheckpointError: an encoder that cannot hear, or whose weights are missing or damaged.
        SettingError: too little memory.
    """
    known = [read_artwork(path) for path in samples().values()]
    cosines, space = _cosines([*(artwork for artwork, _ in pairs), *known], pairs, encoder, resident, dtype)
    cards = []
    for index, (artwork, piece) in enumerate(pairs):
        with_known = zip(cosines[len(pairs) :, index].tolist(), known, strict=True)
        heard = measure(piece)
        card = Scorecard(
            artwork=artwork,
            piece=piece,
            match=float(cosines[index, index]),
            others=tuple(cosine for cosine, other in with_known if other.sha256 != artwork.sha256),
            space=space,
            maker=maker,
            heard=heard,
            music=describe_music(heard),
            picture=describe_artwork(artwork),
            faults=tuple(_faults(piece, heard)),
        )
        cards.append(card)
        if on_step:
            on_step(Step("score", index + 1, len(pairs)))
    return cards


def _faults(piece: Waveform, heard: Music) -> Iterator[str]:
    channels = piece.samples[0].cpu().float().numpy()
    clipped, offset = clipping(channels), dc_offset(channels)
    if heard.loudness <= SILENCE:
        yield "silence"
    if clipped > CLIPPED:
        yield f"clipping in {clipped:.1%} of the samples"
    if offset > OFFSET:
        yield f"an offset of {offset:.2f}"


def _cosines(
    artworks: Sequence[Artwork],
    pairs: Sequence[Pair],
    encoder: Path,
    resident: Callable[[Any], AbstractContextManager[Any]],
    dtype: torch.dtype,
) -> tuple[Float[Tensor, "artworks pieces"], str]:
    """Cosine of every artwork with every piece, and the name of the space."""
    check_memory(image_bytes(encoder, dtype=dtype), f"the image encoder of {encoder.name}")
    with allocating(encoder.name):
        listener, viewer = load_audio_encoder(encoder, dtype=dtype), load_image_encoder(encoder, dtype=dtype)
        with resident(viewer):
            seen = viewer.encode(list(artworks)).values.float().cpu()
        with resident(listener):
            heard = torch.cat([listener.encode(piece).values.float().cpu() for _, piece in pairs])
    if listener.space != viewer.space:
        raise EvaluationError(
            f"an encoder that sees in {viewer.space} and hears in {listener.space}", "one space", "Install it again."
        )
    return (F.normalize(seen, dim=-1) @ F.normalize(heard, dim=-1).mT).detach(), viewer.space


def describe(card: Scorecard) -> str:
    """The scorecard in plain words, several lines."""
    low, high, count = min(card.others), max(card.others), len(card.others)
    above = sum(card.match > other for other in card.others)
    lines = [
        f"Match {card.match:.2f}, from -1 to 1, as the encoder {card.space} sees and hears.",
        f"By chance {card.chance:.2f}: with {count} other artworks the same music scores {low:.2f} to {high:.2f}.",
        f"The match lies above {above} of these {count}.",
    ]
    if card.maker == card.space:
        lines.append("The music was made from what this encoder saw, so the match is no independent proof.")
    lines += ["", f"Faults: {'; '.join(card.faults) or 'none found'}.", "", f"Music of {card.piece.seconds:.1f} s"]
    lines += [f"  {name}: {_said(value)}" for name, value in card.music.items()]
    lines += ["", "Artwork, ranked among painted pictures"]
    return "\n".join(lines + [f"  {name}: {_said(value)}" for name, value in card.picture.items()])


def _said(value: Measured) -> str:
    if isinstance(value, tuple):
        return value[1]
    return value if isinstance(value, str) else f"{value:.0%}"


def draw(card: Scorecard) -> Image.Image:
    """The artwork, the spectrogram, and what is measured in both as bars."""
    title = f"Match {card.match:.2f}, by chance {card.chance:.2f}"
    music = {**card.music, "faults": "; ".join(card.faults) or "none found"}
    return draw_overview(replace(card.artwork, name=title), card.piece, card.picture, music)
