"""ImageBind's published file, `imagebind_huge.pth`: opened in place, checked, and copied tower by tower.

The file holds six towers in float32, 4.8 GB. It is mapped, not read: of towers nobody asks for, nothing leaves the disk.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from ..checkpoints.folder import weights_file
from ..checkpoints.streaming import check_room, stored_bytes, stream_tensors
from ..checkpoints.strict import fill
from ..errors import CheckpointError, SettingError
from ..placing import place
from ..types import OnStep, Step
from .imagebind import ImageBindAudio, ImageBindVision

__all__ = ["COMPONENTS", "HUGE", "convert", "load_tower", "open_towers", "published_key"]

Tower = ImageBindVision | ImageBindAudio

TOWERS: Mapping[str, type[Tower]] = MappingProxyType({"vision": ImageBindVision, "audio": ImageBindAudio})

COMPONENTS: Mapping[str, str] = MappingProxyType({"vision": "image_encoder", "audio": "audio_encoder"})
"""Tower to its component's folder in a checkpoint."""

_SHARED = {"model_type": "imagebind", "dim": 1024, "space": "imagebind"}
_SIGHT = {"tower": "vision", "size": 224, "patch": 14, "frames": 2, "width": 1280, "layers": 32, "heads": 16}
_CLIPS = {"sample_rate": 16000, "bins": 128, "frames": 204, "clips": 3, "seconds": 2.0, "mean": -4.268, "std": 9.138}
_HEARING = {"tower": "audio", "patch": 16, "stride": 10, "width": 768, "layers": 12, "heads": 12}

HUGE: Mapping[str, dict[str, Any]] = MappingProxyType(
    {
        "vision": {**_SHARED, **_SIGHT, "hidden": 5120},
        "audio": {**_SHARED, **_HEARING, "hidden": 3072, **_CLIPS},
    }
)
"""Configurations of the published towers; heads, strides and clips are not to be seen in the weights."""

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
"""How a key of a tower begins, and what stands there in the published file."""

PATCHES: Mapping[str, str] = MappingProxyType({"vision": "proj.1", "audio": "proj"})
"""Where the patches' kernel is; in the picture tower a step that repeats the frame comes first."""

GROUPS = ("modality_preprocessors", "modality_trunks", "modality_heads", "modality_postprocessors")
DTYPES = (torch.float32, torch.float16, torch.bfloat16)
SHOWN = 5
"""Keys an error names."""

LICENCE = "CC-BY-NC-SA-4.0"
AGAIN = "Download imagebind_huge.pth again."


