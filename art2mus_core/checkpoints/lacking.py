"""What to do about a part that a checkpoint lacks: install it again, or train the part."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from .names import is_commented, quoted

__all__ = ["command_for", "remedy_for"]

MADE: Mapping[str, str] = MappingProxyType(
    {
        "audio_encoder": "train embedding",
        "vae": "train vae",
        "vocoder": "train vocoder",
        "projection_model": "train prior",
        "language_model": "train prior",
        "unet": "train prior",
        "codec_encoder": "train art2music-codec",
        "codec_decoder": "train art2music-codec",
        "fusion": "train art2music",
        "mel_decoder": "train art2music",
        "text_encoder": "fit-words SENTENCES",
    }
)
"""The commands that make parts, by component."""

COMMENTED: Mapping[str, str] = MappingProxyType(
    {**MADE, "vocoder": "train art2music-tonewheel", "plan_model": "train art2music"}
)
"""Those of checkpoints that read comments, which have one of the parts in `OWN`."""

OWN = ("codec_encoder", "codec_decoder", "fusion", "mel_decoder")

UNSHIPPED = ("codec_encoder",)
"""Parts that training alone needs, so that models to compose with come without them."""


def command_for(folder: Path, name: str) -> str | None:
    """The command that makes a component of a checkpoint, if there is one."""
    commented = is_commented(folder) or any((folder / part).is_dir() for part in OWN)
    made = (COMMENTED if commented else MADE).get(name)
    if made is None:
        return None
    data = f"--data DATA --out {quoted(folder)}" if made.startswith("train ") else quoted(folder)
    return f"`art2mus {made} {data}`"


def remedy_for(folder: Path, name: str) -> str:
    """What to do about a component that a checkpoint lacks."""
    command = command_for(folder, name)
    if name in UNSHIPPED:
        return f"Train it first: {command}. Models to compose with come without it."
    again = "Install or download the checkpoint again"
    return f"{again}; or if it is your own, make the part: {command}." if command else f"{again}."
