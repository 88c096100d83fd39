"""Which artworks there are: nothing is opened, and nothing heavy imported."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ..errors import ArtworkError
from .formats import PLUG_INS, suffixes

__all__ = ["Listing", "Skipped", "find_artworks", "image_suffixes", "list_artworks", "samples", "say_skipped"]

SAMPLES = Path(__file__).parent.parent / "samples"

_LITTER = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir"})
"""What systems leave in folders, in lower case: not worth a word."""

_REASONS = {
    "a camera's raw file: export it as TIFF": "3fr arw cr2 cr3 crw dng erf fff iiq kdc mef mos mrw nef nrw orf pef raf raw "
    "rw2 rwl sr2 srf srw x3f",
    "a drawing program's own file: export it as PNG": "afdesign afphoto ai cdr clip csp kra ora pdn procreate psb psd sai "
    "xcf",
    "a document or drawing without pixels: export it as PNG": "emf eps pdf ps svg svgz wmf",
    "a picture of a kind that is not read: save it as PNG or TIFF": "bpg cin dds dpx exr fit fits flif hdr icns jxr pict "
    "qoi wbmp wdp xbm xpm",
    "a film": "avi m4v mkv mov mp4 mpeg mpg webm wmv",
    "a sound": "aif aiff flac m4a mid mp3 oga ogg opus wav",
}
_REASON = {f".{suffix}": reason for reason, listed in _REASONS.items() for suffix in listed.split()}
_FOLDER, _NONE = "a folder, not looked into", "no picture"
_SHOWN = 3
"""Names that are told of each reason."""


class Skipped(NamedTuple):
    """A file that is no artwork, or a folder that was not looked into."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Listing:
    """What a folder holds: its artworks in order, and what was left out."""

    artworks: tuple[Path, ...]
    skipped: tuple[Skipped, ...] = ()


def image_suffixes() -> tuple[str, ...]:
    """Suffixes, in lower case and with their dot, that mark a file of a folder as an artwork."""
    return suffixes()


def find_artworks(folder: Path, *, recursive: bool = False) -> Listing:
    """The artworks in a folder, by suffix and sorted by name, and what else lies there.

    Hidden files and what systems leave behind are passed over. Links are followed; a folder that was seen already is not
    looked into again, so that loops end.

    Args:
        folder: the folder.
        recursive: look into its folders too.

    Raises:
        ArtworkError: `folder` is missing or no folder.
    """
    folder = Path(folder)
    found: list[Path] = []
    skipped: list[Skipped] = []
    seen: set[Path] = set()
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        try:
            inner = _look_into(place, found, skipped) if _new(place, seen) else []
        except (OSError, RuntimeError) as error:
            reason = f"cannot be listed ({getattr(error, 'strerror', None) or error})"
            if place == folder:
                raise ArtworkError(f"{folder} {reason}", "a folder of pictures", "Check the path.") from error
            skipped.append(Skipped(place, reason))
            continue
        if recursive:
            waiting += reversed(inner)
        else:
            skipped += [Skipped(path, _FOLDER) for path in inner]
    return Listing(tuple(found), tuple(skipped))


def _new(place: Path, seen: set[Path]) -> bool:
    """Whether a folder is met for the first time, by whatever path."""
    real = place.resolve()
    first = real not in seen
    seen.add(real)
    return first


def _look_into(place: Path, found: list[Path], skipped: list[Skipped]) -> list[Path]:
    """Add what one folder holds; the folders in it are given back."""
    folders = []
    for path in sorted(place.iterdir()):
        if path.name.startswith(".") or path.name.lower() in _LITTER:
            continue
        if _is_folder(path):
            folders.append(path)
        elif reason := _why_not(path):
            skipped.append(Skipped(path, reason))
        else:
            found.append(path)
    return folders


def list_artworks(folder: Path) -> list[Path]:
    """The artworks directly in a folder, see :func:`find_artworks`.

    Raises:
        ArtworkError: `folder` is missing or no folder.
    """
    return list(find_artworks(folder).artworks)


def say_skipped(skipped: Iterable[Skipped], artworks: int) -> str:
    """One line on what was left out beside so many artworks, by reason; empty if there is nothing to say."""
    by_reason: dict[str, list[str]] = {}
    for path, reason in skipped:
        by_reason.setdefault(reason, []).append(path.name)
    if not by_reason:
        return ""
    folders, files = (
        sum(len(names) for reason, names in by_reason.items() if (reason == _FOLDER) is is_folder)
        for is_folder in (True, False)
    )
    counts = [f"{files} of {files + artworks} files"] if files else []
    counts += [f"{folders} folder{'s' if folders > 1 else ''}"] if folders else []
    return f"skipped {' and '.join(counts)}: {', '.join(_told(by_reason))}"


def samples() -> dict[str, Path]:
    """The artworks that come with the package by name (the file's stem), sorted."""
    return {path.stem: path for path in list_artworks(SAMPLES)}


def _told(by_reason: dict[str, list[str]]) -> Iterator[str]:
    for reason, names in by_reason.items():
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield f"{', '.join(name if len(name) <= 60 else name[:57] + '...' for name in names[:_SHOWN])}{more} ({reason})"


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _why_not(path: Path) -> str | None:
    """Why a file is no artwork; nothing if it is one."""
    suffix = path.suffix.lower()
    try:
        if not path.is_file():
            return "a link that leads nowhere" if path.is_symlink() else "no file"
    except OSError as error:
        return f"cannot be looked at ({error.strerror})"
    if suffix in suffixes():
        return None
    for plug_in in PLUG_INS:
        if suffix in plug_in.suffixes:
            return f"needs a plug-in: pip install {plug_in.package}"
    return _REASON.get(suffix, _NONE)
