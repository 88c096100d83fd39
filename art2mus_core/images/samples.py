"""The sample artworks that come with the package."""

from __future__ import annotations

from pathlib import Path

from .reading import list_artworks

__all__ = ["samples"]

_FOLDER = Path(__file__).parent.parent / "samples"


def samples() -> dict[str, Path]:
    """The packaged artworks by name (the file's stem), sorted."""
    return {path.stem: path for path in list_artworks(_FOLDER)}
