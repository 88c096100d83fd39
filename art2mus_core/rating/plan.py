"""The pairs of artwork and music to be rated, their order, and the expected cost."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..audio.reading import read_audio
from ..errors import EvaluationError
from ..evaluation.records import Collection, Piece
from ..images.reading import read_artwork
from .cache import AnswerCache
from .evidence import ArtworkEvidence, MusicEvidence, artwork_evidence, music_evidence
from .rubric import RUBRIC

__all__ = ["Pairing", "Plan", "likely_tokens", "make_plan", "pairings"]

LETTERS, PICTURE, SECOND, ANSWER = 4, 800, 32, 80
"""Estimates, rather high: letters per token, and tokens per picture, per second of sound and per answer."""


@dataclass(frozen=True)
class Pairing:
    """A piece and the artwork that it is rated with.

    Attributes:
        system: system of the piece.
        piece: the piece.
        artwork: id of the piece's own artwork, or of another one as a control.
    """

    system: str
    piece: Piece
    artwork: str

    @property
    def is_control(self) -> bool:
        """Whether the artwork is not the piece's own."""
        return self.artwork != self.piece.id


@dataclass(frozen=True)
class Plan:
    """The pairs to be rated.

    Attributes:
        pairings: in the order of the requests.
        described: whether the music is described instead of being sent.
        pending: number of pairs without a cached answer.
        tokens: estimated tokens for these.
    """

    pairings: tuple[Pairing, ...]
    described: bool
    pending: int
    tokens: int

    def evidence(self, pairing: Pairing, collection: Collection) -> tuple[ArtworkEvidence, MusicEvidence]:
        """The data sent for a pair."""
        sound = read_audio(pairing.piece.path, mono=False)
        artwork = read_artwork(collection.artworks[pairing.artwork])
        return artwork_evidence(artwork), music_evidence(sound, described=self.described)


def pairings(collection: Collection, *, control: bool, seed: int) -> tuple[Pairing, ...]:
    """Artworks in random order, each with all systems' pieces, so that an interrupted run is fair to all systems.

    Args:
        collection: the pieces and their artworks.
        control: also pair each piece with another artwork of its group, the same for all systems.
        seed: seed of the order.

    Raises:
        EvaluationError: there are no artworks, or too few for a control.
    """
    if not collection.artworks:
        raise EvaluationError(
            f"no artworks in {collection.folder}",
            "a folder of artworks",
            "Choose one with --artworks.",
        )
    order = sorted(collection.artworks)
    random.Random(seed).shuffle(order)
    others = _others(collection, order) if control else {}
    if control and not others:
        raise EvaluationError("one artwork in each group", "two or more", "Rate without --control.")
    found = []
    for key in order:
        for system, pieces in collection.systems.items():
            for piece in (piece for piece in pieces if piece.id == key):
                found += [Pairing(system, piece, shown) for shown in (key, others.get(key)) if shown]
    return tuple(found)


def _others(collection: Collection, order: list[str]) -> dict[str, str]:
    """The next artwork of the same group, cyclically; none for a single artwork."""
    others: dict[str, str] = {}
    for group in collection.groups:
        circle = [key for key in order if collection.subjects[key].group == group]
        if len(circle) > 1:
            others |= dict(zip(circle, [*circle[1:], circle[0]], strict=True))
    return others


def make_plan(
    collection: Collection,
    evidence: Mapping[Path, ArtworkEvidence | MusicEvidence],
    cache: AnswerCache,
    *,
    described: bool = False,
    control: bool = False,
    seed: int = 0,
) -> Plan:
    """The pairs to be rated, with the number of those without a cached answer.

    Args:
        collection: the pieces and their artworks.
        evidence: evidence of each file, from :func:`.evidence.read_evidence`.
        cache: earlier answers.
        described: send measured features instead of the music; the same as for the evidence.
        control: see :func:`pairings`.
        seed: seed of the order.

    Raises:
        EvaluationError: see :func:`pairings`.
    """
    chosen = pairings(collection, control=control, seed=seed)
    pending = []
    for each in chosen:
        artwork, music = evidence[collection.artworks[each.artwork]], evidence[each.piece.path]
        assert isinstance(artwork, ArtworkEvidence) and isinstance(music, MusicEvidence)  # noqa: S101, PT018
        if cache.find(artwork, music) is None:
            pending.append(music)
    return Plan(chosen, described, len(pending), sum(map(likely_tokens, pending)))


def likely_tokens(music: MusicEvidence) -> int:
    """Estimated tokens of a request; endpoints count differently."""
    sound = len(music.text) / LETTERS if music.text else SECOND * music.seconds
    return math.ceil(len(RUBRIC) / LETTERS + PICTURE + sound + ANSWER)
