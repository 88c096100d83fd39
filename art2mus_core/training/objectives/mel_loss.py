"""What a mel decoder learns, for all kinds of mel decoders: the base of their losses, and the options of the stage `mel`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn

from ...configuration import Fields
from ...pipelines.mel_decoders import MelDecoder
from ...types import Fused
from ..batches import Batch, Draw
from ..features.dataset import Dataset
from .codec import RANGE

__all__ = ["MelLoss", "MelOptions"]


class MelOptions(Fields):
    """Options of the stage `mel`.

    Attributes:
        encoder: name or folder of the image encoder; none for the checkpoint's own.
        text_encoder: name or folder of the text encoder, or of a checkpoint that has one; by default the checkpoint's own, else that of
            the image encoder's checkpoint, which then is a CLIP.
        start: name or folder of a checkpoint whose fusion and mel decoder are trained on; by default they begin with random weights.
        drop: share of the examples with neither comments nor artwork, which learnt neutral ones replace.
        drop_text: share of those without comments alone.
        drop_image: share of those without the artwork alone.
        weights: of the lowest and of the highest band in the loss of a regression, and linearly between them.
        normalisation: of the mels of a regression, by name; diffusion has that of the codec.
        guided: how much of guidance a diffusion learns by itself, from 0 (none) to below 1; see
            :class:`~art2mus_core.training.objectives.mel_denoising.Denoising`.
        defaults: default steps, guidance and solver of the checkpoint, or its length in seconds.
    """

    encoder: str | None = None
    text_encoder: str | None = None
    start: str | None = None
    drop: float = Field(default=0.1, ge=0, lt=1)
    drop_text: float = Field(default=0.1, ge=0, lt=1)
    drop_image: float = Field(default=0.1, ge=0, lt=1)
    weights: tuple[float, float] = (1.0, 1.5)
    normalisation: dict[str, Any] = Field(default_factory=lambda: dict(RANGE))
    guided: float = Field(default=0.0, ge=0, lt=1)
    defaults: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _some_are_left(self) -> MelOptions:
        if self.drop + self.drop_text + self.drop_image >= 1:
            raise ValueError("drop, drop_text and drop_image are 1 or more together")
        return self


class MelLoss(nn.Module, ABC):
    """The loss of a kind of mel decoder; all of them are built with these arguments, and get features by :meth:`prepare`.

    Args:
        data: the dataset.
        sizes: the field `model.mel_decoder` of the configuration, with the width of the fusion.
        options: of the stage.
        checkpoint: the folder that gets the decoder.

    Attributes:
        networks: what is trained beside the fusion, by the name of its component.
        read: frozen components of the checkpoint on which the result depends.
    """

    networks: nn.ModuleDict
    read: tuple[str, ...] = ()

    @abstractmethod
    def prepare(self, data: Dataset, checkpoint: Path, device: torch.device) -> None:
        """Open what is learnt of a dataset; what is not stored is computed.

        Args:
            data: the dataset.
            checkpoint: the folder that gets the decoder.
            device: of frozen networks that compute it.

        Raises:
            CheckpointError: such a network is damaged.
            DatasetError: too many pieces cannot be read.
        """

    @abstractmethod
    def target(self, draw: Draw, rows: Int[np.ndarray, " size"], dropped: Float[np.ndarray, " size"]) -> Batch:
        """What is learnt of the beginnings of pieces, for this process.

        Args:
            draw: the draws.
            rows: the pairs of all processes.
            dropped: a number for each pair that is below the share of dropped examples for those without comments and artwork.
        """

    @abstractmethod
    def losses(
        self,
        fused: Fused,
        target: Any,  # noqa: ANN401 - what the same class returns as a target
        kept: Bool[Tensor, " batch"],
    ) -> tuple[Float[Tensor, " batch"], dict[str, Tensor]]:
        """The loss of each example, and its terms; `kept` are those with comments or an artwork."""

    @abstractmethod
    def decoder(self) -> MelDecoder:
        """What composes with the weights as they are, see :meth:`settle`."""

    @abstractmethod
    def export(self, folder: Path) -> None:
        """Write the components, see :meth:`settle`."""

    def settle(self, rows: Int[np.ndarray, " rows"], fused: Float[Tensor, "rows dim"]) -> None:
        """Compute what follows from the weights and fused training pairs, and is used in composing alone."""

    def beside(self, terms: dict[str, Tensor]) -> Tensor | float:  # noqa: ARG002
        """Terms of the loss that are means over the batch."""
        return 0.0
