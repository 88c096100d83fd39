"""Whole routes from an artwork to its music. `load("pocket").compose([artwork])` is the Python API."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from .diffusion import ArtToMusic

__all__ = ["load"]


def load(name: str = "pocket", *, aligner: str = "model", dtype: torch.dtype | None = None) -> ArtToMusic:
    """Open a checkpoint as a pipeline.

    Args:
        name: `pocket`, which comes with the package, the path of a checkpoint folder, or a name below `ART2MUS_HOME`.
        aligner: a name in the checkpoint's `aligner` folder, or a safetensors file.
        dtype: precision of the denoiser and the language model, float32 unless told otherwise; all else is float32.

    Raises:
        SettingError: no such checkpoint or aligner.
        CheckpointError: something in it is missing, damaged or does not fit.
    """
    from .diffusion import ArtToMusic  # noqa: PLC0415 - seconds of imports

    return ArtToMusic.load(name, aligner=aligner, dtype=dtype)
