"""Checks of inputs that would otherwise fail inside a network with a message about shapes."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..art2mus_core.errors import SettingError
from ..art2mus_core.types import AudioGrid

__all__ = ["require_conditioning", "require_latent"]


def require_latent(latent: Tensor, grid: AudioGrid) -> None:
    """Check that a latent has the model's channels and rows.

    Raises:
        SettingError: it was made for another model.
    """
    channels, rows = grid.latent_channels, grid.latent_rows
    if latent.ndim != 4 or latent.shape[1] != channels or latent.shape[3] != rows:
        raise SettingError(
            f"a latent of {list(latent.shape)}",
            f"[pieces, {channels}, frames, {rows}]",
            "Connect Empty Art2Mus Latent, or VAE Encode Audio with the VAE of the same model.",
        )


def require_conditioning(
    language: Tensor | None, provenance: dict[str, Any] | None, grid: AudioGrid, name: str = "a"
) -> None:
    """Check that an Image Aligner made a conditioning for this model.

    Args:
        language: the conditioning's tensor.
        provenance: the Image Aligner's `art2mus` entry, which core nodes pass on.
        grid: sizes of the checkpoint.
        name: start of the message, such as `a positive`.

    Raises:
        SettingError: another model's aligner made it, or something else.
    """
    if provenance is None or language is None or language.ndim != 3 or language.shape[-1] != grid.language_width:
        shape = "no tensor" if language is None else str(list(language.shape))
        raise SettingError(
            f"{name} conditioning of {shape}{'' if provenance is not None else ' that no Image Aligner made'}",
            f"the Image Aligner's, [artworks, tokens, {grid.language_width}]",
            "Connect the Image Aligner of the same model.",
        )
