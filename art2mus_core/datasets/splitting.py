"""Splits of artworks, of music and of texts without leakage: what shares a creator, or is nearly the same, is in one split.

Artworks and music are split each for itself, before they are paired, and only pairs within a split are made. So no artist, picture
or track of the test split was heard or seen in training on either side.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from jaxtyping import Int

from ..errors import SettingError
from .items import Text
from .manifest import SPLITS
from .tables import ArtworkRow, MusicRow

__all__ = ["LIKENESS", "Groups", "creator_key", "group_artworks", "group_music", "group_texts", "split"]

LIKENESS = 6
"""Bits of 64 in which the perceptual hashes of nearly equal pictures may differ."""

BITS = np.array([byte.bit_count() for byte in range(256)], np.uint8)
"""Bits that are set in each byte."""

NAMELESS = frozenset({"", "anonymous", "unknown", "unknown artist", "unknown-artist", "various", "various artists"})
"""Creators that say nothing, in lower case."""


@dataclass
class Groups:
    """Which items belong together, and why.

    Attributes:
        of: each item's group, the same number for items that belong together.
        united: pairs of ids that were united, by reason; items of one creator or work are not listed.
    """

    of: dict[str, int]
    united: dict[str, list[tuple[str, str]]] = field(default_factory=dict)


class _Union:
    """Disjoint sets of numbers (Tarjan 1975)."""

    def __init__(self, count: int) -> None:
        self.parents = list(range(count))

    def root(self, item: int) -> int:
        while self.parents[item] != item:
            self.parents[item] = item = self.parents[self.parents[item]]
        return item

    def unite(self, one: int, other: int) -> None:
        one, other = sorted((self.root(one), self.root(other)))
        self.parents[other] = one


def group_artworks(
    rows: Sequence[ArtworkRow], duplicates: Iterable[Sequence[str]] = (), likeness: int = LIKENESS
) -> Groups:
    """Unite the artworks of an artist, listed duplicates, equal files, and pictures that look nearly the same.

    Args:
        rows: scanned artworks.
        duplicates: groups of ids that a published list calls duplicates; ids that are not in `rows` are left out.
        likeness: bits in which perceptual hashes may differ, 0 to 7.

    Raises:
        SettingError: `likeness` out of range.
    """
    if not 0 <= likeness <= 7:
        raise SettingError(f"a likeness of {likeness} bits", "0 to 7", "Choose another number.")
    known = {row.id: place for place, row in enumerate(rows)}
    listed = [[known[name] for name in group if name in known] for group in duplicates]
    looks = {place: int(row.look, 16) for place, row in enumerate(rows) if row.look}
    reasons = {
        "listed as duplicates": [pair for group in listed for pair in pairwise(group)],
        "the same picture": _equal([row.sha256 for row in rows]),
        "nearly the same picture": _near(looks, likeness),
    }
    return _grouped([row.id for row in rows], [creator_key(row.creator) for row in rows], reasons)


def group_music(rows: Sequence[MusicRow]) -> Groups:
    """Unite the music of a musician, and files with the same sound."""
    reasons = {"the same sound": _equal([row.sound for row in rows])}
    return _grouped([row.id for row in rows], [creator_key(row.creator) for row in rows], reasons)


def group_texts(texts: Sequence[Text], duplicates: Iterable[Sequence[str]] = ()) -> Groups:
    """Unite the texts about one work or its parts, about listed duplicates, and texts with the same words.

    Words are compared in lower case and without punctuation.

    Args:
        texts: utterances or captions.
        duplicates: groups of ids of works that a published list calls duplicates; ids that no text is about are left out.
    """
    works = [text.part_of or text.about for text in texts]
    first = {work: place for place, work in reversed(list(enumerate(works)))}
    listed = [[first[name] for name in group if name in first] for group in duplicates]
    reasons = {
        "about works listed as duplicates": [pair for group in listed for pair in pairwise(group)],
        "the same words": _equal([_words(text.text) for text in texts]),
    }
    return _grouped([text.id for text in texts], works, reasons)


def split(groups: Groups, shares: Mapping[str, float], seed: int) -> dict[str, str]:
    """The split of each item, the same for all items of a group.

    Groups come in an order drawn from `seed`. Each joins validation or test if it fits into what is left of its share there, and otherwise
    trains; so a large group never becomes most of a small split.

    Args:
        groups: of the items.
        shares: of `validation` and `test`, each at least 0 and together below 1.
        seed: of the order.

    Raises:
        SettingError: other splits or shares.
    """
    held = [name for name in SPLITS if name != "train"]
    if set(shares) - set(held) or min(shares.values(), default=0) < 0 or not sum(shares.values()) < 1:
        raise SettingError(f"shares {dict(shares)}", f"shares of {' and '.join(held)} below 1", "Choose others.")
    members = defaultdict[int, list[str]](list)
    for name, group in groups.of.items():
        members[group].append(name)
    room = {name: round(shares.get(name, 0) * len(groups.of)) for name in held}
    found = dict[str, str]()
    for names in sorted(members.values(), key=lambda names: _drawn(seed, min(names))):
        chosen = next((name for name in held if len(names) <= room[name]), "train")
        if chosen in room:
            room[chosen] -= len(names)
        found.update(dict.fromkeys(names, chosen))
    return {name: found[name] for name in groups.of}


def _drawn(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed} {name}".encode()).digest()


def _grouped(ids: Sequence[str], kin: Sequence[Hashable], reasons: dict[str, list[tuple[int, int]]]) -> Groups:
    """Groups of the ids with equal kin (None is no kin), and of those that are paired for a reason."""
    union = _Union(len(ids))
    for one, other in _equal(kin):
        union.unite(one, other)
    for pairs in reasons.values():
        for one, other in pairs:
            union.unite(one, other)
    named = {reason: [(ids[one], ids[other]) for one, other in pairs] for reason, pairs in reasons.items() if pairs}
    return Groups({name: union.root(place) for place, name in enumerate(ids)}, named)


def creator_key(creator: str | None) -> str | None:
    """A creator's name as it is compared: letters in lower case, words joined by blanks; None if it says nothing."""
    folded = unicodedata.normalize("NFKC", creator or "").casefold()
    plain = " ".join(folded.replace("-", " ").replace("_", " ").split())
    return None if plain in NAMELESS else plain


