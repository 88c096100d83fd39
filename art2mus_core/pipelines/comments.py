"""Comments of viewers on artworks: tidied, embedded and pooled, and weighed against the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import SettingError
from ..interfaces import TextEncoder
from ..networks.fusion import GatedFusion
from ..types import Fused
from .settings import check_number

__all__ = [
    "AS_TRAINED",
    "NOTHING",
    "Comments",
    "CountingEncoder",
    "EnglishEncoder",
    "check_balance",
    "fuse",
    "pooled",
    "remarks",
    "tidied",
]

AS_TRAINED = 0.5
"""The balance at which picture and words count as in training."""

SHOWN = 40
"""Letters of a comment in a remark."""


@dataclass(frozen=True)
class Comments:
    """What is said of artworks, and the balance between picture (0) and words (1)."""

    texts: tuple[str, ...] = ()
    balance: float = AS_TRAINED


NOTHING = Comments()


@runtime_checkable
class CountingEncoder(TextEncoder, Protocol):
    """A text encoder that reads `longest` pieces of a text, and counts those that it knows."""

    longest: int

    def known(self, texts: Sequence[str]) -> list[int]: ...


@runtime_checkable
class EnglishEncoder(CountingEncoder, Protocol):
    """One that reads English alone, and tells the words that it does not know of a text that hardly is English."""

    def foreign(self, text: str) -> list[str]: ...


def tidied(comments: Sequence[str]) -> tuple[str, ...]:
    """The comments in one line each, without those that are blank; bytes that were no text (lone surrogates) become question marks.

    Raises:
        SettingError: one string in place of a list of them, which would be read letter by letter.
    """
    if isinstance(comments, str):
        raise SettingError(f"comments {comments!r:.40}", "a list of strings for each artwork", 'Write ["calm"].')
    lines = (" ".join(comment.encode("utf-8", "replace").decode().split()) for comment in comments)
    return tuple(line for line in lines if line)


def check_balance(balance: float, fusion: GatedFusion) -> None:
    """Check a balance between picture and words.

    Raises:
        SettingError: not 0 to 1, or above 0.5 if the fusion has learnt no neutral picture.
    """
    check_number("balance", balance, 0.0, 1.0)
    if balance > AS_TRAINED and fusion.neutral_image is None:
        raise SettingError(
            f"balance {balance:g} with a model that has learnt no neutral picture",
            f"0 to {AS_TRAINED:g}",
            "Choose a smaller balance, or another model.",
        )


def pooled(
    encoder: TextEncoder, comments: Sequence[Sequence[str]], neutral: Float[Tensor, " text_dim"] | None
) -> tuple[Float[Tensor, "batch text_dim"], Float[Tensor, " text_dim"]]:
    """The mean of the embeddings of each artwork's comments, and the neutral text.

    Args:
        encoder: embeds them, each different one once.
        comments: tidied comments on each artwork; one without any gets the neutral text.
        neutral: the neutral text that was learnt; by default it is the embedding of the empty text.
    """
    texts = list(dict.fromkeys(text for each in comments for text in each))
    wanted = [*texts, *([""] if neutral is None else [])]
    rows = encoder.encode(wanted).values.float() if wanted else torch.empty(0)
    calm = rows[-1] if neutral is None else neutral.to(rows)
    places = dict(zip(texts, rows, strict=False))
    means = [torch.stack([places[text] for text in each]).mean(0) if each else calm for each in comments]
    return torch.stack(means), calm


def fuse(
    fusion: GatedFusion,
    texts: Float[Tensor, "batch text_dim"],
    images: Float[Tensor, "batch image_dim"],
    *,
    calm: Float[Tensor, " text_dim"],
    balance: float = AS_TRAINED,
) -> Fused:
    """Fuse embeddings. From a balance of 0.5 towards 0 the text moves linearly to the neutral one, towards 1 the picture does.

    Args:
        fusion: the fusion, in the device and precision of its weights.
        texts: of the comments on each artwork.
        images: of the artworks.
        calm: the neutral text.
        balance: as :func:`check_balance` accepts it.
    """
    weight = fusion.residual.weight
    texts, images, calm = (part.to(weight) for part in (texts, images, calm))
    away = 2 * balance - 1
    if away < 0:
        texts = torch.lerp(texts, calm.expand_as(texts), -away)
    if away > 0 and fusion.neutral_image is not None:
        images = torch.lerp(images, fusion.neutral_image.expand_as(images), away)
    text, image = fusion.neutral_text, fusion.neutral_image
    neutral = None if text is None or image is None else fusion(text[None], image[None])
    return Fused(fusion(texts, images), neutral)


def remarks(encoder: TextEncoder, comments: Sequence[str]) -> list[str]:
    """Sentences on comments of which not every word counts."""
    kept = tidied(comments)
    blank = len(comments) - len(kept)
    found = [f"{blank} of {len(comments)} comments {'is' if blank == 1 else 'are'} blank and not read"] if blank else []
    if isinstance(encoder, CountingEncoder) and kept:
        for comment, count in zip(kept, encoder.known(kept), strict=True):
            shown = comment if len(comment) <= SHOWN else f"{comment[:SHOWN]}..."
            if not count:
                found.append(f"none of the comment's words is known to the text encoder: {shown}")
            elif words := ", ".join(encoder.foreign(comment) if isinstance(encoder, EnglishEncoder) else ()):
                told = words if len(words) <= SHOWN else f"{words[:SHOWN]}..."
                found.append(f"words that the text encoder does not know, which reads English: {told}")
            if count > encoder.longest:
                found.append(f"only the first {encoder.longest} words or parts of words of a comment are read: {shown}")
    return list(dict.fromkeys(found))
