"""ImageBind's image tower and audio tower (Girdhar et al. 2023), which share an embedding space.

Both are pre-norm vision transformers (Dosovitskiy et al. 2021): a class token and patches, positional embeddings, blocks, LayerNorm, and
a projection of the class token. They differ in sizes, in the front end that makes patches, and in the place of an additional LayerNorm.
The audio tower also has a learnt key and value in every attention, and a learnt scale of the embedding.

Weights keep the published names within a tower, with shorter prefixes; `imagebind_files` has the table.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..audio.fbank import Clips
from ..audio.resample import resample
from ..errors import SettingError
from ..images.centre import centre_square
from ..networks.converted import run_converted
from ..networks.products import Linear, hasten
from ..types import Artwork, Embedding, Waveform

__all__ = ["TOWERS", "ImageBindTower", "is_block"]

EPS, STEM_EPS = 1e-6, 1e-5
"""Epsilon of LayerNorm in general, and after the audio tower's patches."""

LARGEST_SCALE = 100.0
"""Upper limit of the audio tower's learnt scale."""


def _random(*shape: int) -> nn.Parameter:
    # uniform with standard deviation width ** -0.5: normal values on `meta` make torch import its compiler (a second, 70 MB)
    limit = (3 / shape[-1]) ** 0.5
    return nn.Parameter(nn.init.uniform_(torch.empty(shape), -limit, limit))


class _Attention(nn.Module):
    """Multi-head self-attention; with `extra`, every query also attends to a learnt key and value."""

    bias_k: nn.Parameter | None
    bias_v: nn.Parameter | None

    def __init__(self, width: int, heads: int, *, extra: bool) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"a width of {width} is not divisible by {heads} heads")
        self.heads = heads
        self.in_proj_weight = _random(3 * width, width)
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = Linear(width, width)
        for name in ("bias_k", "bias_v"):
            self.register_parameter(name, _random(1, 1, width) if extra else None)

    def forward(self, x: Float[Tensor, "batch tokens width"]) -> Float[Tensor, "batch tokens width"]:
        q, k, v = F.linear(x, self.in_proj_weight, self.in_proj_bias).chunk(3, -1)
        if self.bias_k is not None and self.bias_v is not None:
            k, v = (torch.cat([t, more.expand(len(x), 1, -1)], 1) for t, more in ((k, self.bias_k), (v, self.bias_v)))
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (q, k, v))
        return self.out_proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class _Block(nn.Module):
    """Attention and a feed-forward network with GELU, each after a norm and with a residual connection."""

    def __init__(self, width: int, heads: int, hidden: int, *, extra: bool) -> None:
        super().__init__()
        self.norm_1 = nn.LayerNorm(width, EPS)
        self.attn = _Attention(width, heads, extra=extra)
        self.norm_2 = nn.LayerNorm(width, EPS)
        layers = {"fc1": Linear(width, hidden), "act": nn.GELU(), "fc2": Linear(hidden, width)}
        self.mlp = nn.Sequential(OrderedDict(layers))

    def forward(self, x: Float[Tensor, "batch tokens width"]) -> Float[Tensor, "batch tokens width"]:
        x = x + self.attn(self.norm_1(x))
        return x + self.mlp(self.norm_2(x))


