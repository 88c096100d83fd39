"""Mels that the checkpoint's own decoder makes of pairs, on which a vocoder is trained to hear past its errors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from ...checkpoints.folder import load_component, read_config
from ...encoders.files import check_image_encoder, image_space
from ...encoders.texts import load_text_encoder
from ...errors import SettingError
from ...networks.fusion import GatedFusion
from ...pipelines.choice import Choice
from ...pipelines.mel_decoders import BiLstmMelDecoder, load_mel_decoder
from ...pipelines.mel_parts import open_mel_parts
from ..batches import Draw
from ..features.dataset import Dataset
from ..features.latents import embed_artworks
from .mel_texts import Comments, comments_of, text_folder

__all__ = ["Predicted"]


class Predicted(nn.Module):
    """Fused embeddings of all pairs, and the frozen decoder that makes mels of them.

    Only a regression can be heard beside the true music: what a decoder by diffusion draws is another piece.

    Args:
        data: the dataset.
        checkpoint: with fusion and mel decoder.
        encoder: name or folder of the image encoder; by default that with which the checkpoint composes.
        text_encoder: name or folder of the text encoder.

    Raises:
        SettingError: a mel decoder that draws; no image or text encoder, or another than the fusion's.
        CheckpointError: a part is missing or damaged.
        DatasetError: no pair has comments.
    """

    def __init__(self, data: Dataset, checkpoint: Path, encoder: str | None, text_encoder: str | None) -> None:
        super().__init__()
        kind = _kind(checkpoint)
        decoder = load_mel_decoder(checkpoint) if kind == "bilstm" else None
        if not isinstance(decoder, BiLstmMelDecoder):
            raise SettingError(
                f"`mels: predicted` with {checkpoint}, which has {f'a mel decoder {kind!r}' if kind else 'no mel decoder'}",
                "a regression (bilstm), whose mels belong to the pairs' music; what is drawn by diffusion is another piece",
                "Train one first, as art2music-regression and art2music-2025 do, or set options.mels=true.",
            )
        self.decoder, self.fusion = decoder, load_component(checkpoint, "fusion", GatedFusion)
        self.encoder = open_mel_parts(Choice(str(checkpoint), encoder=encoder)).encoder_folder
        check_image_encoder(self.encoder)
        self.texts = text_folder(checkpoint, self.encoder, text_encoder)
        reader, _ = load_text_encoder(self.texts), comments_of(data)
        self._check_space("text", reader.space, self.texts)
        self._check_space("image", image_space(self.encoder), self.encoder)
        self.requires_grad_(requires_grad=False)

    def _check_space(self, kind: str, space: str, folder: Path) -> None:
        if (wanted := self.fusion.config.get(f"{kind}_space")) != space:
            raise SettingError(
                f"`mels: predicted` with {folder}, of the space {space!r}",
                f"the {kind} encoder of the space {wanted!r}, on which the fusion was trained",
                "Name it in the options, or leave the option out.",
            )

    def prepare(self, data: Dataset, device: torch.device) -> None:
        """Embed artworks and comments on a device, and fuse them."""
        comments = Comments.of(data, self.texts, device)
        images = embed_artworks(data, self.encoder, device, patches=False, normalised=False)
        rows = np.arange(len(data.pairs))
        text, has = comments.drawn(Draw(np.random.default_rng(0), len(rows)), rows, all_of_them=True)
        if self.fusion.neutral_text is not None:
            text = torch.where(has[:, None], text, self.fusion.neutral_text)
        with torch.no_grad():
            self.fused = self.fusion(text, torch.from_numpy(images.values))

    @property
    def frames(self) -> int:
        """The longest mel."""
        return int(self.decoder.network.config["max_frames"])

    @torch.no_grad()
    def crops(
        self, fused: Float[Tensor, "batch dim"], first: Int[Tensor, " batch"], length: int
    ) -> Float[Tensor, "batch frames bins"]:
        """The frames from `first` on of the mel of each pair, which begins with its music."""
        made = self.decoder.normalisation.undo(self.decoder.network(fused, int(first.max()) + length).float())
        places = first[:, None] + torch.arange(length, device=first.device)
        return made.take_along_dim(places[..., None], dim=1)


def _kind(checkpoint: Path) -> object:
    """The kind of a checkpoint's mel decoder; None if it has none."""
    if not (checkpoint / "mel_decoder").is_dir():
        return None
    return read_config(checkpoint, "mel_decoder").get("model_type")
