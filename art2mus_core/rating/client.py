"""A language model behind an endpoint that speaks as OpenAI's chat completions do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import ValidationError

from ..errors import EvaluationError, SettingError
from .evidence import Heard, Seen
from .rubric import FORMAT, REPAIR, RUBRIC, Answer

if TYPE_CHECKING:
    from openai import OpenAI

__all__ = ["Endpoint", "Judge", "Usage", "Verdict"]

HERE = {"localhost", "127.0.0.1", "::1"}
NO_KEY = "none"

TELLING = 200
"""Characters of a server's message that are repeated."""


@dataclass(frozen=True)
class Endpoint:
    """Where the model is and how it is reached.

    Attributes:
        url: up to and without `/chat/completions`.
        model: its name there.
        key_variable: the environment variable that holds the key; a server on this machine needs none.
        timeout: seconds that an answer may take.
        retries: further attempts where the server is busy, fails or does not answer; the pauses grow.
    """

    url: str
    model: str
    key_variable: str = "OPENAI_API_KEY"
    timeout: float = 120.0
    retries: int = 4

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SettingError(f"the endpoint {self.url}", "an address such as https://host/v1", "Check the address.")
        if parts.username or parts.password:
            raise SettingError("an endpoint with a password in it", "an address", "Put the key into a variable.")

    @property
    def host(self) -> str:
        """Who gets what is sent."""
        return str(urlsplit(self.url).hostname)

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can read along: it is encrypted, or does not leave this machine."""
        return urlsplit(self.url).scheme == "https" or self.host in HERE

    def key(self) -> str:
        """The key, which is held nowhere else.

        Raises:
            SettingError: the variable is empty, or holds what is no key.
        """
        key = os.environ.get(self.key_variable, "").strip()
        if not key and self.host not in HERE:
            raise SettingError(f"no key in the variable {self.key_variable}", "the endpoint's key", "Set the variable.")
        if not (key.isascii() and key.isprintable()):
            raise SettingError(f"signs in {self.key_variable} that no key has", "a key", "Copy the key again.")
        return key or NO_KEY


@dataclass(frozen=True)
class Usage:
    """What was asked for, and what the endpoint counted."""

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests, self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out
        )

    @property
    def tokens(self) -> int:
        """Of both directions."""
        return self.tokens_in + self.tokens_out


@dataclass(frozen=True)
class Verdict:
    """An answer, or why there is none; and what it took."""

    answer: Answer | None
    usage: Usage
    problem: str = ""


class Judge:
    """Asks one question at a time; whoever asks nothing needs neither the client library nor a key.

    Args:
        endpoint: whom.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    @cached_property
    def _library(self) -> ModuleType:
        try:
            import openai  # noqa: PLC0415 - of the `eval` extra, and a second to import
        except ModuleNotFoundError as error:
            raise EvaluationError(
                f"no package {error.name}", "the packages for evaluation", "Run pip install 'art2mus[eval]'."
            ) from error
        return openai

    @cached_property
    def _client(self) -> OpenAI:
        client: OpenAI = self._library.OpenAI(
            base_url=self.endpoint.url,
            api_key=self.endpoint.key(),
            timeout=self.endpoint.timeout,
            max_retries=self.endpoint.retries,
        )
        # The library would tell any endpoint the account that other variables name.
        client.organization = client.project = None
        return client

    def close(self) -> None:
        """Let go of the connection."""
        if "_client" in vars(self):
            self._client.close()

    def ask(self, seen: Seen, heard: Heard) -> Verdict:
        """How alike artwork and music feel; a reply in another form is sent back once.

        Raises:
            EvaluationError: the endpoint knows neither the key nor the model, or the client library is missing; asking on
                is of no use.
            SettingError: there is no key.
        """
        messages: list[Any] = [
            {"role": "system", "content": RUBRIC},
            {"role": "user", "content": [seen.part, heard.part]},
        ]
        usage, problem = Usage(), ""
        for _ in range(2):
            try:
                text, used = _read(self._complete(messages))
            except (self._library.OpenAIError, ValueError, AttributeError, IndexError, TypeError) as error:
                return Verdict(None, usage + Usage(1), self._said(error))
            usage += used
            try:
                return Verdict(Answer.model_validate_json(text), usage)
            except ValidationError as error:
                problem = f"no valid answer: {error.errors()[0]['msg']}"
            messages += [{"role": "assistant", "content": text}, {"role": "user", "content": REPAIR}]
        return Verdict(None, usage, problem)

    def _complete(self, messages: list[Any]) -> Any:  # noqa: ANN401 - whatever the server sends
        try:
            return self._client.chat.completions.create(
                model=self.endpoint.model, messages=messages, response_format=FORMAT, temperature=0, seed=0
            )
        except (self._library.AuthenticationError, self._library.PermissionDeniedError) as error:
            raise EvaluationError(
                f"{self.endpoint.host} does not accept the key ({self._said(error)})",
                f"a valid one in {self.endpoint.key_variable}",
                "Check the variable.",
            ) from None  # the library's error holds the request, and with it the key
        except self._library.NotFoundError as error:
            raise EvaluationError(
                f"{self.endpoint.host} has no {self.endpoint.model} ({self._said(error)})",
                "the address up to /v1 and a model that is there",
                "Check --endpoint and --model.",
            ) from None

    def _said(self, error: Exception) -> str:
        """An error in a line, without the key, which some servers repeat."""
        said = " ".join(f"{type(error).__name__}: {error}".split())
        key = self.endpoint.key()
        return (said.replace(key, "[key]") if key != NO_KEY else said)[:TELLING]


def _read(reply: Any) -> tuple[str, Usage]:  # noqa: ANN401 - whatever the server sends
    """The text of a reply and what it took; some servers don't count."""
    used = reply.usage
    spent = Usage(1, used.prompt_tokens or 0, used.completion_tokens or 0) if used else Usage(1)
    return reply.choices[0].message.content or "", spent
