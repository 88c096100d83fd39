"""The choice of a checkpoint's parts, and how parts are kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

from ..checkpoints.lora import Lora
from ..types import Embedding
from .presets import BALANCED
from .settings import Settings

__all__ = ["Choice", "LazyParts"]


@dataclass(frozen=True)
class Choice:
    """The chosen parts, and how they compute.

    Attributes:
        checkpoint: the prior: `pocket`, the path of a folder, or a name in `ART2MUS_HOME`.
        aligner: a name in the checkpoint's `aligner` folder (`model` is its own), the name of a downloaded aligner, or a file.
        encoder: a checkpoint with an image encoder; by default the one of the aligner's space, the checkpoint's own if that is one.
        support: name of text constants in the checkpoint's `constants` folder.
        heads: `config` or `original`, see :func:`~art2mus_core.diffusion.denoiser.build_unet`.
        dtype: precision of the denoiser, the language model, published encoders and the VAE; but in place of float16, in which the
            VAE overflows, that has float32. The vocoder always has float32, which its transforms need.
        lora: a LoRA of the denoiser.
        preset: the preset that the first piece will have, if it is known; for `instant` the student is opened in place of the denoiser.
    """

    checkpoint: str = "pocket"
    aligner: str = "model"
    encoder: str | None = None
    support: str = "model"
    heads: str = "config"
    dtype: torch.dtype = torch.float32
    lora: Lora | None = None
    preset: str | None = None


class LazyParts:
    """Parts that are cached properties: each is loaded on first use, and kept until it is released."""

    presets: dict[str, Settings]

    @cached_property
    def embeddings(self) -> dict[tuple[str, ...], Embedding]:
        """Embeddings of the latest artworks, by the digests of a batch; the encoder of opened parts does not change."""
        return {}

    @property
    def defaults(self) -> Settings:
        """The settings of the preset `balanced`."""
        return self.presets[BALANCED]

    def is_open(self, name: str) -> bool:
        """Whether a part is in memory."""
        return name in self.__dict__

    def release(self, name: str) -> None:
        """Free a part; it is loaded again on the next use."""
        self.__dict__.pop(name, None)
