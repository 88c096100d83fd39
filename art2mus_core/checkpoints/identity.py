"""Identifies a component of a checkpoint by its files."""

from __future__ import annotations

from pathlib import Path

from ..digests import joint_digest
from .folder import config_file, weights_file

__all__ = ["component_digest"]


def component_digest(folder: Path, name: str) -> str:
    """sha256 of a component's configuration and weights."""
    return joint_digest([config_file(folder, name), weights_file(folder, name)])
