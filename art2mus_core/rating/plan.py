"""Which pairs of artwork and music are to be rated, in which order, and what that will take."""

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
from .evidence import Heard, Seen, hear, see
from .rubric import RUBRIC

__all__ = ["Pairing", "Plan", "likely_tokens", "make_plan", "pairings"]

LETTERS, PICTURE, SECOND, ANSWER = 4, 800, 32, 80
"""Letters a token, and tokens a picture, a second of sound and an answer: roughly, and rather too many than too few."""


@dataclass(frozen=True)
class Pairing:
    """A piece, and the artwork that it is rated with.

    Attributes:
        system: whose piece.
        piece: the piece.
        artwork: id of the artwork: the piece's own, or another one as a control.
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
    """What is to be asked.

    Attributes:
        pairings: in the order in which they are asked.
        described: whether the music is described instead of being sent.
        pending: how many of them no cache answers.
        tokens: about what those will take.
    """

    pairings: tuple[Pairing, ...]
    described: bool
    pending: int
    tokens: int

    def evidence(self, pairing: Pairing, collection: Collection) -> tuple[Seen, Heard]:
        """What is sent of a pairing."""
        sound = read_audio(pairing.piece.path, mono=False)
        return see(read_artwork(collection.artworks[pairing.artwork])), hear(sound, described=self.described)


def pairings(collection: Collection, *, control: bool, seed: int) -> tuple[Pairing, ...]:
    """Artworks in a random order, and of each all systems' pieces, so that a run that is stopped is fair to all systems.

    Args:
        collection: the pieces and their artworks.
        control: also put each piece to another artwork of its group, the same for all systems.
        seed: of the order.

    Raises:
        EvaluationError: there are no artworks, or too few for a control.
    """
    if not collection.artworks:
        raise EvaluationError(
            f"no artworks in {collection.folder}", "a folder of artworks beside the music", "Give one: --artworks."
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
    """The next artwork of the same group, around a circle; an artwork that is alone has none."""
    others: dict[str, str] = {}
    for group in collection.groups:
        circle = [key for key in order if collection.subjects[key].group == group]
        if len(circle) > 1:
            others |= dict(zip(circle, [*circle[1:], circle[0]], strict=True))
    return others


def make_plan(
    collection: Collection,
    evidence: Mapping[Path, Seen | Heard],
    cache: AnswerCache,
    *,
    described: bool = False,
    control: bool = False,
    seed: int = 0,
) -> Plan:
    """Pairings, and how many of them the cache does not answer.

    Args:
        collection: the pieces and their artworks.
        evidence: what would be sent of each file, from :func:`.evidence.read_evidence`.
        cache: earlier answers.
        described: send measured features instead of the music, as the evidence has it.
        control: see :func:`pairings`.
        seed: of the order.

    Raises:
        EvaluationError: see :func:`pairings`.
    """
    chosen = pairings(collection, control=control, seed=seed)
    pending = []
    for each in chosen:
        seen, heard = evidence[collection.artworks[each.artwork]], evidence[each.piece.path]
        if isinstance(seen, Seen) and isinstance(heard, Heard) and cache.find(seen, heard) is None:
            pending.append(heard)
    return Plan(chosen, described, len(pending), sum(map(likely_tokens, pending)))


def likely_tokens(heard: Heard) -> int:
    """About what a request takes; endpoints count differently."""
    sound = len(heard.words) / LETTERS if heard.words else SECOND * heard.seconds
    return math.ceil(len(RUBRIC) / LETTERS + PICTURE + sound + ANSWER)
