"""The head of a prior that maps embeddings of sounds to prompt tokens: its languages of audio are those to reach."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from ...aligners.head import ProjectionHead
from ...checkpoints.folder import load_component
from ...checkpoints.weighing import needed
from ...conditioning.constants import Constants
from ...conditioning.prompts import text_prompt
from ...errors import SettingError
from ...networks.projection import ProjectionModel
from ...types import Embedding, PromptTokens
from ..features.dataset import Dataset
from ..features.encoding import CLAP, hears_by_clap
from ..features.latents import Embeddings, embed_sounds, head_part

__all__ = ["PublishedHead", "check_head", "hear_for", "load_head"]


class PublishedHead(nn.Module):
    """The projection model of a published prior, for CLAP's embedding of a sound in place of a text's.

    T5's states are those of the support prompt, as a piece of music has no text.
    """

    text: Tensor
    mask: Tensor

    def __init__(self, projection: ProjectionModel, text: Tensor, mask: Tensor) -> None:
        super().__init__()
        self.projection = projection
        self.register_buffer("text", text)
        self.register_buffer("mask", mask)

    def align(self, sound: Embedding) -> PromptTokens:
        """[B, D] to [B, n, W]."""
        count = len(sound.values)
        return text_prompt(self.projection, sound.values, self.text.expand(count, -1, -1), self.mask.expand(count, -1))


def load_head(checkpoint: Path, constants: Constants) -> ProjectionHead | PublishedHead:
    """The head of a prior for embeddings of sounds, frozen.

    Raises:
        SettingError: the prior has none.
        CheckpointError: it is damaged.
    """
    check_head(checkpoint, constants)
    if not hears_by_clap(checkpoint):
        return load_component(checkpoint, "projection_model", ProjectionHead.from_config)
    projection = load_component(checkpoint, "projection_model", ProjectionModel)
    return PublishedHead(projection, cast("Tensor", constants.text), cast("Tensor", constants.text_mask))


def check_head(checkpoint: Path, constants: Constants) -> None:
    """Check that a prior has a head for embeddings of sounds; no network is opened.

    Raises:
        SettingError: it has none.
        CheckpointError: its configuration is damaged.
    """
    texts = (checkpoint / CLAP).is_dir() and constants.text is not None and constants.text_mask is not None
    has = (checkpoint / "projection_model" / "config.json").is_file()
    if not has or (hears_by_clap(checkpoint) and not texts):
        raise SettingError(
            f"an alignment term, and {checkpoint.name} has no head for sounds",
            "a prior with a projection_model, and if it is a published one, with its text_encoder (CLAP)",
            "Remove `alignment` from the options, or download the whole prior.",
        )


def hear_for(head: ProjectionHead | PublishedHead, data: Dataset, checkpoint: Path, device: torch.device) -> Embeddings:
    """The embeddings of the music of a dataset that a head maps."""
    if isinstance(head, ProjectionHead):
        return embed_sounds(data, checkpoint, device)
    found = data.heard(
        "clap",
        [head_part(data, checkpoint, device)],
        device=str(device),
        weights=needed(checkpoint, [CLAP], torch.float32),
    )
    return Embeddings("clap", found["clap"], np.arange(len(data.pairs)))
