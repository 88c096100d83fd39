"""ImageBind's picture tower and sound tower (Girdhar et al. 2023): one space for what is seen and what is heard.

Both are vision transformers (Dosovitskiy et al. 2021) whose blocks normalise before they act: a class token and patches,
positions added, blocks, LayerNorm, and a projection of the class token. They differ in how input becomes patches, in a
LayerNorm before the blocks (pictures), and in one learnt key and value more in every attention and a learnt scale (sounds).

Weights keep the published names below a tower, with shorter stems; `imagebind_files` has the table.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..audio.fbank import Clips
from ..audio.resample import resample
from ..errors import SettingError
from ..images.centre import centre_square
from ..types import Artwork, Embedding, Waveform

__all__ = ["ImageBindAudio", "ImageBindVision"]

EPS, STEM_EPS = 1e-6, 1e-5
"""Of LayerNorm: everywhere, and behind the sound tower's patches."""

LARGEST_SCALE = 100.0
"""The sound tower's learnt scale is clamped here."""


def _random(*shape: int) -> nn.Parameter:
    # uniform, of deviation width ** -0.5: normal numbers on `meta` make torch import its compiler, a second and 70 MB
    limit = (3 / shape[-1]) ** 0.5
    return nn.Parameter(nn.init.uniform_(torch.empty(shape), -limit, limit))


class _Attention(nn.Module):
    """Self-attention of `heads` heads; with `extra`, every query also sees one learnt key and value."""

    bias_k: nn.Parameter | None
    bias_v: nn.Parameter | None

    def __init__(self, width: int, heads: int, *, extra: bool) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"a width of {width} is not divisible by {heads} heads")
        self.heads = heads
        self.in_proj_weight = _random(3 * width, width)
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        for name in ("bias_k", "bias_v"):
            self.register_parameter(name, _random(1, 1, width) if extra else None)

    def forward(self, x: Float[Tensor, "batch tokens width"]) -> Float[Tensor, "batch tokens width"]:
        q, k, v = F.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, -1)
        if self.bias_k is not None and self.bias_v is not None:
            k, v = (torch.cat([t, more.expand(len(x), 1, -1)], 1) for t, more in ((k, self.bias_k), (v, self.bias_v)))
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (q, k, v))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class _Block(nn.Module):
    """Attention, then two layers with a GELU between, each added to what it was given."""

    def __init__(self, width: int, heads: int, hidden: int, *, extra: bool) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(width, EPS)
        self.attn = _Attention(width, heads, extra=extra)
        self.norm_2 = nn.LayerNorm(width, EPS)
        layers = {"fc1": nn.Linear(width, hidden), "act": nn.GELU(), "fc2": nn.Linear(hidden, width)}
        self.mlp = nn.Sequential(OrderedDict(layers))

    def forward(self, x: Float[Tensor, "batch tokens width"]) -> Float[Tensor, "batch tokens width"]:
        x = x + self.attn(self.norm_1(x))
        return x + self.mlp(self.norm_2(x))


class _Tower(nn.Module):
    """From patches on, what both towers share."""

    def __init__(
        self, patches: int, dim: int, *, width: int, layers: int, heads: int, hidden: int, extra: bool
    ) -> None:
        super().__init__()
        self.cls_token = _random(1, 1, width)
        self.pos_embed = _random(1, 1 + patches, width)
        self.blocks = nn.Sequential(*(_Block(width, heads, hidden, extra=extra) for _ in range(layers)))
        self.norm = nn.LayerNorm(width, EPS)
        self.head = nn.Linear(width, dim, bias=False)

    def _place(self, patches: Float[Tensor, "batch patches width"]) -> Float[Tensor, "batch tokens width"]:
        """The class token before the patches, positions added."""
        return torch.cat([self.cls_token.expand(len(patches), 1, -1), patches], 1) + self.pos_embed

    def _read(
        self, tokens: Float[Tensor, "batch tokens width"]
    ) -> tuple[Float[Tensor, "batch dim"], Float[Tensor, "batch patches width"]]:
        """The class token's unit-norm projection, and the patch tokens behind the last LayerNorm."""
        tokens = self.norm(self.blocks(tokens))
        return F.normalize(self.head(tokens[:, 0]), dim=-1), tokens[:, 1:]


