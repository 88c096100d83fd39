"""Progressions by shade of the mode: Roman numerals, bars divided by `|`, at most two chords in a bar."""

from __future__ import annotations

__all__ = ["PROGRESSIONS", "length_key"]

Table = dict[str, tuple[str, ...]]

SHORT: dict[str, Table] = {
    "major": {
        "open 1": ("I V",),
        "closed 1": ("V7 I",),
        "final 1": ("I V7",),
        "contrast 1": ("IV V",),
        "open 2": ("I|IV V", "I|V", "I IV|V"),
        "closed 2": ("I V7|I", "IV V7|I"),
        "contrast 2": ("IV|V", "IV I|V"),
        "final 2": ("I|IV V7", "I IV|V7", "I IV|I V7"),
        "intro 2": ("I|I", "I|I"),
        "final 3": ("I|IV|V7", "I|IV|I V7"),
    },
    "minor": {
        "open 1": ("i V",),
        "closed 1": ("V7 i",),
        "final 1": ("i V7",),
        "contrast 1": ("iv V",),
        "open 2": ("i|iv V", "i|V", "i iv|V"),
        "closed 2": ("i V7|i", "iv V7|i"),
        "contrast 2": ("iv|V", "iv i|V"),
        "final 2": ("i|iv V7", "i iv|V7", "i iv|i V7"),
        "intro 2": ("i|i", "i|i"),
        "final 3": ("i|iv|V7", "i|iv|i V7"),
    },
}

PROGRESSIONS: dict[str, Table] = {
    "bright major": SHORT["major"]
    | {
        "open 4": ("I|IV|I|V", "I|I|IV|V", "I|V|I IV|V", "I|IV|I IV|V"),
        "closed 4": ("I|IV|V7|I", "I|IV|I V7|I", "I|I IV|V7|I"),
        "contrast 4": ("IV|I|IV|V", "IV|I|ii|V", "vi|IV|I|V"),
        "final 4": ("I|IV|I|V7", "I|IV|I V|V7", "I|vi|IV|V7"),
    },
    "mild major": SHORT["major"]
    | {
        "open 2": ("I|ii V", "I vi|V", "I|IV V"),
        "final 2": ("I|ii V7", "I vi|V7", "I|IV V7"),
        "open 4": ("I|vi|IV|V", "I|iii|IV|V", "I|vi|ii|V", "I|IV|ii|V"),
        "closed 4": ("I|vi|ii V7|I", "I|IV iv|V7|I", "I|IV|V7|I"),
        "contrast 4": ("vi|iii|IV|V", "ii|V|vi IV|V", "IV|iv|I|V", "vi|IV|I|V"),
        "final 4": ("I|vi|IV|V7", "I|vi|ii V|V7", "I|IV iv|I|V7"),
    },
    "mild minor": SHORT["minor"]
    | {
        "open 4": ("i|bVI|iv|V", "i|iv|i|V", "i|bVII|bVI|V", "i|i|iv|V"),
        "closed 4": ("i|iv|V7|i", "i|bVI|iv V7|i", "i|iv|i V7|i"),
        "contrast 4": ("bVI|bIII|iv|V", "iv|i|bVI|V", "bVI|bVII|i|V"),
        "final 4": ("i|bVI|iv|V7", "i|iv|i|V7", "i|iv|bVI|V7"),
    },
    "dark minor": SHORT["minor"]
    | {
        "open 4": ("i|iv|i|V", "i|i|iv|V", "i|iv|bII|V", "i|bVI|i|V"),
        "closed 4": ("i|iv|V7|i", "i|bII|V7|i", "i|iv|i V7|i"),
        "contrast 4": ("iv|i|iv|V", "iv|i|bVI|V", "bVI|iv|i|V"),
        "final 4": ("i|iv|i|V7", "i|iv|iio|V7", "i|iv|bII|V7"),
    },
}


def length_key(kind: str, bars: int) -> str:
    """The key of a table: the kind of a phrase and its number of bars."""
    return f"{kind} {bars}"