def published_key(tower: str, key: str) -> str:
    """The name in the published file of a tower's own key.

    Raises:
        KeyError: a key that no tower has.
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
    """The weights of some towers by their own keys, still on the disk.

    Args:
        path: the published file.
        towers: `vision`, `audio`.
        sizes: configuration of each tower.

    Raises:
        SettingError: a tower that is not known, or none.
        CheckpointError: a file that is missing, damaged, holds more than weights, or other weights.
    """
    chosen = list(dict.fromkeys(towers))
    if not chosen or not set(chosen) <= set(TOWERS):
        raise SettingError(
            f"the towers {', '.join(chosen) or 'none'!r}",
            " or ".join(TOWERS),
            "Name one, or both with a comma between.",
        )
    tensors = _mapped(path)
    return {tower: _tower(path, tensors, tower, sizes[tower]) for tower in chosen}


def load_tower(
    path: Path,
    tower: str,
    *,
    dtype: torch.dtype = torch.float32,
    sizes: Mapping[str, dict[str, Any]] = HUGE,
) -> Tower:
    """One tower from the published file, ready to run; in float32 its weights stay on the disk until they are used.

    Raises:
        SettingError: as :func:`open_towers`.
        CheckpointError: as :func:`open_towers`, or weights that are not finite.
    """
    weights = open_towers(path, [tower], sizes=sizes)[tower]
    return fill(_on_meta(tower, sizes[tower]), weights, path, lambda: _built(tower, sizes[tower]), dtype=dtype)


def convert(
    path: Path,
    folder: Path,
    *,
    towers: Iterable[str] = tuple(TOWERS),
    dtype: torch.dtype = torch.float16,
    sizes: Mapping[str, dict[str, Any]] = HUGE,
    on_step: OnStep | None = None,
) -> list[Path]:
    """Copy towers into components of a checkpoint folder, one tensor in memory at a time.

    Everything but the values is checked before anything is written; each file is whole or not there.

    Args:
        path: the published file.
        folder: where `image_encoder` and `audio_encoder` go.
        towers: which of them.
        dtype: float16, bfloat16 or float32.
        sizes: configuration of each tower.
        on_step: told of every tensor.

    Returns:
        The written weights.

    Raises:
        SettingError: as :func:`open_towers`.
        CheckpointError: as :func:`open_towers`; values that are not finite, or not in `dtype`.
        OutputError: too little room on the disk, or a place that cannot be written.
    """
    opened = open_towers(path, towers, sizes=sizes)
    shapes = {tower: {key: tensor.shape for key, tensor in weights.items()} for tower, weights in opened.items()}
    check_room(folder, sum(stored_bytes(each, dtype) for each in shapes.values()))
    total, done, written = sum(map(len, shapes.values())), 0, []
    for tower, weights in opened.items():

        def read(key: str, tower: str = tower, weights: dict[str, Tensor] = weights) -> Tensor:
            nonlocal done
            value = _finite(path, published_key(tower, key), weights[key], dtype)
            done += 1
            if on_step:
                on_step(Step("convert", done, total))
            return value

        target = weights_file(folder, COMPONENTS[tower])
        metadata = {"source": path.name, "licence": LICENCE}
        stream_tensors(target, shapes[tower], read, dtype=dtype, metadata=metadata)
        place(target.with_name("config.json"), (json.dumps(sizes[tower], indent=2) + "\n").encode())
        written.append(target)
    return written


def _mapped(path: Path) -> dict[str, Any]:
    """Every tensor of the file, by its published name; nothing but the table of contents is read."""
    if not path.is_file() or path.stat().st_size == 0:
        what = "is a folder" if path.is_dir() else "is empty" if path.exists() else "does not exist"
        raise CheckpointError(f"{path} {what}", "ImageBind's published weights", "Check the path, or download it.")
    try:
        content = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} holds more than plain weights, which would run as a program",
            "a table of weights",
            "Don't open it with anything else; get imagebind_huge.pth from where Meta publishes it.",
        ) from error
    except (RuntimeError, OSError, ValueError, EOFError, LookupError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path} is cut short or no file of weights", "a whole one", AGAIN) from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise CheckpointError(f"{path} holds a {type(content).__name__}", "a table of weights by name", AGAIN)
    return content


def _tower(path: Path, content: dict[str, Any], tower: str, config: dict[str, Any]) -> dict[str, Tensor]:
    """The tower's part of the file, checked against the network that `config` describes."""
    network = _on_meta(tower, config).state_dict()
    expected = {published_key(tower, key): tensor for key, tensor in network.items()}
    found = {key: value for key, value in content.items() if key.startswith(tuple(f"{g}.{tower}." for g in GROUPS))}
    _refuse(path, "lacks", [key for key in expected if key not in found])
    _refuse(path, "has no place for", [key for key in found if key not in expected])
    _refuse(path, "holds something else than plain float weights as", [k for k in found if not _plain(found[k])])
    wrong = [key for key in expected if expected[key].shape != found[key].shape]
    _refuse(path, "has", [f"{key} of {list(found[key].shape)} for {list(expected[key].shape)}" for key in wrong])
    return {key: found[published_key(tower, key)] for key in network}


def _plain(value: object) -> bool:
    return isinstance(value, Tensor) and value.layout is torch.strided and value.dtype in DTYPES


def _refuse(path: Path, word: str, keys: list[str]) -> None:
    if keys:
        more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
        raise CheckpointError(
            f"{path} {word} {', '.join(keys[:SHOWN])}{more}",
            "the weights of imagebind_huge in float32, float16 or bfloat16",
            AGAIN,
        )


def _finite(path: Path, name: str, value: Tensor, dtype: torch.dtype) -> Tensor:
    converted = value.to(dtype)
    if not torch.stack(converted.aminmax()).isfinite().all():  # NaN if anything is, and ten times as fast
        if value.isfinite().all():
            raise CheckpointError(f"{name} does not fit into {dtype}", "smaller weights", "Convert to float32.")
        raise CheckpointError(f"{path} has values that are not finite in {name}", "finite weights", AGAIN)
    return converted


def _built(tower: str, config: dict[str, Any]) -> nn.Module:
    return TOWERS[tower].from_config(config)


def _on_meta(tower: str, config: dict[str, Any]) -> Tower:
    with torch.device("meta"):
        return TOWERS[tower].from_config(config)
