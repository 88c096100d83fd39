"""A cache of embeddings: every model embeds a sound once, whatever its name and place.

    FOLDER/SPACE/sound-SHA256.npy      hash of the file's bytes
    FOLDER/SPACE/artwork-SHA256.npy    hash of the artwork's pixels
    FOLDER/SPACE/text-SHA256.npy       hash of the text

An interrupted run continues where it stopped. A damaged file is computed again.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from tokenize import TokenError

import numpy as np
from jaxtyping import Float64

from ...digests import file_digest
from ...errors import EvaluationError
from ...placing import make_folder, place
from ...types import Artwork, Waveform
from .roles import ArtworkEmbedder, Classifier, Embedder, TextEmbedder

__all__ = ["FeatureCache"]


class FeatureCache:
    """Embeddings by space and content.

    Args:
        folder: folder of the cache; created with the first file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sound(self, embedder: Embedder, path: Path, sound: Waveform) -> Float64[np.ndarray, "_ dim"]:
        """The embeddings of a sound's windows.

        Args:
            embedder: the embedder.
            path: the sound file.
            sound: its content.

        Raises:
            AudioError: the embedder cannot embed it.
            EvaluationError: an embedding that is not finite.
            OutputError: the folder cannot be written to.
        """
        return _cached(self._sound_file(embedder.space, path), 2, lambda: embedder.embed_sound(sound))

    def probability(self, classifier: Classifier, path: Path, sound: Waveform) -> Float64[np.ndarray, " classes"]:
        """The class probabilities of a sound; arguments and errors as in :meth:`sound`."""
        return _cached(self._sound_file(classifier.space, path), 1, lambda: classifier.classify(sound))

    def artwork(self, embedder: ArtworkEmbedder, artwork: Artwork) -> Float64[np.ndarray, " dim"]:
        """The embedding of an artwork; errors as in :meth:`sound`."""
        path = self.folder / embedder.space / f"artwork-{artwork.sha256}.npy"
        return _cached(path, 1, lambda: embedder.embed_artworks([artwork])[0])

    def text(self, embedder: TextEmbedder, text: str) -> Float64[np.ndarray, " dim"]:
        """The embedding of a text; errors as in :meth:`sound`."""
        content = hashlib.sha256(text.encode()).hexdigest()
        return _cached(self.folder / embedder.space / f"text-{content}.npy", 1, lambda: embedder.embed_texts([text])[0])

    def _sound_file(self, space: str, path: Path) -> Path:
        return self.folder / space / f"sound-{file_digest(path)}.npy"


def _cached(path: Path, dimensions: int, compute: Callable[[], np.ndarray]) -> np.ndarray:
    """The content of a file; computed and written if it is missing or damaged."""
    if (stored := _read(path, dimensions)) is not None:
        return stored
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
    """The content of a file; None if it is missing or damaged."""
    try:
        stored = np.lib.format.read_array(io.BytesIO(path.read_bytes()), allow_pickle=False)
    except (OSError, ValueError, EOFError, MemoryError, TokenError):  # a damaged header can raise any of these
        return None
    valid = stored.dtype == np.float64 and stored.ndim == dimensions and stored.size
    return stored if valid and np.isfinite(stored).all() else None
