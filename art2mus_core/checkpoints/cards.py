"""A card per checkpoint: where it comes from, how large it is, what one may do with it.

The table is `configs/cards.json`. A figure that is not known is left out there and None here; nothing is guessed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import CheckpointError, SettingError

__all__ = ["TABLE", "Card", "CardFile", "card", "read_cards"]

TABLE = Path(__file__).parents[1] / "configs" / "cards.json"
KINDS = ("encoder", "prior", "aligner", "judge")
HASHES = {"sha256": 64, "git_blob": 40}
"""Fields of a file that hold a hash, and how many hexadecimal digits they have."""


@dataclass(frozen=True)
class CardFile:
    """One file of a checkpoint.

    Attributes:
        path: below the checkpoint's folder, with forward slashes; in a hub repository also below its root.
        size: bytes, if pinned.
        sha256: of its content, if pinned.
        git_blob: the name git gives its content (sha1 over a header and the content), if that is what is known.
    """

    path: str
    size: int | None = None
    sha256: str | None = None
    git_blob: str | None = None

    def __post_init__(self) -> None:
        parts = PurePosixPath(self.path).parts
        if not parts or self.path.startswith("/") or set(parts) & {"..", "."} or "\\" in self.path or ":" in self.path:
            raise ValueError(f"the path {self.path!r} leaves the checkpoint's folder")
        for name, digits in HASHES.items():
            value = getattr(self, name)
            if value is not None and not re.fullmatch(f"[0-9a-f]{{{digits}}}", value):
                raise ValueError(f"{name} of {self.path} is no hash")


@dataclass(frozen=True)
class Card:
    """What is known of a checkpoint before it is opened.

    Attributes:
        name: what `art2mus fetch` calls it, and the name of its folder.
        kind: `encoder`, `prior` (everything from the language of audio to the waveform), `aligner` or `judge` (what
            evaluation listens with).
        purpose: one sentence.
        licence: as its authors state it.
        commercial: whether that licence allows commercial use; None where its authors leave it open.
        citation: the publication.
        files: in the order in which they are fetched; what makes a folder a checkpoint comes last.
        repository: on the hub, `owner/name`.
        revision: the commit there.
        url: a plain address that the files' paths are appended to.
        sizes: sizes of layers that are worth knowing.
        about_bytes: where the files' own sizes are not pinned, what their parameters come to in float32.
        needs: names of the checkpoints that this one works with.
        converted: files that take the place of all others once they have been made from them.
        then: the command that comes after fetching, with `{folder}` for the checkpoint's folder.
    """

    name: str
    kind: str
    purpose: str
    licence: str
    commercial: bool | None
    citation: str
    files: tuple[CardFile, ...]
    repository: str | None = None
    revision: str | None = None
    url: str | None = None
    sizes: dict[str, int] = field(default_factory=dict)
    about_bytes: int | None = None
    needs: tuple[str, ...] = ()
    converted: tuple[str, ...] = ()
    then: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.name} is of the kind {self.kind!r}")
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", self.name):
            raise ValueError(f"the name {self.name!r}")
        if self.repository and self.url:
            raise ValueError(f"{self.name} has two sources")
        for path in self.converted:
            CardFile(path)
        if not self.files or len({file.path for file in self.files}) < len(self.files):
            raise ValueError(f"{self.name} has no files, or one of them twice")

    @property
    def bundled(self) -> bool:
        """Whether it comes with the package."""
        return self.repository is None and self.url is None

    @property
    def source(self) -> str:
        """Where it comes from, for a person."""
        if self.repository:
            return f"{self.repository} at {self.revision}" if self.revision else self.repository
        return self.url or "this package"

    @property
    def address(self) -> str:
        """Where a person can look at it and fetch its files with a browser."""
        if self.repository:
            at = f"/tree/{self.revision}" if self.revision else ""
            return f"https://huggingface.co/{self.repository}{at}"
        return self.source

    @property
    def known_bytes(self) -> int | None:
        """Bytes of all files as far as the card knows; None if it does not."""
        return max(self.about_bytes or 0, sum(file.size or 0 for file in self.files)) or None

    @property
    def terms(self) -> str:
        """The licence in one line, with what it says of commercial use."""
        allowed = {True: "commercial use allowed", False: "no commercial use", None: "commercial use not settled"}
        return f"{self.licence} ({allowed[self.commercial]})"


def read_cards(path: Path = TABLE) -> dict[str, Card]:
    """All cards by name, in the table's order.

    Raises:
        CheckpointError: the table cannot be read, or a row does not hold what a card holds.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        cards = [_card(row) for row in rows]
        _check_needs(cards)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"the table of checkpoints {path} is damaged ({error})", "a card a row", "Install Art2Mus again."
        ) from error
    return {found.name: found for found in cards}


def card(name: str) -> Card:
    """The card of that name.

    Raises:
        SettingError: there is none.
    """
    cards = read_cards()
    if name not in cards:
        raise SettingError(f"no checkpoint {name!r}", f"one of {', '.join(cards)}", "Check the name.")
    return cards[name]


def _card(row: dict[str, Any]) -> Card:
    files = tuple(CardFile(**file) for file in row["files"])
    tuples = {name: tuple(row.get(name, ())) for name in ("needs", "converted")}
    return Card(**{**row, **tuples, "files": files})


def _check_needs(cards: list[Card]) -> None:
    names = [found.name for found in cards]
    if len(set(names)) < len(names):
        raise ValueError("a name twice")
    for found in cards:
        if unknown := set(found.needs) - set(names):
            raise ValueError(f"{found.name} needs {', '.join(sorted(unknown))}, which has no card")