def _words(text: str) -> str:
    """The words of a text, as they are compared."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(letter if letter.isalnum() else " " for letter in folded).split())


def _equal(values: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Pairs of neighbours among the places with one value; None is no value."""
    places = defaultdict[Hashable, list[int]](list)
    for place, value in enumerate(values):
        if value is not None:
            places[value].append(place)
    return [pair for group in places.values() for pair in pairwise(group)]


def _near(looks: Mapping[int, int], likeness: int) -> list[tuple[int, int]]:
    """Pairs of places whose hashes differ in at most `likeness` bits of 64, at most 7: one of eight bytes is then equal.

    Of places with one hash, the first stands for all.
    """
    places = dict[int, int]()
    same = list[tuple[int, int]]()
    for place, look in looks.items():
        if look in places:
            same.append((places[look], place))
        places.setdefault(look, place)
    hashes = np.fromiter(places, np.uint64, len(places))
    found = set[tuple[int, int]]()
    for shift in range(0, 64, 8):
        byte = (hashes >> np.uint64(shift)) & np.uint64(255)
        order = np.argsort(byte, kind="stable")
        for bucket in np.split(order, np.flatnonzero(np.diff(byte[order])) + 1):
            found.update(_near_in(bucket, hashes, likeness))
    firsts = list(places.values())
    return sorted({*same, *((firsts[one], firsts[other]) for one, other in found)})


def _near_in(bucket: Int[np.ndarray, " some"], hashes: np.ndarray, likeness: int) -> Iterator[tuple[int, int]]:
    for first, one in enumerate(bucket[:-1]):
        others = bucket[first + 1 :]
        different = (hashes[others] ^ hashes[one]).view(np.uint8).reshape(-1, 8)
        for other in others[BITS[different].sum(1) <= likeness]:
            yield min(int(one), int(other)), max(int(one), int(other))
