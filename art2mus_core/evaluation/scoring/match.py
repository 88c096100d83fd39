"""Does the music match the artwork in an embedder's space? ImageBindScore, CLAP score, and their controls."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64

from ...measure.sets.matching import agreement, forced_choice
from ..embedders import ArtworkEmbedder, TextEmbedder
from ..results import Figure, Measure
from ..study import Row, Study
from .found import Found, figure, in_errors, over

__all__ = ["match", "match_notes"]

NAMES = {"imagebind": "ImageBindScore"}
CONTROL = "The control is the mean over all other artworks of the group."


def match(study: Study, row: Row) -> Iterator[Found]:
    """Artwork and piece (AM), caption and piece (CLAP score), real music and piece (MM), by every embedder that can."""
    collection = study.collection
    for name, embedder in study.embedders.items():
        title = NAMES.get(name, f"Cosine, {name}")
        if isinstance(embedder, ArtworkEmbedder) and collection.artworks:
            measure = Measure(
                f"match:{name}",
                f"{title}, artwork and music",
                "match",
                "higher",
                f"Cosine of the artwork's and the piece's embedding by {name}. {CONTROL}",
            )
            yield from _pairs(study, row, name, study.seen(name, row), measure, choice=True)
        captions = [piece.subject.caption for piece in row.pieces]
        if isinstance(embedder, TextEmbedder) and all(captions):
            measure = Measure(
                f"caption:{name}",
                f"CLAP score, {name}",
                "match",
                "higher",
                f"Cosine of the artwork's caption and the piece by {name}. {CONTROL}",
            )
            yield from _pairs(study, row, name, study.read(name, [str(caption) for caption in captions]), measure)
        part = row.having(collection.reference)
        if part.pieces:
            measure = Measure(
                f"music:{name}",
                f"{title}, real music and music",
                "match",
                "higher",
                f"Cosine of the embeddings of the artwork's real music and of the piece by {name}. {CONTROL}",
            )
            real = study.vectors(name, [piece.subject.music for piece in part.pieces if piece.subject.music])
            yield from (over(row, part, found) for found in _pairs(study, part, name, real, measure))


MAKING = ("model", "weights", "aligner", "image_encoder", "steps", "guidance", "solver", "precision")
"""Tags that all pieces of one system share, if one system made them."""


def match_notes(study: Study) -> Iterator[str]:
    """Which figures judge a system by what made it, where there is no CLAP score, and which system is several."""
    for system, tags in study.origins.items():
        mixed = [name for name in MAKING if len({own.get(name) for own in tags}) > 1]
        if mixed:
            yield f"Pieces of {system} were made in different ways: {', '.join(mixed)} differ in their tags."
    items = study.collection.subjects.values()
    captioned = sum(bool(item.caption) for item in items)
    for name, embedder in study.embedders.items():
        kind = name.partition(":")[0]
        made = [
            system for system, tags in study.origins.items() if any(own.get("image_encoder") == kind for own in tags)
        ]
        if made:
            yield (
                f"{', '.join(made)}: composed from the embedding of {kind}, which also judges the music here. What {name} says "
                "of it is partly circular; read it beside what follows without any embedding."
            )
        chosen = [system for system in made if any("score" in own for own in study.origins[system])]
        if chosen:
            yield f"{', '.join(chosen)}: pieces were chosen among candidates by {kind}, and are judged by it here."
        if isinstance(embedder, TextEmbedder) and captioned < len(items):
            yield (
                f"{len(items) - captioned} of {len(items)} artworks have no caption: a group with any of them has no CLAP score by "
                f"{name}."
            )
        if kind.startswith("clap") and captioned and not isinstance(embedder, TextEmbedder):
            yield f"{name} cannot tell one text from another, so there is no CLAP score by it."


def _pairs(
    study: Study,
    row: Row,
    name: str,
    given: Float64[np.ndarray, "pieces dim"],
    measure: Measure,
    *,
    choice: bool = False,
) -> Iterator[Found]:
    """The mean cosine of pairs and, if asked for, how often the right one is told from a wrong one."""
    pieces, owners = study.vectors(name, row.paths), row.owners
    found = agreement(given, pieces, groups=owners, seed=study.seed, resamples=study.resamples)
    ends = (None if np.isnan(each) else float(each) for each in (found.low, found.high, found.control, found.gap))
    yield Found(measure, Figure(found.value, row.artworks, *ends), found.per_pair)
    if choice and row.artworks > 1:
        interval = forced_choice(given, pieces, groups=owners, seed=study.seed, resamples=study.resamples)
        yield Found(
            Measure(
                f"choice:{name}",
                f"2AFC, {name}",
                "match",
                "higher",
                f"Share of other artworks that are farther from the piece than its own, by {name}; .5 by chance.",
            ),
            figure(interval, row.artworks, 0.5, in_errors(interval.value, 0.5, interval.error)),
        )
