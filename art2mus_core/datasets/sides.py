"""The two sides of a dataset, artworks and music, and their tables."""

from __future__ import annotations

from typing import Any

from ..errors import SettingError
from .tables import ARTWORKS, MUSIC, Table

__all__ = ["TABLES", "kinds"]

TABLES: dict[str, Table[Any]] = {"artworks": ARTWORKS, "music": MUSIC}


def kinds(only: str | None) -> list[str]:
    """The kinds of items: both, or one of them.

    Raises:
        SettingError: another one.
    """
    if only is not None and only not in TABLES:
        raise SettingError(f"only {only!r}", " or ".join(TABLES), "Check the word.")
    return [only] if only else list(TABLES)
