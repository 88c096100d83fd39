"""Whole routes from an artwork to its music. `load("pocket").compose([artwork])` is the Python API."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from .diffusion import ArtToMusic
    from .text_to_music import TextToMusic

__all__ = ["load", "load_text_to_music"]


def load(
    name: str = "pocket",
    *,
    aligner: str = "model",
    encoder: str | None = None,
    support: str = "model",
    heads: str = "config",
    dtype: torch.dtype | None = None,
    frugal: bool = False,
) -> ArtToMusic:
    """Open a checkpoint as a pipeline.

    Args:
        name: `pocket`, which comes with the package, the path of a checkpoint folder, or a name below `ART2MUS_HOME`.
        aligner: a name in the checkpoint's `aligner` folder, the name of a fetched aligner, or a file.
        encoder: a checkpoint with an image encoder; without one, the checkpoint's own, or the aligner's.
        support: text constants, a name in the checkpoint's `constants` folder.
        heads: `config`, or `original` for the heads of AudioLDM2's first code.
        dtype: precision of the denoiser, the language model and published encoders, float32 unless told otherwise.
        frugal: open each network only for its work and forget it afterwards, instead of all at once and for good;
            done anyway where the memory does not hold them all.

    Raises:
        SettingError: no such checkpoint, encoder, aligner or constants.
        CheckpointError: something in it is missing, damaged or does not fit.
    """
    import torch  # noqa: PLC0415 - seconds of imports

    from .assembly import Choice  # noqa: PLC0415
    from .diffusion import ArtToMusic  # noqa: PLC0415

    return ArtToMusic.load(name, Choice(aligner, encoder, support, heads, dtype or torch.float32), frugal=frugal)


def load_text_to_music(
    name: str, *, heads: str = "config", dtype: torch.dtype | None = None, frugal: bool = False
) -> TextToMusic:
    """Open a checkpoint that reads text as a pipeline without pictures: plain AudioLDM 2. It needs no text constants.

    Args:
        name: the path of a checkpoint folder with text encoders, or a name below `ART2MUS_HOME`.
        heads: `config`, or `original` for the heads of AudioLDM2's first code.
        dtype: precision of the denoiser, the language model and the text encoders, float32 unless told otherwise.
        frugal: as for :func:`load`; the text encoders are always opened for their work alone.

    Raises:
        SettingError: no such checkpoint.
        CheckpointError: something in it is missing, damaged or does not fit.
    """
    import torch  # noqa: PLC0415 - seconds of imports

    from .text_to_music import TextToMusic  # noqa: PLC0415

    return TextToMusic.load(name, heads=heads, dtype=dtype or torch.float32, frugal=frugal)
