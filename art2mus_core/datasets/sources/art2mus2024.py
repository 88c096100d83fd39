"""The pairs of Art2Mus (2024): a JSON table by columns, `Image` and `Audio`, of WikiArt's pictures and FMA's clips.

The pictures' names are WikiArt's in another state than the well-known archive's; `names.match_names` finds some of those that differ.
The list was published at https://github.com/justivanr/art2mus_ without a licence.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import DatasetError
from ..items import Match, check_path
from .parsing import Unique, read_json
from .tables import find_file

__all__ = ["read_art2mus2024"]

FILES = ("image_audio_subset_df.json", "art2mus_pairs.json")
EXPECTED = 'the pairs of Art2Mus, {"Image": {"0": ...}, "Audio": {"0": ...}}'


def read_art2mus2024(folder: Path, table: Path | None = None) -> Iterator[Match]:
    """Yield the pairs in the order of the list: a picture's file name, and a path such as `fma_large/010/010425.mp3`.

    Folders before FMA's own are left out, so that the paths are those of :func:`.fma.read_fma`.

    Args:
        folder: the folder of the list.
        table: the list itself, if it has another name than the published one.

    Raises:
        DatasetError: no list, not JSON, missing or unequal columns, a path that leaves the folder, or a pair twice.
    """
    path = table or find_file(folder, *FILES)
    if path is None:
        raise DatasetError(f"no {' or '.join(FILES)} in {folder}", EXPECTED, "Check the folder, or name the list.")
    content = read_json(path, EXPECTED)
    columns: list[Any] = [content.get(name) for name in ("Image", "Audio")] if isinstance(content, dict) else []
    if not (columns and all(isinstance(column, dict) for column in columns)):
        keys = ", ".join(content) if isinstance(content, dict) else type(content).__name__
        raise DatasetError(f"{path} with {keys or 'nothing'}", EXPECTED, "Choose another file.")
    images, audio = columns
    if uneven := sorted(images.keys() ^ audio.keys()):
        raise DatasetError(
            f"{path} has row {uneven[0]} in one column only", "both columns for each row", "Remove the row."
        )
    unique = Unique("pair", path)
    for row, image in images.items():
        where = f"row {row} of {path}"
        if not (isinstance(image, str) and isinstance(audio[row], str)):
            raise DatasetError(f"{where} has {image!r} and {audio[row]!r}", "two file names", "Correct the row.")
        artwork, music = check_path(image, where), _from_fma(check_path(audio[row], where))
        unique.add(f"{artwork} and {music}", f"row {row}")
        yield Match(artwork, music)


def _from_fma(path: str) -> str:
    parts = path.split("/")
    starts = [at for at, part in enumerate(parts) if part.startswith("fma_")]
    return "/".join(parts[starts[0] :]) if starts else path
