"""What embedders said of files, kept: a sound is heard once by each, whatever it is called and wherever it lies.

    FOLDER/SPACE/sound-SHA256.npy      by the file's bytes
    FOLDER/SPACE/artwork-SHA256.npy    by the artwork's pixels
    FOLDER/SPACE/text-SHA256.npy       by the words

An interrupted run goes on where it was. A file that cannot be read is computed again.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from tokenize import TokenError
from typing import TypeVar

import numpy as np
from jaxtyping import Float64

from ...audio.reading import read_audio
from ...errors import Art2MusError, EvaluationError, OutputError
from ...images.reading import read_artwork
from ...placing import make_folder, place
from ...types import OnStep, Step
from .roles import ArtworkEmbedder, Classifier, Embedder, TextEmbedder

__all__ = ["FeatureCache"]

Given = TypeVar("Given", Path, str)


class FeatureCache:
    """Rows by space and content.

    Args:
        folder: where they are kept; made when the first is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sounds(
        self, embedder: Embedder, paths: Sequence[Path], on_step: OnStep | None = None
    ) -> list[Float64[np.ndarray, "_ dim"]]:
        """The rows of every sound, in order.

        Args:
            embedder: hears what is not kept yet.
            paths: sound files.
            on_step: told after each; the stage is `hear` and the embedder's name.

        Raises:
            EvaluationError: no files, or one that cannot be read or heard, by name.
            OutputError: the folder cannot be written to.
        """

        def hear(path: Path) -> np.ndarray:
            place_ = self._place_of_sound(embedder.space, path)
            return _kept(place_, 2, lambda: embedder.embed_sound(read_audio(path)))

        return _each(f"hear {embedder.name}", paths, hear, on_step)

    def probabilities(
        self, classifier: Classifier, paths: Sequence[Path], on_step: OnStep | None = None
    ) -> Float64[np.ndarray, "sounds classes"]:
        """What a classifier makes of every sound; arguments and errors as in :meth:`sounds`."""

        def hear(path: Path) -> np.ndarray:
            place_ = self._place_of_sound(classifier.space, path)
            return _kept(place_, 1, lambda: classifier.classify(read_audio(path)))

        return np.stack(_each(f"hear {classifier.name}", paths, hear, on_step))

    def artworks(
        self, embedder: Embedder, paths: Sequence[Path], on_step: OnStep | None = None
    ) -> Float64[np.ndarray, "artworks dim"]:
        """One row a picture file; arguments and errors as in :meth:`sounds`, the stage is `see` and the name."""
        if not isinstance(embedder, ArtworkEmbedder):
            raise EvaluationError(
                f"{embedder.name} sees no artworks", "an embedder that does", "Use pocket or imagebind."
            )

        def see(path: Path) -> np.ndarray:
            artwork = read_artwork(path)
            place_ = self.folder / embedder.space / f"artwork-{artwork.sha256}.npy"
            return _kept(place_, 1, lambda: embedder.embed_artworks([artwork])[0])

        return np.stack(_each(f"see {embedder.name}", paths, see, on_step))

    def texts(
        self, embedder: Embedder, texts: Sequence[str], on_step: OnStep | None = None
    ) -> Float64[np.ndarray, "texts dim"]:
        """One row a text; errors as in :meth:`sounds`, the stage is `read` and the name."""
        if not isinstance(embedder, TextEmbedder):
            raise EvaluationError(f"{embedder.name} reads no texts", "an embedder that does", "Use clap-general.")

        def read(text: str) -> np.ndarray:
            content = hashlib.sha256(text.encode()).hexdigest()
            place_ = self.folder / embedder.space / f"text-{content}.npy"
            return _kept(place_, 1, lambda: embedder.embed_texts([text])[0])

        return np.stack(_each(f"read {embedder.name}", texts, read, on_step))

    def _place_of_sound(self, space: str, path: Path) -> Path:
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        return self.folder / space / f"sound-{content}.npy"


def _each(
    stage: str, given: Sequence[Given], work: Callable[[Given], np.ndarray], on_step: OnStep | None
) -> list[np.ndarray]:
    """What `work` makes of every file or text; its errors name which."""
    if not given:
        raise EvaluationError(f"nothing to {stage}", "at least one file or text", "Check the folder.")
    made = []
    for done, each in enumerate(given, 1):
        try:
            made.append(work(each))
        except OutputError:
            raise
        except Art2MusError as error:
            came = error.came if str(each) in error.came else f"{each}: {error.came}"
            raise EvaluationError(came, error.expected, error.remedy) from error
        except OSError as error:
            raise EvaluationError(
                f"{each} cannot be read ({error.strerror or error})", "a file that can", "Check the path."
            ) from error
        if on_step:
            on_step(Step(stage, done, len(given)))
    return made


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
