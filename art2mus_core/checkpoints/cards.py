"""Cards of the known checkpoints: source, size and licence, from the table `configs/cards.json`.

Unknown values are left out there and are None here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, SettingError

__all__ = ["TABLE", "Card", "CardFile", "card", "read_cards"]

TABLE = Path(__file__).parents[1] / "configs" / "cards.json"


@dataclass(frozen=True)
class CardFile:
    """One file of a checkpoint.

    Attributes:
        path: relative to the checkpoint's folder and to the root of a hub repository, with forward slashes.
        size: bytes, if pinned.
        sha256: of its content, if pinned.
        git_blob: git's hash of its content (sha1 over a header and the content), if only that is known.
    """

    path: str
    size: int | None = None
    sha256: str | None = None
    git_blob: str | None = None


@dataclass(frozen=True)
class Card:
    """The known facts about a checkpoint.

    Attributes:
        name: its name for `art2mus fetch`, and of its folder.
        kind: `encoder`, `prior` (everything from the language of audio to the waveform), `commented` (a model that reads
            comments), `aligner`, `judge` (an evaluation model) or `captioner`.
        purpose: one sentence.
        licence: as stated by its authors.
        commercial: whether that licence allows commercial use; None if that is unclear.
        citation: the publication.
        files: in the order of their download; the file by which a folder is recognised comes last.
        repository: `owner/name` on the hub.
        revision: commit in the repository.
        url: an address without a repository, to which the files' paths are appended.
        sizes: sizes of layers, for documentation.
        about_bytes: size of the parameters in float32, if the files' sizes are not pinned.
        needs: names of checkpoints that this one is used with.
        converted: files that are converted from the others and replace them.
        then: the command to run after the download, with `{folder}` for the checkpoint's folder.
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

    @property
    def bundled(self) -> bool:
        """Whether it comes with the package."""
        return self.repository is None and self.url is None

    @property
    def source(self) -> str:
        """Its source, for messages."""
        if self.repository:
            return f"{self.repository} at {self.revision}" if self.revision else self.repository
        return self.url or "this package"

    @property
    def address(self) -> str:
        """Address of its page, from which its files can be downloaded with a browser."""
        if self.repository:
            at = f"/tree/{self.revision}" if self.revision else ""
            return f"https://huggingface.co/{self.repository}{at}"
        return self.source

    @property
    def known_bytes(self) -> int | None:
        """Size of all files as far as known, or None."""
        return max(self.about_bytes or 0, sum(file.size or 0 for file in self.files)) or None

    @property
    def terms(self) -> str:
        """The licence in one line, with its rule on commercial use."""
        allowed = {True: "commercial use allowed", False: "no commercial use", None: "commercial use not settled"}
        return f"{self.licence} ({allowed[self.commercial]})"


def read_cards(path: Path = TABLE) -> dict[str, Card]:
    """All cards by name, in the table's order.

    Raises:
        CheckpointError: the table cannot be read, or a card in it is invalid.
    """
    try:
        return {row["name"]: _card(row) for row in json.loads(path.read_text(encoding="utf-8"))}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError(
            f"the table of checkpoints {path} is damaged ({error})",
            "a valid card per checkpoint",
            "Install Art2Mus again.",
        ) from error


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
