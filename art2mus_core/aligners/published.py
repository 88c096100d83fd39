"""The projections of Art2Mus 2024 as their authors published them: pickled tables of weights, opened as nothing else.

Source: art2mus_img_proj_layer.pt and art2mus_4_img_proj_layer.pt in the folder art2mus_weights of justivanr/art2mus_; what
the files don't say is in the code beside them.
"""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from ..errors import CheckpointError

__all__ = ["FACTS", "KEYS", "SIZES", "SUFFIX", "count_tokens", "read_published"]

SUFFIX = ".pt"

KEYS: Mapping[str, str] = MappingProxyType(
    {
        "projection1.weight": "hidden.weight",
        "projection1.bias": "hidden.bias",
        "projection2.weight": "prompt.weight",
        "projection2.bias": "prompt.bias",
    }
)
"""Published key to the key in :class:`~.projection.ProjectionAligner`."""

SIZES: Mapping[str, int] = MappingProxyType({"dim": 1024, "hidden": 1536, "width": 768})
"""Widths of ImageBind's embedding, of the hidden layer and of AudioLDM2's GPT-2; the number of tokens is the file's."""

FACTS: Mapping[str, str] = MappingProxyType(
    {
        "kind": "projection",
        "space": "imagebind",
        "encoder": "imagebind",
        "prior": "audioldm2",
        "licence": "none stated by its authors, so all rights are theirs",
        "run": "Rinaldi, Fanelli, Castellano, Vessio 2024, arXiv 2410.04906",
    }
)
"""What the header of an aligner file would say; encoder (ImageBind-huge) and prior (cvssp/audioldm2) from the authors' code."""

DTYPES = (torch.float32, torch.float16, torch.bfloat16)
ARCHIVE, PICKLE = b"PK", b"\x80"
"""How a file of weights begins: a zip archive since torch 1.6, a bare pickle before."""

SHOWN = 5
"""Keys an error names."""

EXPECTED = f"an image projection of Art2Mus 2024: {', '.join(KEYS)} in float32, float16 or bfloat16, nothing else"
AGAIN = "Download it again from where its authors publish it."


def count_tokens(path: Path, *, sizes: Mapping[str, int] = SIZES) -> int:
    """Prompt tokens of a published file; keys and shapes are checked, values are not read.

    Raises:
        CheckpointError: missing, damaged, more than a table of weights, or other weights.
    """
    return len(_checked(path, sizes)["projection2.bias"]) // sizes["width"]


def read_published(path: Path, *, sizes: Mapping[str, int] = SIZES) -> dict[str, Tensor]:
    """The weights of a published file in float32 by our own keys, free of the file.

    Raises:
        CheckpointError: as :func:`count_tokens`, or values that are not finite.
    """
    tensors = _checked(path, sizes)
    _refuse(path, {"has values that are not finite in": [key for key in KEYS if not tensors[key].isfinite().all()]})
    return {ours: tensors[key].detach().to(torch.float32, copy=True) for key, ours in KEYS.items()}


def _checked(path: Path, sizes: Mapping[str, int]) -> dict[str, Tensor]:
    """The table of weights, still on the disk, if it is one of the published two in all but its values."""
    table = _opened(path)
    _refuse(path, {"lacks": KEYS.keys() - table.keys(), "has no place for": table.keys() - KEYS.keys()})
    _refuse(path, {"holds something else than plain float weights as": [key for key in KEYS if not _plain(table[key])]})
    rows, width = table["projection2.bias"].numel(), sizes["width"]
    if rows == 0 or rows % width:
        _refuse(path, {f"has {rows} values for tokens of {width} in": ["projection2.bias"]})
    shapes = {
        "projection1.weight": [sizes["hidden"], sizes["dim"]],
        "projection1.bias": [sizes["hidden"]],
        "projection2.weight": [rows, sizes["hidden"]],
        "projection2.bias": [rows],
    }
    found = {key: list(table[key].shape) for key in KEYS}
    wrong = [f"{key} of {found[key]} for {shapes[key]}" for key in KEYS if found[key] != shapes[key]]
    _refuse(path, {"has": wrong})
    return table


def _opened(path: Path) -> dict[str, Any]:
    """What lies in the file by name, mapped where the format allows it."""
    if not path.is_file():
        raise CheckpointError(f"{path} {'is a folder' if path.is_dir() else 'does not exist'}", EXPECTED, AGAIN)
    try:
        with path.open("rb") as file:
            start = file.read(64)
        weights = start.startswith((ARCHIVE, PICKLE))
        table = (
            torch.load(path, map_location="cpu", mmap=zipfile.is_zipfile(path), weights_only=True) if weights else None
        )
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{path} is damaged or holds more than weights, which could run as a program",
            EXPECTED,
            f"Don't open it with anything else. {AGAIN}",
        ) from error
    except Exception as error:  # damaged bytes can raise anything in the unpickler
        raise CheckpointError(f"{path} is cut short, damaged or no file of weights", EXPECTED, AGAIN) from error
    if not isinstance(table, dict) or not all(isinstance(key, str) for key in table):
        raise CheckpointError(f"{path} {_look(start)}", EXPECTED, AGAIN)
    return table


def _look(start: bytes) -> str:
    """What a file is that holds no table of weights, from its first bytes."""
    if not start:
        return "is empty"
    if start.startswith((ARCHIVE, PICKLE)):
        return "holds no table of weights by name"
    return "is a web page" if start.lstrip().startswith(b"<") else "is no file of weights"


def _plain(value: object) -> bool:
    return (
        isinstance(value, Tensor)
        and value.layout is torch.strided
        and value.device.type == "cpu"
        and value.dtype in DTYPES
    )


def _refuse(path: Path, complaints: Mapping[str, Collection[str]]) -> None:
    """Raise if there is a key that one of the complaints is about."""
    said = [f"{what} {_listed(sorted(keys))}" for what, keys in complaints.items() if keys]
    if said:
        raise CheckpointError(f"{path} {' and '.join(said)}", EXPECTED, AGAIN)


def _listed(keys: list[str]) -> str:
    return ", ".join(keys[:SHOWN]) + (f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else "")
