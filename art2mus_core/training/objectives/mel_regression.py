"""The loss of Art2Music's regression (2025, arXiv 2512.00120): the absolute error of a mel, with more weight on high bands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from ...audio.normalisation import read_normalisation
from ...checkpoints.folder import save_component
from ...networks.bilstm import BiLstmDecoder
from ...pipelines.mel_decoders import BiLstmMelDecoder
from ...types import Fused
from ..batches import Draw, MelTarget
from ..features.dataset import Dataset
from ..grids import mel_of
from .mel_loss import MelLoss, MelOptions

__all__ = ["Regression", "weighted_error"]


def weighted_error(
    made: Float[Tensor, "batch frames bins"], wanted: Float[Tensor, "batch frames bins"], weights: tuple[float, float]
) -> Float[Tensor, " batch"]:
    """Mean absolute error of each mel; weights rise linearly from the lowest band to the highest."""
    weight = torch.linspace(*weights, made.shape[-1], device=made.device)
    return (weight * (made - wanted).abs()).mean((1, 2))


class Regression(MelLoss):
    """Learns the beginnings of pieces as long as the decoder can make them, because its positions are absolute."""

    def __init__(
        self,
        data: Dataset,
        sizes: dict[str, Any],
        options: MelOptions,
        checkpoint: Path,  # noqa: ARG002
    ) -> None:
        super().__init__()
        self.normalisation, self.weights = (
            read_normalisation(options.normalisation, data.grid.mel_bins),
            options.weights,
        )
        shared = {"mel": mel_of(data.grid), "normalisation": options.normalisation}
        self.network = BiLstmDecoder({**sizes, **shared})
        self.networks = nn.ModuleDict({"mel_decoder": self.network})
        self.grid = data.grid

    def prepare(self, data: Dataset, checkpoint: Path, device: torch.device) -> None:  # noqa: ARG002
        self.mels = data.mels()

    def target(self, draw: Draw, rows: Int[np.ndarray, " size"], dropped: Float[np.ndarray, " size"]) -> MelTarget:  # noqa: ARG002
        frames = min(self.network.config["max_frames"], self.mels.shortest(rows))
        mels = torch.from_numpy(self.mels.crops(rows[draw.part], frames)[:, :, 0])
        return MelTarget(self.normalisation.apply(mels))

    def losses(
        self,
        fused: Fused,
        target: MelTarget,
        kept: Bool[Tensor, " batch"],  # noqa: ARG002
    ) -> tuple[Float[Tensor, " batch"], dict[str, Tensor]]:
        made = self.network(fused.values, target.mel.shape[1]).float()
        return weighted_error(made, target.mel, self.weights), {}

    def decoder(self) -> BiLstmMelDecoder:
        return BiLstmMelDecoder(self.network, self.normalisation, self.grid)

    def export(self, folder: Path) -> None:
        save_component(folder, "mel_decoder", self.network, self.network.config, half=True)
