"""ImageBind's towers against their equations, written out over the published names."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from art2mus_core.audio.fbank import Clips
from art2mus_core.encoders.imagebind import TOWERS, ImageBindTower
from art2mus_core.encoders.imagebind_files import published_key
from art2mus_core.errors import AudioError, SettingError
from art2mus_core.images.centre import centre_square
from art2mus_core.interfaces import ImageEncoder
from art2mus_core.types import Artwork, Waveform

VISION: dict[str, Any] = {
    "model_type": "imagebind",
    "tower": "vision",
    "size": 35,
    "patch": 7,
    "frames": 2,
    "width": 33,
    "layers": 2,
    "heads": 3,
    "hidden": 47,
    "dim": 13,
    "space": "imagebind",
}
AUDIO: dict[str, Any] = {
    "model_type": "imagebind",
    "tower": "audio",
    "sample_rate": 8000,
    "bins": 23,
    "frames": 31,
    "clips": 3,
    "seconds": 0.3,
    "mean": -4.268,
    "std": 9.138,
    "patch": 8,
    "stride": 5,
    "width": 22,
    "layers": 3,
    "heads": 2,
    "hidden": 27,
    "dim": 13,
    "space": "imagebind",
}


def shaken(tower: torch.nn.Module) -> torch.nn.Module:
    """Every weight at random: no bias is zero, no scale one."""
    generator = torch.Generator().manual_seed(3)
    for name, value in tower.state_dict().items():
        noise = torch.randn(value.shape, generator=generator)
        value.copy_(math.log(20.0) if name == "log_logit_scale" else value + 0.3 * noise)
    return tower.eval().requires_grad_(requires_grad=False)


@pytest.fixture(scope="module")
def vision() -> ImageBindTower:
    torch.manual_seed(0)
    return shaken(TOWERS["vision"](VISION))


@pytest.fixture(scope="module")
def audio() -> ImageBindTower:
    torch.manual_seed(1)
    return shaken(TOWERS["audio"](AUDIO))


# The equations, in float64, over a table of weights under their published names.


def published(tower: torch.nn.Module, name: str) -> dict[str, Tensor]:
    return {published_key(name, key): value.double() for key, value in tower.state_dict().items()}


def layer_norm(x: Tensor, w: dict[str, Tensor], name: str, eps: float = 1e-6) -> Tensor:
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(variance + eps) * w[f"{name}.weight"] + w[f"{name}.bias"]


def linear(x: Tensor, w: dict[str, Tensor], name: str) -> Tensor:
    return torch.einsum("btd,ed->bte", x, w[f"{name}.weight"]) + w[f"{name}.bias"]


def attention(x: Tensor, w: dict[str, Tensor], name: str, heads: int) -> Tensor:
    """Query, key and value in the rows of one matrix, in this order; the learnt key and value come last."""
    width = x.shape[-1]
    part = width // heads
    weight, bias = w[f"{name}.in_proj_weight"], w[f"{name}.in_proj_bias"]
    query, key, value = (
        torch.einsum("btd,ed->bte", x, weight[n * width : (n + 1) * width]) + bias[n * width : (n + 1) * width]
        for n in range(3)
    )
    if f"{name}.bias_k" in w:
        key = torch.cat([key, w[f"{name}.bias_k"].repeat(len(x), 1, 1)], 1)
        value = torch.cat([value, w[f"{name}.bias_v"].repeat(len(x), 1, 1)], 1)
    results = []
    for head in range(heads):
        columns = slice(head * part, (head + 1) * part)
        scores = torch.einsum("bqd,bkd->bqk", query[..., columns], key[..., columns]) / math.sqrt(part)
        shares = torch.exp(scores - scores.amax(-1, keepdim=True))
        shares = shares / shares.sum(-1, keepdim=True)
        results.append(torch.einsum("bqk,bkd->bqd", shares, value[..., columns]))
    return linear(torch.cat(results, -1), w, f"{name}.out_proj")


def trunk(x: Tensor, w: dict[str, Tensor], tower: str, layers: int, heads: int) -> tuple[Tensor, Tensor]:
    for layer in range(layers):
        block = f"modality_trunks.{tower}.blocks.{layer}"
        x = x + attention(layer_norm(x, w, f"{block}.norm_1"), w, f"{block}.attn", heads)
        inner = linear(layer_norm(x, w, f"{block}.norm_2"), w, f"{block}.mlp.fc1")
        inner = 0.5 * inner * (1 + torch.erf(inner / math.sqrt(2)))
        x = x + linear(inner, w, f"{block}.mlp.fc2")
    x = layer_norm(x, w, f"modality_heads.{tower}.0")
    head = torch.einsum("bd,ed->be", x[:, 0], w[f"modality_heads.{tower}.2.weight"])
    return head / torch.sqrt((head**2).sum(-1, keepdim=True)), x[:, 1:]


def placed(patches: Tensor, w: dict[str, Tensor], tower: str) -> Tensor:
    first = w[f"modality_preprocessors.{tower}.cls_token"].repeat(len(patches), 1, 1)
    return torch.cat([first, patches], 1) + w[f"modality_preprocessors.{tower}.pos_embedding_helper.pos_embed"]


def cut(x: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """Inner products of a kernel [e, c, ..., h, w] with the windows of [b, c, ..., H, W], row by row."""
    side = kernel.shape[-1]
    rows, columns = ((length - side) // stride + 1 for length in x.shape[-2:])
    windows = [
        x[..., r * stride : r * stride + side, c * stride : c * stride + side]
        for r in range(rows)
        for c in range(columns)
    ]
    return torch.stack([torch.einsum("bn,en->be", window.flatten(1), kernel.flatten(1)) for window in windows], 1)


def seen(w: dict[str, Tensor], pictures: Tensor) -> tuple[Tensor, Tensor]:
    film = torch.stack([pictures, pictures], 2)  # the picture twice, as a film of two frames
    kernel = w["modality_preprocessors.vision.rgbt_stem.proj.1.weight"]
    x = placed(cut(film, kernel, VISION["patch"]), w, "vision")
    x = layer_norm(x, w, "modality_trunks.vision.pre_transformer_layer.0")
    return trunk(x, w, "vision", VISION["layers"], VISION["heads"])


def heard(w: dict[str, Tensor], clips: Tensor) -> Tensor:
    kernel = w["modality_preprocessors.audio.rgbt_stem.proj.weight"]
    each = []
    for clip in clips.unbind(1):
        patches = cut(clip[:, None], kernel, AUDIO["stride"])
        patches = layer_norm(patches, w, "modality_preprocessors.audio.rgbt_stem.norm_layer", eps=1e-5)
        unit, _ = trunk(placed(patches, w, "audio"), w, "audio", AUDIO["layers"], AUDIO["heads"])
        each.append(unit * min(math.exp(w["modality_postprocessors.audio.1.log_logit_scale"]), 100.0))
    return sum(each) / len(each)


def artwork(height: int, width: int, seed: int = 0) -> Artwork:
    generator = torch.Generator().manual_seed(seed)
    return Artwork(torch.randint(256, (3, height, width), dtype=torch.uint8, generator=generator))


def sound(samples: int, channels: int = 1, rate: int = 8000, seed: int = 0) -> Waveform:
    generator = torch.Generator().manual_seed(seed)
    return Waveform(0.2 * torch.randn(2, channels, samples, generator=generator), rate)


def test_the_picture_tower_is_its_equations(vision: ImageBindTower):
    pictures = torch.randn(4, 3, 35, 35, generator=torch.Generator().manual_seed(5))
    values, patches = vision(pictures)
    expected, expected_patches = seen(published(vision, "vision"), pictures.double())
    assert values.shape == (4, 13)
    assert patches.shape == (4, 25, 33)
    torch.testing.assert_close(values.double(), expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(patches.double(), expected_patches, rtol=1e-4, atol=1e-5)
    assert (expected[0] - expected[1]).norm() > 1e-2


def test_the_sound_tower_is_its_equations(audio: ImageBindTower):
    clips = torch.randn(2, 3, 23, 31, generator=torch.Generator().manual_seed(6))
    values, expected = audio(clips[:, :, None])[0], heard(published(audio, "audio"), clips.double())
    assert values.shape == (2, 13)
    torch.testing.assert_close(values.double(), expected, rtol=0, atol=2e-5)
    assert 1 < expected.norm(dim=-1).max() < 20
    assert (expected[0] - expected[1]).norm() > 1e-2


SPEAKING = ("cls_token", "pos_embed", "stem.", "stem_norm.", "pre_norm.", "out_proj.", "fc2.")
"""Of the weights that add to what the LayerNorms see."""


def faint(tower: ImageBindTower) -> ImageBindTower:
    """The tower with variances of about a millionth before every LayerNorm: there the epsilons decide."""
    state = tower.state_dict()
    quiet = {key: value * 1e-3 if any(part in key for part in SPEAKING) else value for key, value in state.items()}
    copy = TOWERS["audio"](AUDIO) if tower.front.is_audio else TOWERS["vision"](VISION)
    copy.load_state_dict(quiet)
    return copy.eval().requires_grad_(requires_grad=False)


def test_the_epsilons_are_the_published_ones(vision: ImageBindTower, audio: ImageBindTower):
    generator = torch.Generator().manual_seed(8)
    pictures, clips = torch.randn(2, 3, 35, 35, generator=generator), torch.randn(2, 1, 23, 31, generator=generator)
    seeing, hearing = faint(vision), faint(audio)
    expected, _ = seen(published(seeing, "vision"), pictures.double())
    torch.testing.assert_close(seeing(pictures)[0].double(), expected, rtol=0, atol=2e-6)
    expected = heard(published(hearing, "audio"), clips.double())
    torch.testing.assert_close(hearing(clips[:, :, None])[0].double(), expected, rtol=0, atol=4e-5)


def test_the_learnt_scale_has_its_limit(audio: ImageBindTower):
    tower = TOWERS["audio"](AUDIO)
    tower.load_state_dict({**audio.state_dict(), "log_logit_scale": torch.tensor(9.0)})
    clips = torch.randn(1, 1, 23, 31, generator=torch.Generator().manual_seed(6))
    torch.testing.assert_close(tower(clips[:, :, None])[0].norm(), torch.tensor(100.0))


def test_artworks_are_cut_and_embedded(vision: ImageBindTower):
    pictures = [artwork(50, 40), artwork(35, 90, seed=1), artwork(3, 3, seed=2)]
    embedding = vision.encode(pictures)
    squares = torch.stack([centre_square(picture, 35) for picture in pictures])
    expected, _ = seen(published(vision, "vision"), squares.double())
    torch.testing.assert_close(embedding.values.double(), expected, rtol=0, atol=1e-6)
    assert embedding.patches is not None
    assert embedding.patches.shape == (3, 25, 33)
    assert embedding.space == "imagebind"
    assert isinstance(vision, ImageEncoder)


def test_sounds_are_cut_and_embedded(audio: ImageBindTower):
    music = sound(9000, channels=2)
    embedding = audio.encode(music)
    clips = Clips(8000, 23, 31, 3, 0.3, -4.268, 9.138).cut(music.samples.mean(1))
    expected = heard(published(audio, "audio"), clips.double())
    expected = expected / expected.norm(dim=-1, keepdim=True)
    torch.testing.assert_close(embedding.values.double(), expected, rtol=0, atol=1e-6)
    assert embedding.space == "imagebind"
    assert audio.encode(sound(300)).values.shape == (2, 13)


def test_a_sound_at_another_rate_is_nearly_the_same(audio: ImageBindTower):
    t = torch.arange(24000) / 24000
    tone = 0.3 * torch.sin(2 * torch.pi * 440 * t) + 0.1 * torch.sin(2 * torch.pi * 1300 * t * t)
    here = audio.encode(Waveform(tone[None, None], 24000)).values
    there = audio.encode(Waveform(tone[None, None, ::3], 8000)).values
    other = audio.encode(sound(8000)).values[:1]
    assert (here - there).norm() < 0.2 * (here - other).norm()


def test_half_precision_is_close(vision: ImageBindTower):
    light = TOWERS["vision"](VISION)
    light.load_state_dict(vision.state_dict())
    light = light.bfloat16().eval()
    values = light.encode([artwork(50, 40)]).values
    assert values.dtype == torch.bfloat16
    assert (values.float() - vision.encode([artwork(50, 40)]).values).norm() < 0.1


def test_nothing_to_encode_is_refused(vision: ImageBindTower, audio: ImageBindTower):
    with pytest.raises(SettingError, match="at least one"):
        vision.encode([])
    with pytest.raises(AudioError, match="at least one frame"):
        audio.encode(sound(100))
    with pytest.raises(AudioError, match="finite"):
        audio.encode(Waveform(torch.full((1, 1, 4000), torch.nan), 8000))


@pytest.mark.parametrize(
    ("tower", "wrong", "error"),
    [
        ("vision", {**VISION, "size": 36}, ValueError),
        ("vision", {**VISION, "heads": 2}, ValueError),
        ("vision", {**VISION, "model_type": "clip"}, ValueError),
        ("vision", AUDIO, ValueError),
        ("audio", VISION, ValueError),
        ("vision", {**VISION, "depth": 3}, TypeError),
        ("audio", {key: value for key, value in AUDIO.items() if key != "stride"}, TypeError),
    ],
)
def test_configurations_of_other_networks_build_nothing(tower, wrong, error):
    with pytest.raises(error):
        TOWERS[tower](wrong)