class _Film(nn.Conv3d):
    """Patches of a picture as a video of equal frames: the kernel is summed over time."""

    def forward(self, input: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch width_ rows columns"]:  # noqa: A002 - the base class's
        return F.conv2d(input, self.weight.sum(2), stride=self.stride[1:])


@dataclass(frozen=True)
class _Pictures:
    """The image tower's front end. The tower was trained on videos of `frames` frames; a picture is repeated as often.

    Attributes:
        size: side of the input square in pixels.
        patch: side of a patch in pixels.
        frames: frames of the patch kernel.
    """

    is_audio: ClassVar[bool] = False

    size: int
    patch: int
    frames: int

    def patches(self) -> int:
        if self.size % self.patch:
            raise ValueError(f"a side of {self.size} pixels is not divisible by patches of {self.patch}")
        return (self.size // self.patch) ** 2

    def stem(self, width: int) -> nn.Module:
        kernel = (self.frames, self.patch, self.patch)
        return _Film(3, width, kernel, kernel, bias=False)

    def prepare(self, artworks: list[Artwork]) -> Float[Tensor, "batch 3 height width"]:
        if not artworks:
            raise SettingError("no artworks", "at least one", "Choose a picture.")
        return torch.stack([centre_square(artwork, self.size) for artwork in artworks])


@dataclass(frozen=True)
class _Sounds(Clips):
    """The audio tower's front end: patches of several short clips of a log-mel spectrogram.

    Attributes:
        patch: side of a patch.
        stride: distance of patches; they overlap.
    """

    is_audio: ClassVar[bool] = True

    patch: int
    stride: int

    def patches(self) -> int:
        rows, columns = ((side - self.patch) // self.stride + 1 for side in (self.bins, self.frames))
        return rows * columns

    def stem(self, width: int) -> nn.Module:
        return nn.Conv2d(1, width, self.patch, self.stride, bias=False)

    def prepare(self, waveform: Waveform) -> Float[Tensor, "batch clips 1 bins frames"]:
        mono = resample(waveform.samples.float().mean(1), waveform.sample_rate, self.sample_rate)
        return self.cut(mono)[:, :, None]


class ImageBindTower(nn.Module):
    """A tower of ImageBind: pictures or sounds to unit-norm embeddings in the joint space.

    Args:
        front: the front end, which makes patches of pictures or sounds.
        width: width of a token.
        layers: number of blocks.
        heads: attention heads.
        hidden: hidden width of the feed-forward networks.
        dim: width of the embedding.
        space: name of the joint space.

    Raises:
        ValueError: sizes that are not divisible as required.
    """

    log_logit_scale: Tensor | None

    def __init__(
        self, front: _Pictures | _Sounds, *, width: int, layers: int, heads: int, hidden: int, dim: int, space: str
    ) -> None:
        super().__init__()
        self.front, self.space = front, space
        self.cls_token = _random(1, 1, width)
        self.pos_embed = _random(1, 1 + front.patches(), width)
        self.blocks = nn.Sequential(*(_Block(width, heads, hidden, extra=front.is_audio) for _ in range(layers)))
        self.norm = nn.LayerNorm(width, EPS)
        self.head = Linear(width, dim, bias=False)
        self.stem = front.stem(width)
        self.stem_norm = nn.LayerNorm(width, STEM_EPS) if front.is_audio else nn.Identity()
        self.pre_norm = nn.Identity() if front.is_audio else nn.LayerNorm(width, EPS)
        self.register_buffer("log_logit_scale", torch.zeros(()) if front.is_audio else None)
        hasten(self)

    @classmethod
    def from_config(cls, config: dict[str, Any], tower: str) -> ImageBindTower:
        """An untrained tower, `vision` or `audio`, from the `config.json` of its component.

        Raises:
            ValueError: the configuration of another network, or sizes that are not divisible as required.
            TypeError: a missing or unknown size.
        """
        if (config.get("model_type"), config.get("tower")) != ("imagebind", tower):
            raise ValueError(f"{config.get('model_type')} {config.get('tower')} is not ImageBind's {tower} tower")
        sizes = {name: value for name, value in config.items() if name not in {"model_type", "tower"}}
        kind = _Sounds if tower == "audio" else _Pictures
        front = {field.name: sizes.pop(field.name) for field in fields(kind) if field.name in sizes}
        return cls(kind(**front), **sizes)

    def forward(
        self, x: Float[Tensor, "batch *clips channels height width"]
    ) -> tuple[Float[Tensor, "batch dim"], Float[Tensor, "shown patches patch_dim"]]:
        """Embeddings of prepared pictures or sounds, and the patch tokens (row by row) of every picture or clip.

        Image embeddings have unit norm; an audio embedding is the mean over clips times the learnt scale, as published.
        """
        patches = self.stem_norm(self.stem(x.flatten(0, -4)).flatten(2).mT)
        tokens = torch.cat([self.cls_token.expand(len(patches), 1, -1), patches], 1) + self.pos_embed
        tokens = self.norm(run_converted(self.blocks, self.pre_norm(tokens)))
        values = F.normalize(self.head(tokens[:, 0]), dim=-1)
        if self.log_logit_scale is not None:
            scale = self.log_logit_scale.exp().clamp(max=LARGEST_SCALE)
            values = scale * values.unflatten(0, x.shape[:2]).mean(1)
        return values, tokens[:, 1:]

    def encode(self, inputs: Any) -> Embedding:  # noqa: ANN401
        """One unit-norm embedding per artwork or sound, on the device and in the precision of the weights.

        Image embeddings include patch tokens. A sound may have any rate; its channels are averaged. The published pipeline
        takes the first channel and keeps the scale, which makes no difference to cosine similarities of mono sounds.

        Args:
            inputs: a list of artworks for the image tower, a waveform for the audio tower.

        Raises:
            SettingError: no artworks.
            ArtworkError: one without pixels.
            AudioError: a sound shorter than a frame, or with samples that are not finite.
        """
        values, patches = self(self.front.prepare(inputs).to(self.cls_token))
        if self.front.is_audio:
            return Embedding(F.normalize(values, dim=-1), self.space)
        return Embedding(values, self.space, patches)


TOWERS: Mapping[str, Callable[[dict[str, Any]], ImageBindTower]] = MappingProxyType(
    {tower: partial(ImageBindTower.from_config, tower=tower) for tower in ("vision", "audio")}
)
"""Builders of the towers from their configurations."""


def is_block(key: str) -> bool:
    """Whether a tower converts a weight itself while it computes: those of its blocks, nearly all of its memory."""
    return key.startswith("blocks.")
