"""Digests of file contents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

__all__ = ["file_digest", "joint_digest"]


def file_digest(path: Path) -> str:
    """sha256 of a file's content, in hexadecimal."""
    return _digest(path).hex()


def joint_digest(paths: Iterable[Path], start: bytes = b"") -> str:
    """sha256 over `start` and the digests of some files, in hexadecimal."""
    return hashlib.sha256(start + b"".join(map(_digest, paths))).hexdigest()


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