class ImageBindVision(_Tower):
    """The picture tower. It was trained on clips of `frames` frames; a picture is shown it that many times.

    Args:
        size: side in pixels of the square that is seen.
        patch: side of a patch.
        frames: of the patches' kernel.
        width: of a token.
        layers: blocks.
        heads: of every attention.
        hidden: width between a block's two layers.
        dim: width of the embedding.
        space: name of the joint space.

    Raises:
        ValueError: sizes that do not divide.
    """

    def __init__(
        self,
        *,
        size: int,
        patch: int,
        frames: int,
        width: int,
        layers: int,
        heads: int,
        hidden: int,
        dim: int,
        space: str,
    ) -> None:
        if size % patch:
            raise ValueError(f"a side of {size} pixels is not divisible by patches of {patch}")
        super().__init__((size // patch) ** 2, dim, width=width, layers=layers, heads=heads, hidden=hidden, extra=False)
        self.stem = nn.Conv3d(3, width, (frames, patch, patch), bias=False)
        self.pre_norm = nn.LayerNorm(width, EPS)
        self.size, self.patch, self.space = size, patch, space

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ImageBindVision:
        """A tower from `config.json` of its component, random until it is filled.

        Raises:
            ValueError: of another network, or sizes that do not divide.
            TypeError: a size that is missing or not known.
        """
        return cls(**_sizes(config, "vision"))

    def forward(
        self, x: Float[Tensor, "batch 3 height width"]
    ) -> tuple[Float[Tensor, "batch dim"], Float[Tensor, "batch patches patch_dim"]]:
        """Unit-norm embeddings and patch tokens (row by row, as wide as the tower) of normalised pictures."""
        # over equal frames the kernel acts as its sum over time
        patches = F.conv2d(x, self.stem.weight.sum(2), stride=self.patch).flatten(2).mT
        return self._read(self.pre_norm(self._place(patches)))

    def encode(self, artworks: list[Artwork]) -> Embedding:
        """One embedding an artwork with its patch tokens, on the device and in the precision of the weights.

        Raises:
            SettingError: no artworks.
            ArtworkError: one without pixels.
        """
        if not artworks:
            raise SettingError("no artworks", "at least one", "Choose a picture.")
        squares = torch.stack([centre_square(artwork, self.size) for artwork in artworks])
        values, patches = self(squares.to(next(self.parameters())))
        return Embedding(values, self.space, patches)


class ImageBindAudio(_Tower):
    """The sound tower: several short clips of a log-mel spectrogram, one embedding.

    Args:
        sample_rate: in hertz, of the sound that is heard.
        bins: mel rows of a clip.
        frames: columns of a clip.
        clips: clips a sound.
        seconds: length of a clip.
        mean: of the logarithms over the training data.
        std: their deviation.
        patch: side of a patch.
        stride: from patch to patch; they overlap.
        width: of a token.
        layers: blocks.
        heads: of every attention.
        hidden: width between a block's two layers.
        dim: width of the embedding.
        space: name of the joint space.

    Raises:
        ValueError: sizes that do not divide.
    """

    def __init__(
        self,
        *,
        sample_rate: int,
        bins: int,
        frames: int,
        clips: int,
        seconds: float,
        mean: float,
        std: float,
        patch: int,
        stride: int,
        width: int,
        layers: int,
        heads: int,
        hidden: int,
        dim: int,
        space: str,
    ) -> None:
        rows, columns = ((side - patch) // stride + 1 for side in (bins, frames))
        super().__init__(rows * columns, dim, width=width, layers=layers, heads=heads, hidden=hidden, extra=True)
        self.stem = nn.Conv2d(1, width, patch, stride, bias=False)
        self.stem_norm = nn.LayerNorm(width, STEM_EPS)
        self.register_buffer("log_logit_scale", torch.zeros(()))
        self.clips, self.space = Clips(sample_rate, bins, frames, clips, seconds, mean, std), space

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> ImageBindAudio:
        """As :meth:`ImageBindVision.from_config`."""
        return cls(**_sizes(config, "audio"))

    def forward(self, x: Float[Tensor, "batch clips bins frames"]) -> Float[Tensor, "batch dim"]:
        """The mean over the clips of their unit-norm embeddings, times the learnt scale, as published."""
        patches = self.stem_norm(self.stem(x.flatten(0, 1)[:, None]).flatten(2).mT)
        values, _ = self._read(self._place(patches))
        scale = self.get_buffer("log_logit_scale").exp().clamp(max=LARGEST_SCALE)
        return scale * values.unflatten(0, x.shape[:2]).mean(1)

    def encode(self, waveform: Waveform) -> Embedding:
        """One unit-norm embedding a sound, at any rate, its channels mixed.

        The published pipeline hears the first channel only and leaves the scale in; neither changes the cosine of a
        mono sound with a picture.

        Raises:
            AudioError: no sample for a whole frame, or samples that are not finite.
        """
        mono = resample(waveform.samples.float().mean(1), waveform.sample_rate, self.clips.sample_rate)
        return Embedding(F.normalize(self(self.clips.cut(mono).to(self.cls_token)), dim=-1), self.space)


def _sizes(config: dict[str, Any], tower: str) -> dict[str, Any]:
    """The arguments of a tower in its configuration."""
    if (config.get("model_type"), config.get("tower")) != ("imagebind", tower):
        raise ValueError(f"{config.get('model_type')} {config.get('tower')} is not ImageBind's {tower} tower")
    return {name: value for name, value in config.items() if name not in {"model_type", "tower"}}
