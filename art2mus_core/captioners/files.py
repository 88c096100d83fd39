"""The table of captioners, and how to open the one in a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from ..checkpoints.folder import read_config
from ..checkpoints.quiet import quietly
from ..errors import CheckpointError
from ..interfaces import Captioner
from .chat import ChatCaptioner
from .pictures import PictureCaptioner
from .speech import SoundCaptioner
from .weights import describes

__all__ = ["CAPTIONERS", "kinds_of", "open_captioner"]

OTHERS = "*"

CAPTIONERS: dict[str, dict[str, Callable[[Path, torch.dtype | None], Captioner]]] = {
    "artworks": {
        **dict.fromkeys(("blip", "git", "vision-encoder-decoder"), PictureCaptioner.load),
        OTHERS: ChatCaptioner.seeing,
    },
    "music": {
        "whisper": SoundCaptioner.load,
        "qwen2_audio": ChatCaptioner.hearing,
    },
}
"""Captioners by what they describe and by the `model_type` in their config.json; `*` stands for all that transformers knows otherwise."""


def open_captioner(folder: Path, kind: str, *, dtype: torch.dtype | None = None) -> Captioner:
    """The captioner in a folder in transformers' layout; nothing is ever downloaded.

    Args:
        folder: with config.json, weights, preprocessor and tokenizer.
        kind: `artworks` or `music`.
        dtype: precision; None keeps that of the file.

    Raises:
        CheckpointError: another model, one that describes other works, or incomplete files.
    """
    load = _loader(folder, kind)
    if load is None:
        raise CheckpointError(
            f"{folder} contains no captioner of {kind} (its config.json describes another model, {_type(folder)!r})",
            f"a model of type {', '.join(CAPTIONERS[kind]).replace(OTHERS, 'or another one that reads pictures and text')}",
            "Choose another folder, or provide captions in a file.",
        )
    with describes(folder), quietly():
        return load(folder, dtype)


def kinds_of(folder: Path) -> list[str]:
    """What the captioner in a folder describes, `artworks` or `music`; empty for another model.

    Raises:
        CheckpointError: no config.json, or a damaged one.
    """
    return [kind for kind in CAPTIONERS if _loader(folder, kind)]


def _loader(folder: Path, kind: str) -> Callable[[Path, torch.dtype | None], Captioner] | None:
    table, found = CAPTIONERS[kind], _type(folder)
    return table.get(found) or (table.get(OTHERS) if _sees(found) else None)


def _type(folder: Path) -> str:
    # without a configuration, transformers would build a network of its default size
    return str(read_config(folder, ".").get("model_type"))


def _sees(model_type: str) -> bool:
    """Whether transformers has an image-to-text network of this type."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES  # noqa: PLC0415

    return model_type in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES
