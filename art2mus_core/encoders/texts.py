"""The table of text encoders, by the `model_type` of their configurations."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..checkpoints.folder import read_config
from ..errors import CheckpointError
from ..interfaces import TextEncoder

__all__ = ["TEXT_ENCODERS", "load_text_encoder"]

TEXT_ENCODERS: dict[str, Callable[[Path], TextEncoder]] = {}


def load_text_encoder(folder: Path) -> TextEncoder:
    """Load the text encoder whose configuration is in a folder.

    Raises:
        CheckpointError: there is none, or an unknown or damaged one.
    """
    kind = read_config(folder, ".").get("model_type")
    if not isinstance(kind, str) or kind not in TEXT_ENCODERS:
        raise CheckpointError(
            f"a text encoder {kind!r} in {folder}", f"one of {', '.join(TEXT_ENCODERS)}", "Use another checkpoint."
        )
    return TEXT_ENCODERS[kind](folder)
