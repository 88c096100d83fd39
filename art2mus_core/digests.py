"""Digests of file contents and of weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["file_digest", "folder_digest", "half_digest", "joint_digest", "tensor_digest"]


def file_digest(path: Path) -> str:
    """sha256 of a file's content, in hexadecimal."""
    return _digest(path).hex()


def folder_digest(folder: Path) -> str:
    """sha256 over the names and contents of all files in a folder and its subfolders, without hidden files."""
    files = sorted(each for each in folder.rglob("*") if each.is_file() and not each.name.startswith("."))
    rows = [f"{each.relative_to(folder).as_posix()} {file_digest(each)}" for each in files]
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def joint_digest(paths: Iterable[Path], start: bytes = b"") -> str:
    """sha256 over `start` and the digests of some files, in hexadecimal."""
    return hashlib.sha256(start + b"".join(map(_digest, paths))).hexdigest()


def tensor_digest(tensors: Mapping[str, Any]) -> str:
    """sha256 over torch tensors and their keys, in hexadecimal."""
    total = hashlib.sha256()
    for key, tensor in tensors.items():
        total.update(key.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()


def half_digest(tensors: Iterable[Any]) -> str:
    """Twelve hexadecimal digits of the sha256 over torch tensors in float16, little endian; equal for weights stored in float32 and in float16."""
    total = hashlib.sha256()
    for tensor in tensors:
        total.update(tensor.half().numpy().tobytes())
    return total.hexdigest()[:12]


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
