"""File names: valid on every file system, compared as users compare them, and printable."""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

__all__ = [
    "TAKE",
    "Name",
    "as_unicode",
    "is_short_for",
    "name_files",
    "on_one_line",
    "readable",
    "same_name",
    "take_name",
]

TAKE = "--"
"""Separates an artwork's id from the number of a take: ID--TAKE."""

REFUSED_ON_WINDOWS = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
RESERVED_ON_WINDOWS = {"aux", "con", "nul", "prn", *(f"{port}{n}" for port in ("com", "lpt") for n in "0123456789¹²³")}
HALVES = re.compile("[\ud800-\udfff]")
"""Surrogates; Python uses them for bytes of a name that are not valid text."""

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Control characters other than tab and line feed."""

BREAKS = re.compile("[\t\n\u2028\u2029]")


class Name(NamedTuple):
    """The stems of the files of one artwork.

    Attributes:
        stem: stem of the first file.
        takes: stems of the other takes, in order.
        note: why the stem differs from the artwork's, or None.
    """

    stem: str
    takes: tuple[str, ...] = ()
    note: str | None = None


def take_name(stem: str, take: str) -> str:
    """`ID--TAKE`, or `ID` for the first take, whose name is empty."""
    return f"{stem}{TAKE}{take}" if take else stem


def same_name(name: str) -> str:
    """A normal form that is equal for names that differ only in case or in Unicode normalisation (NFC, NFD)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


def name_files(stems: Sequence[str], room: int, takes: int = 1, *, windows: bool = os.name == "nt") -> list[Name]:
    """Names for the files of artworks, unique even on a file system that ignores case and Unicode normalisation.

    Args:
        stems: stems of the artworks' files. They are kept where possible; repeated ones are numbered.
        room: bytes available for a stem.
        takes: number of files per artwork.
        windows: replace characters and names that Windows refuses.
    """
    most = room - len(take_name("", str(takes))) if takes > 1 else room
    fitted = [_fitted(stem, most, windows=windows) for stem in stems]
    taken = {same_name(stem) for stem, _ in fitted}
    found, owned = [], set[str]()
    for stem, changed in fitted:
        own, note = stem, changed
        if same_name(stem) in owned:
            own = next(
                each
                for number in range(2, len(stems) + 2)
                if same_name(each := _numbered(stem, number, most)) not in taken
            )
            note = f"the music of another artwork is called {stem}"
        owned.add(same_name(own))
        taken.add(same_name(own))
        found.append((own, note))
    return [Name(stem, _takes(stem, takes, taken), note) for stem, note in found]


def _takes(stem: str, count: int, taken: set[str]) -> tuple[str, ...]:
    """Stems for the takes of an artwork after the first; they skip names of other artworks, such as one called ID--2."""
    numbers = range(2, count + len(taken) + 1)
    free = [each for number in numbers if same_name(each := take_name(stem, str(number))) not in taken]
    taken.update(map(same_name, free[: count - 1]))
    return tuple(free[: count - 1])


def _fitted(stem: str, most: int, *, windows: bool) -> tuple[str, str | None]:
    """A stem that is visible and valid, and the reason if it was changed."""
    named, note = stem.lstrip(".") or "artwork", None
    if named != stem:
        note = "its own name would be hidden"
    if windows and (named != (allowed := _for_windows(named))):
        named, note = allowed, "Windows does not allow its own name"
    if _size(named) > most:
        named, note = _shortened(named, most), "its own name is too long"
    return named, note


def _for_windows(stem: str) -> str:
    stem = REFUSED_ON_WINDOWS.sub("_", stem)
    return f"_{stem}" if stem.partition(".")[0].strip().casefold() in RESERVED_ON_WINDOWS else stem


def _numbered(stem: str, number: int, most: int) -> str:
    tail = f"-{number}"
    return (stem if _size(stem) + len(tail) <= most else _shortened(stem, most - len(tail))) + tail


def _shortened(stem: str, most: int) -> str:
    """The beginning of a stem and a hash of the whole stem."""
    begin = os.fsencode(stem)[: most - 9].decode("utf-8", errors="ignore")
    return f"{begin}~{_digest(stem)}"


def is_short_for(stem: str, full: str) -> bool:
    """Whether :func:`name_files` shortened `full` to `stem`."""
    return stem.endswith(f"~{_digest(full)}")


def _digest(stem: str) -> str:
    return hashlib.sha256(unicodedata.normalize("NFC", stem).encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _size(stem: str) -> int:
    return len(os.fsencode(stem))


def as_unicode(text: str) -> str:
    """Text that UTF-8 can encode: invalid bytes of a name become hexadecimal."""
    return HALVES.sub(_escaped, text)


def readable(text: str) -> str:
    """Text for terminals and tags: as :func:`as_unicode`, with control characters escaped except tabs and line feeds."""
    return CONTROLS.sub(_escaped, as_unicode(text))


def on_one_line(text: str) -> str:
    """As :func:`readable`, with tabs and line breaks escaped."""
    return BREAKS.sub(_escaped, readable(text))


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code in range(0xDC80, 0xDD00):
        code -= 0xDC00  # the invalid byte
    return {9: "\\t", 10: "\\n", 13: "\\r"}.get(code, f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
