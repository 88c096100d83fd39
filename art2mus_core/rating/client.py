"""A client that asks a language model for ratings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ..endpoints.client import ChatClient, Usage
from .evidence import ArtworkEvidence, MusicEvidence
from .rubric import FORMAT, REPAIR, RUBRIC, Answer

__all__ = ["RatingClient", "Reply"]


@dataclass(frozen=True)
class Reply:
    """An answer with its usage, or the reason why there is none."""

    answer: Answer | None
    usage: Usage
    problem: str = ""


class RatingClient(ChatClient):
    """Requests ratings one by one."""

    def ask(self, artwork: ArtworkEvidence, music: MusicEvidence) -> Reply:
        """A rating of how similar artwork and music feel; an invalid answer is requested again once.

        Raises:
            EvaluationError: as :meth:`complete`.
            SettingError: there is no key.
        """
        messages: list[Any] = [
            {"role": "system", "content": RUBRIC},
            {"role": "user", "content": [artwork.part, music.part]},
        ]
        usage, problem = Usage(), ""
        for _ in range(2):
            reply = self.complete(messages, response_format=FORMAT)
            usage += reply.usage
            if reply.text is None:
                return Reply(None, usage, reply.problem)
            try:
                return Reply(Answer.model_validate_json(reply.text), usage)
            except ValidationError as error:
                problem = f"no valid answer: {error.errors()[0]['msg']}"
            messages += [{"role": "assistant", "content": reply.text}, {"role": "user", "content": REPAIR}]
        return Reply(None, usage, problem)
