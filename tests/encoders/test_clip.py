"""CLIP's towers against transformers' own whole model, at a tiny size, from folders as they are published."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional as F
from transformers import BlipConfig, CLIPConfig, CLIPModel, SiglipConfig

from art2mus_core.encoders.clip import clip_space, load_clip
from art2mus_core.encoders.files import check_image_encoder, image_sizes
from art2mus_core.errors import ArtworkError, CheckpointError, SettingError
from art2mus_core.interfaces import ImageEncoder
from art2mus_core.types import Artwork

SIZE, PATCH, WIDTH, TEXT_WIDTH, DIM, CONTEXT = 15, 5, 21, 22, 13, 9
MEAN, STD = [0.5, 0.4, 0.3], [0.2, 0.25, 0.3]
VISION: dict[str, Any] = {
    "hidden_size": WIDTH,
    "intermediate_size": 29,
    "num_hidden_layers": 2,
    "num_attention_heads": 3,
    "image_size": SIZE,
    "patch_size": PATCH,
}
TEXT: dict[str, Any] = {
    "hidden_size": TEXT_WIDTH,
    "intermediate_size": 31,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "max_position_embeddings": CONTEXT,
    "vocab_size": 56,
}
PREPROCESSOR: dict[str, Any] = {
    "crop_size": SIZE,
    "do_center_crop": True,
    "do_normalize": True,
    "do_resize": True,
    "feature_extractor_type": "CLIPFeatureExtractor",
    "image_mean": MEAN,
    "image_std": STD,
    "resample": 3,
    "size": SIZE,
}
"""In the oldest published form: sizes are plain numbers."""


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content))


def change(path: Path, **values: object) -> None:
    write_json(path, {**json.loads(path.read_text()), **values})


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole folder. Not to be written to."""
    folder = tmp_path_factory.mktemp("clip")
    torch.manual_seed(0)
    model = CLIPModel(CLIPConfig(vision_config=VISION, text_config=TEXT, projection_dim=DIM))
    for weight in model.parameters():
        weight.data.add_(0.2 * torch.randn(weight.shape))
    model.save_pretrained(folder)
    write_json(folder / "preprocessor_config.json", PREPROCESSOR)
    return folder


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    """A copy of the test's own, to be damaged."""
    return shutil.copytree(published, tmp_path / "Öl auf Leinwand")


@pytest.fixture(scope="module")
def model(published: Path) -> CLIPModel:
    return CLIPModel.from_pretrained(published).eval().requires_grad_(requires_grad=False)


def features(output: Any) -> Tensor:
    """What versions of transformers return differently."""
    return output if isinstance(output, Tensor) else output.pooler_output


def artwork(height: int, width: int, seed: int = 0) -> Artwork:
    generator = torch.Generator().manual_seed(seed)
    return Artwork(torch.randint(256, (3, height, width), dtype=torch.uint8, generator=generator))


