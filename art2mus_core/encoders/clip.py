"""CLIP (Radford et al. 2021; Cherti et al. 2023 for OpenCLIP): one space for pictures and texts, through transformers."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPTextModelWithProjection, CLIPVisionModelWithProjection, PreTrainedTokenizerBase

from ..errors import SettingError
from ..images.centre import middle
from ..types import Artwork, Embedding
from .clip_files import Preprocessor, clip_space, load_preprocessor, load_tokenizer, load_tower

__all__ = ["ClipImageEncoder", "ClipTextEncoder", "clip_space", "load_clip_text", "load_clip_vision"]


class ClipImageEncoder(nn.Module):
    """The picture tower.

    Args:
        network: the tower with its projection.
        preprocessor: picture to what the tower sees.
        space: name of the joint space.
    """

    def __init__(self, network: CLIPVisionModelWithProjection, preprocessor: Preprocessor, space: str) -> None:
        super().__init__()
        self.network, self.preprocessor, self.space = network, preprocessor, space

    def encode(self, artworks: list[Artwork], *, normalised: bool = True) -> Embedding:
        """One embedding an artwork with its patch tokens, on the device and in the precision of the weights.

        Patch tokens are the last block's output without the class token, before the final LayerNorm: that one was
        fitted to the class token alone, and this is what transformers calls the last hidden state, so that aligners
        trained elsewhere read the same. They are as wide as the tower and stand row by row.

        Args:
            artworks: at least one.
            normalised: unit norm; without, the projection as it is (Art2Music 2025).

        Raises:
            SettingError: no artworks.
            ArtworkError: one without pixels.
        """
        if not artworks:
            raise SettingError("no artworks", "at least one", "Choose a picture.")
        pixels = torch.cat([self._seen(artwork) for artwork in artworks])
        output = self.network(pixel_values=pixels.to(self.network.visual_projection.weight))
        values = F.normalize(output.image_embeds, dim=-1) if normalised else output.image_embeds
        return Embedding(values, self.space, output.last_hidden_state[:, 1:])

    def _seen(self, artwork: Artwork) -> Float[Tensor, "1 3 size size"]:
        # an array instead of a picture saves two copies of a large scan
        rows = middle(artwork).cpu().numpy()
        return self.preprocessor(rows, input_data_format="channels_first", return_tensors="pt")["pixel_values"]


class ClipTextEncoder(nn.Module):
    """The text tower.

    Args:
        network: the tower with its projection.
        tokenizer: text to numbers.
        space: name of the joint space.
    """

    def __init__(self, network: CLIPTextModelWithProjection, tokenizer: PreTrainedTokenizerBase, space: str) -> None:
        super().__init__()
        self.network, self.tokenizer, self.space = network, tokenizer, space

    def encode(self, texts: list[str], *, normalised: bool = True) -> Float[Tensor, "batch dim"]:
        """One embedding a text; what does not fit into the tower's context is cut off, as CLIP does.

        Args:
            texts: at least one.
            normalised: unit norm; without, the projection as it is (Art2Music 2025).

        Raises:
            SettingError: no texts.
        """
        if not texts:
            raise SettingError("no texts", "at least one", "Write a text.")
        longest = self.network.config.max_position_embeddings
        tokens = self.tokenizer(texts, padding=True, truncation=True, max_length=longest, return_tensors="pt")
        values = self.network(**tokens.to(self.network.text_projection.weight.device)).text_embeds
        return F.normalize(values, dim=-1) if normalised else values


def load_clip_vision(folder: Path, *, dtype: torch.dtype) -> ClipImageEncoder:
    """The picture tower of a CLIP folder in transformers' layout; nothing of the text tower is read.

    Args:
        folder: with config.json, model.safetensors and preprocessor_config.json.
        dtype: precision of the tower.

    Raises:
        CheckpointError: a file is missing or damaged, of another architecture, or contradicts the others.
    """
    network = load_tower(folder, "vision", dtype=dtype)
    preprocessor = load_preprocessor(folder, network.config.image_size)
    return ClipImageEncoder(network, preprocessor, clip_space(folder)).eval()


def load_clip_text(folder: Path, *, dtype: torch.dtype) -> ClipTextEncoder:
    """The text tower of a CLIP folder in transformers' layout; of the picture tower, only the space's name is read.

    Args:
        folder: with config.json, model.safetensors and the tokenizer's files.
        dtype: precision of the tower.

    Raises:
        CheckpointError: a file is missing or damaged, of another architecture, or contradicts the others.
    """
    network = load_tower(folder, "text", dtype=dtype)
    return ClipTextEncoder(network, load_tokenizer(folder, network.config), clip_space(folder)).eval()
