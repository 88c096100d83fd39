"""The table of text encoders that embed comments, by the `model_type` of their configurations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from ..checkpoints.folder import read_config
from ..errors import CheckpointError
from ..interfaces import TextEncoder

__all__ = ["TEXT_ENCODERS", "load_text_encoder"]

PART = "text_encoder"


def _words(folder: Path, *, normalised: bool) -> TextEncoder:  # noqa: ARG001  they have one form
    from .words import load_word_encoder  # noqa: PLC0415 - one encoder at a time

    return load_word_encoder(folder)


def _clip(folder: Path, *, normalised: bool) -> TextEncoder:
    from .clip_text import load_clip_text  # noqa: PLC0415 - imports transformers

    return load_clip_text(folder, dtype=torch.float32, normalised=normalised)


TEXT_ENCODERS: dict[str, Callable[..., TextEncoder]] = {"word_vectors": _words, "clip": _clip}


def load_text_encoder(folder: Path, *, normalised: bool = False) -> TextEncoder:
    """Load the text encoder of a checkpoint, or the one whose configuration is in the folder itself.

    Args:
        folder: a checkpoint with a text encoder, a text encoder, or a CLIP.
        normalised: give a CLIP's embeddings unit norm.

    Raises:
        CheckpointError: there is none, or an unknown or damaged one.
    """
    place = folder / PART if (folder / PART).is_dir() else folder
    kind = read_config(place, ".").get("model_type")
    if not isinstance(kind, str) or kind not in TEXT_ENCODERS:
        raise CheckpointError(
            f"a text encoder {kind!r} in {place}", f"one of {', '.join(TEXT_ENCODERS)}", "Use another checkpoint."
        )
    return TEXT_ENCODERS[kind](place, normalised=normalised)
