"""Which artworks have everything that others of their group have: a piece of each system, and real music."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import EvaluationError

__all__ = ["Partners"]

SHOWN = 5
"""Ids that a message names."""


class Partners:
    """Refuses what has no partner, or notes that it is left out.

    Args:
        groups: ids of the artworks (of all pieces where there are no artworks) by group. A system may have nothing for a
            whole group, as a reconstruction has where there is no real music.
        partial: note what has no partner instead of refusing it.
    """

    def __init__(self, groups: Mapping[str, set[str]], *, partial: bool) -> None:
        self.groups, self.partial, self.notes = groups, partial, list[str]()

    def common(self, music: Mapping[str, set[str]]) -> set[str]:
        """Ids that everything has music for that has any for their group.

        Args:
            music: ids that there is music for, by system (or `reference`).

        Raises:
            EvaluationError: something has no partner, and that was not allowed.
        """
        kept = set().union(*self.groups.values())
        for name, have in music.items():
            self._alone(
                have - set().union(*self.groups.values()), f"{name} has music for {{}} that are no artwork's id"
            )
            for ids in self.groups.values():
                missing = ids - have if have & ids else set()
                self._alone(missing, f"{name} has no music for {{}}")
                kept -= missing
        return kept

    def _alone(self, ids: set[str], said: str) -> None:
        if not ids:
            return
        listed = ", ".join(sorted(ids)[:SHOWN]) + (" ..." if len(ids) > SHOWN else "")
        came = said.format(f"{len(ids)} of the names ({listed})")
        if not self.partial:
            raise EvaluationError(
                came,
                "artworks and music whose file names agree up to the suffix (further takes as ID--TAKE)",
                "Rename or add the files, or score what has partners with --partial.",
            )
        self.notes.append(f"Left out: {came}.")
