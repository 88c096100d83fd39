"""What an aligner is trained on: embeddings of artworks, or of the music itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch
from torch.nn import functional as F

from ...checkpoints.names import is_encoder, locate
from ...encoders.files import has_audio_encoder
from ...errors import DatasetError, SettingError
from ...types import Embedding
from ..batches import Draw
from ..features.dataset import Dataset
from .gap import Gap

__all__ = ["Source", "blurred", "check_pairs", "check_source", "encoder_folder"]

Source = Literal["image", "audio"]


def encoder_folder(checkpoint: Path, chosen: str | None) -> Path:
    """The folder of the image encoder: the chosen one, or the checkpoint.

    Raises:
        SettingError: it is not there.
    """
    if chosen:
        return locate(chosen, is_encoder)
    if is_encoder(checkpoint):
        return checkpoint
    raise SettingError(
        f"no image encoder in {checkpoint}",
        "one of its own, or the name or folder of another",
        "Name one in the options, such as `encoder: imagebind`.",
    )


def check_source(source: Source, encoder: Path, *, patches: bool) -> None:
    """Check what the aligner is trained on.

    Raises:
        SettingError: sounds without an encoder for them, or for an aligner that uses patches.
    """
    if source == "audio" and not has_audio_encoder(encoder):
        raise SettingError(
            f"`source: audio`, and {encoder.name} has no audio encoder",
            "an encoder of pictures and sounds in one space",
            "Use the bundled model's encoder, or ImageBind converted with its audio encoder.",
        )
    if source == "audio" and patches:
        raise SettingError(
            "`source: audio` for an aligner that uses patches",
            "one that uses the embedding alone, because sounds have no patches",
            "Choose the kind visual or projection without patch_dim.",
        )


def check_pairs(data: Dataset, source: Source, gap: Gap) -> None:
    """Check that a dataset without pairs has what the aligner is trained on.

    Raises:
        DatasetError: it lacks pairs, or artworks.
    """
    if not data.unpaired or (source == "audio" and gap == "none"):
        return
    if source == "image" or gap == "calibrated":
        raise DatasetError(
            f"{data.folder} has no pairs",
            "pairs, unless with `source: audio` and `gap: shift` or `gap: none`",
            "Pair it with `art2mus dataset pair`, or train with the configuration aligner-no-pairs.",
        )
    if not data.artworks.files:
        raise DatasetError(
            f"no artworks in {data.folder}",
            "some, from which `gap: shift` knows where artworks lie in the joint space",
            "Scan artworks into it, which need not fit the music; or set `gap: none`.",
        )


def blurred(draw: Draw, embedding: Embedding, noise: float) -> Embedding:
    """Embeddings with noise of a length relative to theirs, and then as long as before; without noise nothing is drawn.

    An aligner of blurred sounds also understands what lies near them, such as pictures across the gap (Nukrai et al. 2022, "Text-Only
    Training for Image Captioning using Noise-Injected CLIP").
    """
    if not noise:
        return embedding
    values, dim = embedding.values, embedding.values.shape[-1]
    length = values.norm(dim=-1, keepdim=True)
    drawn = torch.from_numpy(draw.normal(dim)[draw.part]) * (noise / dim**0.5)
    return replace(embedding, values=F.normalize(values + length * drawn, dim=-1) * length)
