"""AudioLDM2's projection model: CLAP embeddings and T5 states of a text to the width of GPT-2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from .options import completed

__all__ = ["ProjectionModel"]


class ProjectionModel(nn.Module):
    """Two linear layers, and learnt start and end tokens for both kinds of input.

    Args:
        config: the content of a `config.json` of diffusers' `AudioLDM2ProjectionModel`; the misspelt key is the published one.

    Raises:
        CheckpointError: learnt positions, which only the checkpoints for speech use.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = completed(config, "projection model", defaults={}, fixed={"use_learned_position_embedding": None})
        clap, text, width = (
            self.config[key] for key in ("text_encoder_dim", "text_encoder_1_dim", "langauge_model_dim")
        )
        self.projection, self.projection_1 = nn.Linear(clap, width), nn.Linear(text, width)
        self.sos_embed, self.eos_embed, self.sos_embed_1, self.eos_embed_1 = (
            nn.Parameter(torch.ones(width)) for _ in range(4)
        )
