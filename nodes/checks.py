"""What is refused in words, because the networks would refuse it in numbers."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from ..art2mus_core.errors import SettingError
from ..art2mus_core.types import AudioGrid

__all__ = ["require_conditioning", "require_latent"]


def require_latent(latent: Tensor, grid: AudioGrid) -> None:
    """Refuse a latent that is another model's.

    Raises:
        SettingError: it is.
    """
    channels, rows = grid.latent_channels, grid.latent_rows
    if latent.ndim != 4 or latent.shape[1] != channels or latent.shape[3] != rows:
        raise SettingError(
            f"a latent of {list(latent.shape)}",
            f"[pieces, {channels}, frames, {rows}]",
            "Connect Empty Art2Mus Latent, or VAE Encode Audio with the VAE of the same model.",
        )


def require_conditioning(
    language: Tensor | None, known: dict[str, Any] | None, grid: AudioGrid, name: str = "a"
) -> None:
    """Refuse a conditioning that another model's aligner made, or none.

    Args:
        language: the conditioning's tensor.
        known: what the Image Aligner put beside it, which core nodes hand on.
        grid: the checkpoint's sizes.
        name: which conditioning it is, for the message.

    Raises:
        SettingError: it is one of those.
    """
    if known is None or language is None or language.ndim != 3 or language.shape[-1] != grid.language_width:
        shape = "no tensor" if language is None else str(list(language.shape))
        raise SettingError(
            f"{name} conditioning of {shape}{'' if known is not None else ' that no Image Aligner made'}",
            f"the Image Aligner's, [artworks, tokens, {grid.language_width}]",
            "Connect the Image Aligner of the same model.",
        )
