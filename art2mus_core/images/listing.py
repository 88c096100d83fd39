"""Lists the artworks of folders without opening files. Imports nothing heavy."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..errors import ArtworkError
from .formats import PLUG_INS, suffixes

__all__ = ["Listing", "Skipped", "describe_skipped", "find_artworks", "list_artworks", "samples"]

SAMPLES = Path(__file__).parent.parent / "samples"

_LITTER = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir"})
"""Files that operating systems leave in folders, in lower case; they are not reported."""

_REASONS = {
    "a camera's raw file: export it as TIFF": "3fr arw cr2 cr3 crw dng erf fff iiq kdc mef mos mrw nef nrw orf pef raf raw "
    "rw2 rwl sr2 srf srw x3f",
    "a drawing program's file: export it as PNG": "afdesign afphoto ai cdr clip csp kra ora pdn procreate psb psd sai "
    "xcf",
    "a document or drawing without pixels: export it as PNG": "emf eps pdf ps svg svgz wmf",
    "an unsupported picture format: save it as PNG or TIFF": "bpg cin dds dpx exr fit fits flif hdr icns jxr pict "
    "qoi wbmp wdp xbm xpm",
    "a video": "avi m4v mkv mov mp4 mpeg mpg webm wmv",
    "an audio file": "aif aiff flac m4a mid mp3 oga ogg opus wav",
}
_REASON = {f".{suffix}": reason for reason, listed in _REASONS.items() for suffix in listed.split()}
_FOLDER, _NONE = "a folder, not searched", "not a picture"
_SHOWN = 3
"""Number of names listed for each reason."""


class Skipped(NamedTuple):
    """A file that is not an artwork, or a folder that was not searched, and the reason."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Listing:
    """The artworks of a folder in order, and the files and folders that were skipped."""

    artworks: tuple[Path, ...]
    skipped: tuple[Skipped, ...] = ()


def find_artworks(folder: Path, *, recursive: bool = False) -> Listing:
    """Find the artworks in a folder by suffix, sorted by name.

    Hidden files and the operating system's own are ignored. Links are followed; each folder is listed once, so loops end.

    Args:
        folder: the folder.
        recursive: include subfolders.

    Raises:
        ArtworkError: `folder` is missing or not a folder.
    """
    found: list[Path] = []
    skipped: list[Skipped] = []
    visited: set[str] = set()

    def skip_unreadable(error: OSError) -> None:
        reason = f"cannot be listed ({error.strerror or error})"
        if Path(error.filename) == Path(folder):
            raise ArtworkError(f"{folder} {reason}", "a folder of pictures", "Check the path.") from error
        skipped.append(Skipped(Path(error.filename), reason))

    for place, folders, files in os.walk(folder, onerror=skip_unreadable, followlinks=True):
        if (real := os.path.realpath(place)) in visited:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = _visible(folders)
        for path in (Path(place, name) for name in _visible(files)):
            if reason := _why_not(path):
                skipped.append(Skipped(path, reason))
            else:
                found.append(path)
        if not recursive:
            skipped += [Skipped(Path(place, name), _FOLDER) for name in folders]
            folders.clear()
    return Listing(tuple(found), tuple(skipped))


def _visible(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if not name.startswith(".") and name.lower() not in _LITTER)


def list_artworks(folder: Path) -> list[Path]:
    """Return the artworks directly in a folder, see :func:`find_artworks`.

    Raises:
        ArtworkError: `folder` is missing or not a folder.
    """
    return list(find_artworks(folder).artworks)


def describe_skipped(skipped: Iterable[Skipped], artworks: int) -> str:
    """Return one line that lists skipped files by reason, "" if there are none.

    Args:
        skipped: the files and folders.
        artworks: number of artworks found in the same folders.
    """
    by_reason: dict[str, list[str]] = {}
    for path, reason in skipped:
        by_reason.setdefault(reason, []).append(path.name if len(path.name) <= 60 else path.name[:57] + "...")
    if not by_reason:
        return ""
    folders = len(by_reason.get(_FOLDER, ()))
    files = sum(map(len, by_reason.values())) - folders
    counts = [f"{files} of {files + artworks} files"] if files else []
    counts += [f"{folders} folder{'s' if folders > 1 else ''}"] if folders else []
    lists = (
        f"{', '.join(names[:_SHOWN])}{f' and {len(names) - _SHOWN} more' if len(names) > _SHOWN else ''} ({reason})"
        for reason, names in by_reason.items()
    )
    return f"skipped {' and '.join(counts)}: {', '.join(lists)}"


def samples() -> dict[str, Path]:
    """Return the bundled sample artworks by name (the file's stem), sorted."""
    return {path.stem: path for path in list_artworks(SAMPLES)}


def _why_not(path: Path) -> str | None:
    """Return the reason why a file is not an artwork, None if it is one."""
    suffix = path.suffix.lower()
    try:
        if not path.is_file():
            return "a broken link" if path.is_symlink() else "not a regular file"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if suffix in suffixes():
        return None
    for plug_in in PLUG_INS:
        if suffix in plug_in.suffixes:
            return f"needs a plug-in: pip install {plug_in.package}"
    return _REASON.get(suffix, _NONE)
