"""Identifies a component of a checkpoint by its files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..digests import joint_digest
from .folder import config_file, weights_file

__all__ = ["component_digest", "component_digests"]


def component_digest(folder: Path, name: str) -> str:
    """sha256 of a component's configuration and weights."""
    return joint_digest([config_file(folder, name), weights_file(folder, name)])


def component_digests(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """sha256 of those components that are there, by name."""
    there = [name for name in names if config_file(folder, name).is_file() and weights_file(folder, name).is_file()]
    return {name: component_digest(folder, name) for name in there}
