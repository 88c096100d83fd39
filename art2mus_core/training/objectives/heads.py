"""The head of a prior that maps embeddings of sounds to prompt tokens: its languages of audio are those to reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ...aligners.head import ProjectionHead
from ...checkpoints.folder import load_component, needed, read_config
from ...checkpoints.identity import component_digest
from ...conditioning.constants import Constants
from ...conditioning.prompts import text_prompt
from ...errors import SettingError
from ...networks.projection import ProjectionModel
from ...types import Embedding, PromptTokens
from ..features.dataset import Dataset
from ..features.hearing import Heard
from ..features.latents import Embeddings, embed_sounds

__all__ = ["PublishedHead", "hear_for", "load_head"]

CLAP = "text_encoder"


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
    has = (checkpoint / "projection_model" / "config.json").is_file()
    if has and "tokens" in read_config(checkpoint, "projection_model"):
        return load_component(checkpoint, "projection_model", ProjectionHead.from_config)
    if not has or not (checkpoint / CLAP).is_dir() or constants.text is None or constants.text_mask is None:
        raise SettingError(
            f"an alignment term, and {checkpoint.name} has no head for sounds",
            "a prior with a projection_model, and if it is a published one, with its text_encoder (CLAP)",
            "Remove `alignment` from the options, or download the whole prior.",
        )
    projection = load_component(checkpoint, "projection_model", ProjectionModel)
    return PublishedHead(projection, constants.text, constants.text_mask)


def hear_for(head: ProjectionHead | PublishedHead, data: Dataset, checkpoint: Path, device: torch.device) -> Embeddings:
    """The embeddings of the music of a dataset that a head maps."""
    if isinstance(head, ProjectionHead):
        return embed_sounds(data, checkpoint, device)
    part = ClapSounds(checkpoint, component_digest(checkpoint, CLAP), str(device))
    found = data.heard("clap", [part], device=str(device), weights=needed(checkpoint, [CLAP], torch.float32))
    return Embeddings("clap", found["clap"], np.arange(len(data.pairs)))


@dataclass(frozen=True)
class ClapSounds:
    """CLAP's embeddings of whole pieces, float32 [1, D].

    Attributes:
        checkpoint: folder of the prior.
        digest: of its CLAP.
        device: of CLAP.
    """

    checkpoint: Path
    digest: str
    device: str

    @property
    def columns(self) -> Mapping[str, Any]:
        return {"clap": {"clap": self.digest}}

    @torch.no_grad()
    def __call__(self, heard: Sequence[Heard]) -> list[dict[str, np.ndarray]]:
        clap = _clap(self.checkpoint, self.digest, self.device)
        return [{"clap": clap.embed(piece.whole.cut(piece.source.seconds)).cpu().numpy()} for piece in heard]


@lru_cache(maxsize=1)
def _clap(checkpoint: Path, digest: str, device: str) -> Any:  # noqa: ANN401, ARG001  new weights are loaded anew
    from ...encoders.clap_audio import load_clap_audio  # noqa: PLC0415 - takes seconds

    return load_clap_audio(checkpoint).to(device)
