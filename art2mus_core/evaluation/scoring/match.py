"""How well music matches its artwork in an embedder's space: ImageBindScore, CLAP score, and their controls."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float64

from ...measure.sets.intervals import Interval
from ...measure.sets.matching import agreement, forced_choice
from ..embedders import ArtworkEmbedder, TextEmbedder
from ..records import SystemGroup
from ..results import Measure
from ..study import Study
from .statistics import Score, in_errors, result_of, widened

__all__ = ["match", "match_notes"]

NAMES = {"imagebind": "ImageBindScore"}
CONTROL = "The control is the mean over all other artworks of the group."


def match(study: Study, group: SystemGroup) -> Iterator[Score]:
    """Cosines of artwork and piece, caption and piece (CLAP score), real music and piece, by every suitable embedder."""
    for name, embedder in study.embedders.items():
        title = NAMES.get(name, f"Cosine, {name}")
        if isinstance(embedder, ArtworkEmbedder) and study.collection.artworks:
            note = f"Cosine of the artwork's and the piece's embedding by {name}."
            measure = _measure(f"match:{name}", f"{title}, artwork and music", f"{note} {CONTROL}")
            artworks = study.image_embeddings(name, group)
            yield _cosine(study, group, name, artworks, measure)
            yield from _forced_choice(study, group, name, artworks)
        captions = [piece.subject.caption for piece in group.pieces]
        if isinstance(embedder, TextEmbedder) and all(captions):
            note = f"Cosine of the artwork's caption and the piece by {name}."
            measure = _measure(f"caption:{name}", f"CLAP score, {name}", f"{note} {CONTROL}")
            texts = study.text_embeddings(name, [str(caption) for caption in captions])
            yield _cosine(study, group, name, texts, measure)
        part = group.restricted(study.collection.reference)
        if part.pieces:
            note = f"Cosine of the embeddings of the artwork's real music and of the piece by {name}."
            measure = _measure(f"music:{name}", f"{title}, real music and music", f"{note} {CONTROL}")
            real = study.audio_embeddings(name, [piece.subject.music for piece in part.pieces if piece.subject.music])
            yield from widened(group, part, iter([_cosine(study, part, name, real, measure)]))


MAKING = ("model", "weights", "aligner", "image_encoder", "steps", "guidance", "guided_below", "solver", "precision")
"""Tags that are equal in all pieces made by one system."""

BEFORE = {"guided_below": "1.0"}
"""What pieces without a tag, from before there was one, were made with."""


def match_notes(study: Study) -> Iterator[str]:
    """Notes on systems scored by the encoder they composed with, on missing CLAP scores, and on mixed systems."""
    for system, tags in study.tags.items():
        mixed = [name for name in MAKING if len({own.get(name, BEFORE.get(name)) for own in tags}) > 1]
        if mixed:
            yield f"Pieces of {system} were made in different ways: {', '.join(mixed)} differ in their tags."
    items = study.collection.subjects.values()
    captioned = sum(bool(item.caption) for item in items)
    for name, embedder in study.embedders.items():
        kind = name.partition(":")[0]
        made = [system for system, tags in study.tags.items() if any(own.get("image_encoder") == kind for own in tags)]
        if made:
            yield (
                f"{', '.join(made)}: composed from the image embedding of {kind}, which also scores the music here. Results by "
                f"{name} are partly circular; compare them with the measures that need no embedding."
            )
        chosen = [system for system in made if any("score" in own for own in study.tags[system])]
        if chosen:
            yield f"{', '.join(chosen)}: pieces were chosen among candidates by {kind}, which also scores them here."
        if isinstance(embedder, TextEmbedder) and captioned < len(items):
            yield (
                f"{len(items) - captioned} of {len(items)} artworks have no caption: groups that contain any of them have no CLAP "
                f"score by {name}."
            )
        if kind.startswith("clap") and captioned and not isinstance(embedder, TextEmbedder):
            yield f"The text encoder of {name} does not distinguish texts, so there is no CLAP score by it."


def _measure(key: str, title: str, note: str) -> Measure:
    return Measure(key, title, "match", "higher", note)


def _cosine(
    study: Study, group: SystemGroup, name: str, given: Float64[np.ndarray, "pieces dim"], measure: Measure
) -> Score:
    """The mean cosine of pairs."""
    pieces = study.audio_embeddings(name, group.paths)
    found = agreement(given, pieces, groups=group.owners, seed=study.seed, resamples=study.resamples)
    interval = Interval(found.value, found.low, found.high)
    return Score(measure, result_of(interval, group.artworks, found.control, found.gap), found.per_pair)


def _forced_choice(
    study: Study, group: SystemGroup, name: str, artworks: Float64[np.ndarray, "pieces dim"]
) -> Iterator[Score]:
    """How often a piece is nearer to its own artwork than to another one."""
    if group.artworks > 1:
        pieces = study.audio_embeddings(name, group.paths)
        interval = forced_choice(artworks, pieces, groups=group.owners, seed=study.seed, resamples=study.resamples)
        note = f"Share of other artworks that are farther from the piece than its own, by {name}; 0.5 by chance."
        gap = in_errors(interval.value, 0.5, interval.error)
        yield Score(_measure(f"choice:{name}", f"2AFC, {name}", note), result_of(interval, group.artworks, 0.5, gap))
