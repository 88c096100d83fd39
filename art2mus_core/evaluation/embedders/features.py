"""What embedders said of files, kept: a sound is heard once by each, whatever it is called and wherever it lies.

    FOLDER/SPACE/sound-SHA256.npy      by the file's bytes
    FOLDER/SPACE/artwork-SHA256.npy    by the artwork's pixels
    FOLDER/SPACE/text-SHA256.npy       by the words

An interrupted run goes on where it was. A file that cannot be read is computed again.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from tokenize import TokenError

import numpy as np
from jaxtyping import Float64

from ...errors import EvaluationError
from ...placing import make_folder, place
from ...types import Artwork, Waveform
from .roles import ArtworkEmbedder, Classifier, Embedder, TextEmbedder

__all__ = ["FeatureCache"]


class FeatureCache:
    """Rows by space and content.

    Args:
        folder: where they are kept; made when the first is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sound(self, embedder: Embedder, path: Path, sound: Waveform) -> Float64[np.ndarray, "_ dim"]:
        """The rows of a sound.

        Args:
            embedder: hears what is not kept yet.
            path: of its file.
            sound: what the file holds.

        Raises:
            AudioError: the embedder cannot hear it.
            EvaluationError: what it makes of it is not finite.
            OutputError: the folder cannot be written to.
        """
        return _kept(self._place_of_sound(embedder.space, path), 2, lambda: embedder.embed_sound(sound))

    def probability(self, classifier: Classifier, path: Path, sound: Waveform) -> Float64[np.ndarray, " classes"]:
        """What a classifier makes of a sound; arguments and errors as in :meth:`sound`."""
        return _kept(self._place_of_sound(classifier.space, path), 1, lambda: classifier.classify(sound))

    def artwork(self, embedder: ArtworkEmbedder, artwork: Artwork) -> Float64[np.ndarray, " dim"]:
        """The row of an artwork; errors as in :meth:`sound`."""
        place_ = self.folder / embedder.space / f"artwork-{artwork.sha256}.npy"
        return _kept(place_, 1, lambda: embedder.embed_artworks([artwork])[0])

    def text(self, embedder: TextEmbedder, text: str) -> Float64[np.ndarray, " dim"]:
        """The row of some words; errors as in :meth:`sound`."""
        content = hashlib.sha256(text.encode()).hexdigest()
        return _kept(self.folder / embedder.space / f"text-{content}.npy", 1, lambda: embedder.embed_texts([text])[0])

    def _place_of_sound(self, space: str, path: Path) -> Path:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        return self.folder / space / f"sound-{content}.npy"


def _kept(path: Path, dimensions: int, compute: Callable[[], np.ndarray]) -> np.ndarray:
    """What lies in a file, or else what is computed and put there."""
    kept = _read(path, dimensions)
    if kept is not None:
        return kept
    values = compute()
    if not np.isfinite(values).all():
        raise EvaluationError(
            "an embedding that is not finite", "finite numbers", "Use another embedder, or leave the file out."
        )
    sink = io.BytesIO()
    np.save(sink, values, allow_pickle=False)
    make_folder(path.parent)
    place(path, sink.getvalue())
    return values


def _read(path: Path, dimensions: int) -> np.ndarray | None:
    """What was kept, unless it is not there or damaged."""
    try:
        kept = np.lib.format.read_array(io.BytesIO(path.read_bytes()), allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError, TokenError):  # a damaged header leads to any of these
        return None
    whole = kept.dtype == np.float64 and kept.ndim == dimensions and kept.size
    return kept if whole and np.isfinite(kept).all() else None