def seen(picture: Artwork) -> Tensor:
    """Shorter side fitted, centre cut (half pixels rounded down), normalised."""
    image = Image.fromarray(np.ascontiguousarray(picture.pixels.permute(1, 2, 0).numpy()))
    width, height = (SIZE * side // min(image.size) for side in image.size)
    left, top = (width - SIZE) // 2, (height - SIZE) // 2
    image = image.resize((width, height), Image.Resampling.BICUBIC).crop((left, top, left + SIZE, top + SIZE))
    levels = torch.from_numpy(np.asarray(image, np.float32) / 255)
    return ((levels - torch.tensor(MEAN)) / torch.tensor(STD)).permute(2, 0, 1)


PICTURES = [artwork(31, 45), artwork(33, 16, 1), artwork(15, 15, 2), artwork(4, 7, 3), artwork(15, 16, 4)]


def test_a_picture_is_embedded_as_by_the_whole_model(published: Path, model: CLIPModel):
    encoder = load_clip(published, dtype=torch.float32)
    assert isinstance(encoder, ImageEncoder)
    pixels = torch.stack([seen(picture) for picture in PICTURES])
    expected = features(model.get_image_features(pixel_values=pixels))
    ours = encoder.encode(PICTURES)
    torch.testing.assert_close(ours.values, expected / expected.norm(dim=-1, keepdim=True), rtol=1e-6, atol=1e-6)
    assert ours.values.shape == (5, DIM)
    assert ours.space == encoder.space == clip_space(published)


def test_patches_are_the_last_hidden_states(published: Path, model: CLIPModel):
    patches = load_clip(published, dtype=torch.float32).encode(PICTURES[:2]).patches
    expected = model.vision_model(torch.stack([seen(picture) for picture in PICTURES[:2]])).last_hidden_state
    assert patches is not None
    assert patches.shape == (2, (SIZE // PATCH) ** 2, WIDTH)
    torch.testing.assert_close(patches, expected[:, 1:], rtol=1e-6, atol=1e-6)


def test_the_sizes_of_its_embeddings_are_known_from_the_header(published: Path, folder: Path):
    seen = load_clip(published, dtype=torch.float32).encode(PICTURES[:1])
    assert image_sizes(published) == {"dim": seen.values.shape[-1], "patch_dim": seen.patches.shape[-1]}
    save_file({"other": torch.zeros(2)}, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"lacks visual_projection\.weight"):
        image_sizes(folder)


def test_a_picture_is_embedded_alike_alone_and_in_company(published: Path):
    encoder = load_clip(published, dtype=torch.float32)
    alone = torch.cat([encoder.encode([picture]).values for picture in PICTURES])
    torch.testing.assert_close(alone, encoder.encode(PICTURES).values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(3, 40001), (40001, 3)])
def test_a_very_long_picture_is_seen_in_its_middle(published: Path, shape: tuple[int, int]):
    long, short = torch.zeros(3, 3, 40001, dtype=torch.uint8), torch.zeros(3, 3, 21, dtype=torch.uint8)
    for pixels in (long, short):
        centre = pixels.shape[-1] // 2
        pixels[0, :, centre - 1 : centre + 1] = 200
    pictures = [pixels if shape[0] == 3 else pixels.transpose(1, 2) for pixels in (long, short)]
    values = load_clip(published, dtype=torch.float32).encode([Artwork(picture) for picture in pictures]).values
    torch.testing.assert_close(values[0], values[1])


def test_only_the_image_tower_is_in_memory(published: Path, model: CLIPModel):
    encoder = load_clip(published, dtype=torch.float32)
    parts = model.vision_model, model.visual_projection
    expected = sum(weight.numel() for part in parts for weight in part.parameters())
    assert sum(weight.numel() for weight in encoder.parameters()) == expected
    assert not encoder.training
    assert not any(weight.requires_grad for weight in encoder.parameters())
    assert not any(tensor.is_meta for tensor in (*encoder.parameters(), *encoder.buffers()))


def rewrite(folder: Path, change: dict[str, Tensor | None], dtype: torch.dtype | None = None) -> None:
    """Replace, add or (None) leave out weights."""
    path = folder / "model.safetensors"
    tensors = {**load_file(path), **change}
    save_file({key: value.to(dtype or value.dtype) for key, value in tensors.items() if value is not None}, path)


def test_what_no_tower_needs_is_passed_over(folder: Path, published: Path):
    counting = {
        "vision_model.embeddings.position_ids": torch.arange(10)[None],
        "text_model.embeddings.position_ids": torch.arange(CONTEXT)[None],
        "text_model.final_layer_norm.weight": torch.full((TEXT_WIDTH,), torch.nan),
    }
    rewrite(folder, counting)
    values = [load_clip(each, dtype=torch.float32).encode(PICTURES[:1]).values for each in (folder, published)]
    assert torch.equal(*values)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_precision_is_chosen_by_the_caller(published: Path, dtype: torch.dtype):
    half, full = (load_clip(published, dtype=each).encode(PICTURES).values for each in (dtype, torch.float32))
    assert half.dtype == dtype
    assert torch.cosine_similarity(half.float(), full, dim=-1).min() > 0.99


# The space.


def test_the_space_is_the_same_in_float16_and_under_another_name(published: Path, folder: Path):
    rewrite(folder, {}, torch.float16)
    space = clip_space(folder)
    assert space == clip_space(published)
    prefix, dim, digits = space.split("-")
    assert (prefix, dim, len(digits)) == ("clip", str(DIM), 8)
    assert load_clip(folder, dtype=torch.bfloat16).space == space


def test_other_weights_are_another_space(published: Path, folder: Path):
    rewrite(folder, {"visual_projection.weight": torch.randn(DIM, WIDTH)})
    assert clip_space(folder) != clip_space(published)


# Folders of older versions.


def test_the_joint_width_is_the_whole_models(folder: Path, published: Path):
    """OpenCLIP's towers were published with the default of another model."""
    stored = json.loads((folder / "config.json").read_text())
    towers = {key: {**stored[key], "projection_dim": 512} for key in ("vision_config", "text_config")}
    change(folder / "config.json", **towers)
    ours, theirs = (load_clip(each, dtype=torch.float32).encode(PICTURES).values for each in (folder, published))
    assert torch.equal(ours, theirs)


def test_the_preprocessor_says_how_a_picture_is_seen(folder: Path):
    size = {"size": {"height": SIZE, "width": SIZE}, "crop_size": {"height": SIZE, "width": SIZE}}
    change(folder / "preprocessor_config.json", **size, image_mean=[0.0] * 3, image_std=[1.0] * 3, resample=0)
    encoder = load_clip(folder, dtype=torch.float32)
    image = Image.fromarray(np.ascontiguousarray(PICTURES[0].pixels.permute(1, 2, 0).numpy()))
    squashed = torch.from_numpy(np.array(image.resize((SIZE, SIZE), Image.Resampling.NEAREST))).permute(2, 0, 1)
    expected = F.normalize(encoder.network(squashed[None] / 255).image_embeds, dim=-1)
    torch.testing.assert_close(encoder.encode(PICTURES[:1]).values, expected, rtol=1e-5, atol=1e-6)


# What is refused.


def test_nothing_to_encode_is_refused(published: Path):
    encoder = load_clip(published, dtype=torch.float32)
    with pytest.raises(SettingError, match="no artworks"):
        encoder.encode([])
    with pytest.raises(ArtworkError, match="0 x 3 pixels"):
        encoder.encode([Artwork(torch.zeros(3, 3, 0, dtype=torch.uint8))])


@pytest.mark.parametrize(
    "config", [SiglipConfig(), BlipConfig(), CLIPConfig().vision_config], ids=lambda c: c.model_type
)
def test_another_architecture_is_refused(folder: Path, config: Any):
    write_json(folder / "config.json", config.to_dict())
    with pytest.raises(CheckpointError, match=f"of type '{config.model_type}'; expected 'clip'"):
        load_clip(folder, dtype=torch.float32)


NEEDED = ("config.json", "model.safetensors", "preprocessor_config.json")


@pytest.mark.parametrize("name", NEEDED)
def test_a_missing_file_is_named(folder: Path, name: str):
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        load_clip(folder, dtype=torch.float32)


@pytest.mark.parametrize("name", NEEDED)
def test_a_truncated_file_is_named(folder: Path, name: str):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(CheckpointError, match=name.removesuffix(".json")):
        load_clip(folder, dtype=torch.float32)


def test_weights_that_contradict_the_configuration_are_refused(folder: Path):
    stored = json.loads((folder / "config.json").read_text())
    change(folder / "config.json", vision_config={**stored["vision_config"], "intermediate_size": 30})
    with pytest.raises(CheckpointError, match=r"fc1\.bias of \[29\] for \[30\]"):
        load_clip(folder, dtype=torch.float32)
    change(folder / "config.json", vision_config={**stored["vision_config"], "num_hidden_layers": 3})
    with pytest.raises(CheckpointError, match=r"lacks vision_model\.encoder\.layers\.2"):
        load_clip(folder, dtype=torch.float32)


def test_all_but_the_values_is_told_before_they_are_read(folder: Path):
    rewrite(folder, {"visual_projection.weight": torch.full((DIM, WIDTH), torch.nan)})
    check_image_encoder(folder)
    with pytest.raises(CheckpointError, match="not finite"):
        load_clip(folder, dtype=torch.float32)
    rewrite(folder, {"visual_projection.weight": torch.zeros(DIM, WIDTH + 1)})
    with pytest.raises(CheckpointError, match=r"visual_projection\.weight of"):
        check_image_encoder(folder)
    rewrite(folder, {"visual_projection.weight": torch.zeros(DIM, WIDTH)})
    change(folder / "preprocessor_config.json", crop_size=SIZE + 1)
    with pytest.raises(CheckpointError, match=r"pictures of \[3, 16, 16\]"):
        check_image_encoder(folder)


@pytest.mark.parametrize("wrong", [{"num_attention_heads": 4}, {"hidden_act": "loud"}, {"hidden_size": "wide"}])
def test_a_configuration_of_no_network_is_refused(folder: Path, wrong: dict[str, Any]):
    stored = json.loads((folder / "config.json").read_text())
    change(folder / "config.json", vision_config={**stored["vision_config"], **wrong})
    with pytest.raises(CheckpointError, match=r"config\.json cannot be used"):
        load_clip(folder, dtype=torch.float32)


def test_weights_of_something_else_are_refused(folder: Path):
    rewrite(folder, {"visual_projection.weight": None, "q_former.weight": torch.zeros(3)})
    with pytest.raises(CheckpointError, match=r"lacks visual_projection\.weight and has unexpected q_former\.weight"):
        load_clip(folder, dtype=torch.float32)
    with pytest.raises(CheckpointError, match=r"lacks visual_projection\.weight"):
        clip_space(folder)


def test_a_preprocessor_of_another_size_is_refused(folder: Path):
    change(folder / "preprocessor_config.json", crop_size=SIZE + 1)
    with pytest.raises(CheckpointError, match=r"pictures of \[3, 16, 16\]; expected \[3, 15, 15\]"):
        load_clip(folder, dtype=torch.float32)
