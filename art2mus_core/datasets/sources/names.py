"""Names of artworks as WikiArt's files have them (`artist_title-year.jpg`), and how names of two lists are matched.

Lists and files disagree in letters with accents. On WikiArt's pages they became hyphens, or lost their accents. In the well-known
archive they are UTF-8 read as Latin-1 and then lower-cased (`ã©` for é): the usual repair fails, because lower-casing changed the first
byte too. Other copies have percent escapes, unzip's `#U00e9`, or UTF-8 read as code page 437.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote

__all__ = ["Matches", "Work", "hyphenated_key", "match_names", "name_key", "parse_name", "repair", "without_suffix"]

_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif")
_COPY = re.compile(r"\(\d+\)$")
_YEAR = re.compile(r"-(1\d{3}|20\d{2})(?:-\d{1,2})?$")
_UNKNOWN = re.compile(r"^_?not_detected_\d+$")

_CONTINUED = {chr(byte): byte for byte in range(0x80, 0xC0)}
for _byte in range(0x80, 0xA0):
    _mark = bytes([_byte]).decode("cp1252", errors="replace")
    if not (
        _mark.isalpha() or _mark == "\ufffd"
    ):  # letters may stand in a name that is in order; five bytes have no character
        _CONTINUED[_mark] = _byte
_BROKEN = re.compile(f"[\xc2-\xfe][{re.escape(''.join(_CONTINUED))}]{{1,3}}")
"""What UTF-8 of one letter looks like in Latin-1 or code page 1252, lower-cased or not."""

_PLAIN = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"})
"""Letters that Unicode does not take apart into a letter and an accent."""


class Work(NamedTuple):
    """What a file name says of a work; a title that was not detected is None."""

    artist: str
    title: str | None
    year: int | None


def without_suffix(name: str) -> str:
    """Return a picture's name without the suffix of its format; dots in artists' names, as in `m.c.-escher`, stay."""
    return next((name[: -len(end)] for end in _SUFFIXES if name.lower().endswith(end)), name)


def repair(name: str) -> str:
    """Return a name with its letters restored, in the composed form (NFC); a name that is in order changes in nothing else."""
    with suppress(UnicodeDecodeError):
        name = unquote(name, errors="strict")
    name = re.sub(r"#U((?!D[89A-F])[0-9A-F]{4})", lambda found: chr(int(found[1], 16)), name, flags=re.IGNORECASE)
    if any(mark in name for mark in "┬├─┼"):
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return unicodedata.normalize("NFC", _BROKEN.sub(_restored, name))


def _restored(found: re.Match[str]) -> str:
    first, rest = ord(found[0][0]), found[0][1:]
    for lead in (first, first - 0x20):  # as it was, or before it was lower-cased
        size = 1 if lead < 0xE0 else 2 if lead < 0xF0 else 3
        with suppress(UnicodeDecodeError):
            return bytes([lead, *(_CONTINUED[letter] for letter in rest[:size])]).decode("utf-8") + rest[size:]
    return found[0]


def parse_name(name: str) -> Work:
    """Return artist, title and year of a file name such as `claude-monet_water-lilies-1908(2).jpg`.

    The artist ends at the first `_`. A year is the last word, with or without the number of a further version.
    """
    artist, _, title = repair(without_suffix(name)).partition("_")
    title = "" if _UNKNOWN.match(title) else _COPY.sub("", title)
    year = _YEAR.search(title)
    title = title[: year.start()] if year else title
    return Work(_words(artist), _words(title) or None, int(year[1]) if year else None)


def _words(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", text).strip()


def name_key(name: str) -> str:
    """Return what equal names have in common: letters without accents and digits, in lower case, words joined by `-`.

    The number of a copy, `(2)`, stays as it is: without it, or with `-2` for it, different works would become one.
    """
    return _key(repair(without_suffix(name)).casefold())


def hyphenated_key(name: str) -> str:
    """Return a name's key in the form in which each letter beyond ASCII was replaced by a hyphen, as in WikiArt's addresses."""
    return _key(re.sub(r"[^\x00-\x7f]", "-", repair(without_suffix(name)).casefold()))


def _key(name: str) -> str:
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold().translate(_PLAIN))
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    copy = _COPY.search(plain)
    return re.sub(r"[\W_]+", "-", plain[: copy.start()] if copy else plain).strip("-") + (copy[0] if copy else "")


@dataclass(frozen=True)
class Matches:
    """Names that were found in another list, and names that fit several there or share their match; others have none."""

    found: dict[str, str]
    ambiguous: dict[str, tuple[str, ...]]


def match_names(wanted: Iterable[str], present: Iterable[str]) -> Matches:
    """Match names of two lists: equal names first, then by :func:`name_key`, then a key with the :func:`hyphenated_key` of the other.

    Names with one key match only if each list has just one of them, so that different works never become one.
    """
    asked, known = dict.fromkeys(wanted), dict.fromkeys(present)
    found = {name: name for name in asked if name in known}
    ambiguous: dict[str, tuple[str, ...]] = {}
    for ours, theirs in ((name_key, name_key), (name_key, hyphenated_key), (hyphenated_key, name_key)):
        if len(found) + len(ambiguous) == len(asked):
            break
        here, there = _grouped(asked, ours), _grouped(known, theirs)
        for each, names in here.items():
            fits = tuple(there.get(each, ()))
            for name in names:
                if not fits or name in found or name in ambiguous:
                    continue
                if len(names) == len(fits) == 1:
                    found[name] = fits[0]
                else:
                    ambiguous[name] = fits
    shared = {match for match, count in Counter(found.values()).items() if count > 1}
    ambiguous |= {name: (match,) for name, match in found.items() if match in shared and match != name}
    return Matches({name: match for name, match in found.items() if name not in ambiguous}, ambiguous)


def _grouped(names: Iterable[str], key: Callable[[str], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        groups[key(name)].append(name)
    return groups
