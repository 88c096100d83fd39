"""Answers that are paid for are kept, a file each."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pydantic import ValidationError

from ..errors import OutputError
from ..placing import place
from .evidence import Heard, Seen
from .rubric import VERSION, Answer

__all__ = ["AnswerCache"]


class AnswerCache:
    """Answers by rubric, model and what was sent; the endpoint does not matter.

    Args:
        folder: where they are; it is made when the first is kept.
        model: that gives them.
    """

    def __init__(self, folder: Path, model: str) -> None:
        self.folder, self.model = folder, model

    def find(self, seen: Seen, heard: Heard) -> Answer | None:
        """What the model said of this pair, if it was asked; a damaged file counts as nothing."""
        try:
            return Answer.model_validate(json.loads(self._path(seen, heard).read_text(encoding="utf-8"))["answer"])
        except (OSError, ValueError, KeyError, TypeError, ValidationError):
            return None

    def keep(self, seen: Seen, heard: Heard, answer: Answer) -> None:
        """Keep an answer, whole or not at all.

        Raises:
            OutputError: a place that cannot be written.
        """
        path = self._path(seen, heard)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"{path.parent} cannot be made ({error.strerror})",
                "a place to keep answers",
                "Choose another: --cache.",
            ) from error
        document = {"rubric": VERSION, "model": self.model, "answer": answer.model_dump()}
        place(path, f"{json.dumps(document, ensure_ascii=False)}\n".encode())

    def _path(self, seen: Seen, heard: Heard) -> Path:
        mode = "described" if heard.words else "heard"
        asked = json.dumps([VERSION, self.model, mode, seen.sha256, heard.sha256])
        return self.folder / f"{hashlib.sha256(asked.encode()).hexdigest()}.json"
