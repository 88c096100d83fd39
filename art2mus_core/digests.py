"""Digests of file contents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

__all__ = ["file_digest", "joint_digest"]


def file_digest(path: Path) -> str:
    """sha256 of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def joint_digest(paths: Iterable[Path], start: bytes = b"") -> str:
    """sha256 over `start` and the digests of some files, in hexadecimal."""
    total = hashlib.sha256(start)
    for path in paths:
        total.update(bytes.fromhex(file_digest(path)))
    return total.hexdigest()
