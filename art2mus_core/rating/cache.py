"""A cache of the model's answers, one file for each, because answers cost money."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ..placing import place
from .evidence import ArtworkEvidence, MusicEvidence
from .rubric import VERSION, Answer

__all__ = ["AnswerCache"]


class AnswerCache:
    """Answers by rubric, model and evidence, whatever the endpoint.

    Args:
        folder: folder of the cache; created with the first answer.
        model: name of the model.
    """

    def __init__(self, folder: Path, model: str) -> None:
        self.folder, self.model = folder, model

    def find(self, artwork: ArtworkEvidence, music: MusicEvidence) -> Answer | None:
        """The model's answer for a pair; None if it is missing or its file is damaged."""
        try:
            return Answer.model_validate(json.loads(self._path(artwork, music).read_text(encoding="utf-8"))["answer"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def keep(self, artwork: ArtworkEvidence, music: MusicEvidence, answer: Answer) -> None:
        """Write an answer, completely or not at all.

        Raises:
            OutputError: a place that cannot be written.
        """
        document = {"rubric": VERSION, "model": self.model, "answer": answer.model_dump()}
        place(self._path(artwork, music), f"{json.dumps(document, ensure_ascii=False)}\n".encode())

    def _path(self, artwork: ArtworkEvidence, music: MusicEvidence) -> Path:
        mode = "described" if music.text else "heard"
        key = json.dumps([VERSION, self.model, mode, artwork.sha256, music.sha256])
        return self.folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"
