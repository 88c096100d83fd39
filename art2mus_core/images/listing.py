"""Which artworks there are: nothing is opened, and nothing heavy imported."""

from __future__ import annotations

from pathlib import Path

from ..errors import ArtworkError

__all__ = ["image_suffixes", "list_artworks", "samples"]

SUFFIXES = (".avif", ".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tga", ".tif", ".tiff", ".webp")

SAMPLES = Path(__file__).parent.parent / "samples"


def image_suffixes() -> tuple[str, ...]:
    """Suffixes, in lower case and with their dot, that mark a file of a folder as an artwork."""
    return SUFFIXES


def list_artworks(folder: Path) -> list[Path]:
    """The artworks directly in a folder, by suffix and sorted by name; hidden files are left out.

    Raises:
        ArtworkError: `folder` is missing or no folder.
    """
    try:
        entries = sorted(Path(folder).iterdir())
    except OSError as error:
        raise ArtworkError(
            f"{folder} cannot be listed ({error.strerror})", "a folder of pictures", "Check the path."
        ) from error
    return [
        path for path in entries if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]


def samples() -> dict[str, Path]:
    """The artworks that come with the package by name (the file's stem), sorted."""
    return {path.stem: path for path in list_artworks(SAMPLES)}
