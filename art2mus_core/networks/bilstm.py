"""The mel decoder of Art2Music (2025, arXiv 2512.00120): a bidirectional LSTM over learned positions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ..errors import SettingError
from .options import completed

__all__ = ["BiLstmDecoder"]

DEFAULTS: dict[str, Any] = {"fused_dim": 512, "dim": 512, "hidden_dim": 512, "layers": 4, "max_frames": 896}
"""The published sizes; `hidden_dim` is that of one direction."""


class BiLstmDecoder(nn.Module):
    """A fused embedding [B, fused_dim] to a normalised mel [B, T, bins], of at most `max_frames` frames.

    The embedding is the same at every frame; only the learned positions tell the frames apart.

    Args:
        config: the content of `mel_decoder/config.json`; the bins are those of its `mel`.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.config = completed(config, "BiLSTM mel decoder", defaults=DEFAULTS, fixed={"model_type": "bilstm"})
        fused, dim, hidden, layers, frames = (self.config[size] for size in DEFAULTS)
        self.feat_proj = nn.Linear(fused, dim)
        self.pos_emb = nn.Parameter(torch.zeros(1, frames, dim))
        self.lstm = nn.LSTM(dim, hidden, layers, batch_first=True, bidirectional=True)
        self.out_proj = nn.Linear(2 * hidden, self.config["mel"]["mel_bins"])

    def forward(self, fused: Float[Tensor, "batch fused_dim"], frames: int) -> Float[Tensor, "batch frames bins"]:
        """The mel.

        Raises:
            SettingError: more frames than there are positions.
        """
        if frames > self.config["max_frames"]:
            raise SettingError(
                f"a mel of {frames} frames",
                f"at most {self.config['max_frames']}, as many as this decoder has positions",
                "Ask for a shorter piece.",
            )
        positions = self.pos_emb[:, :frames]
        return self.out_proj(self.lstm(self.feat_proj(fused)[:, None] + positions)[0])
