"""A client for a model behind an OpenAI-compatible endpoint of chat completions."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..errors import EvaluationError, SettingError

if TYPE_CHECKING:
    from openai import OpenAI

__all__ = ["ChatClient", "Completion", "Endpoint", "Usage"]

LOCAL = {"localhost", "127.0.0.1", "::1"}
NO_KEY = "none"

SHOWN = 200
"""Characters of a server's message in an error."""


@dataclass(frozen=True)
class Endpoint:
    """The address of a model.

    Attributes:
        url: address without `/chat/completions`.
        model: name of the model.
        key_variable: the environment variable with the key; a server on this machine needs none.
        timeout: longest time for an answer in seconds.
        retries: further attempts if the server is busy, fails or does not answer, after growing pauses.
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
            raise SettingError(
                "an endpoint with a password in it", "an address", "Put the key in an environment variable."
            )

    @property
    def host(self) -> str:
        """The host that receives the data."""
        return str(urlsplit(self.url).hostname)

    @property
    def is_here(self) -> bool:
        """Whether the data does not leave this machine."""
        return self.host in LOCAL

    @property
    def is_private(self) -> bool:
        """Whether the connection is encrypted, or does not leave this machine."""
        return urlsplit(self.url).scheme == "https" or self.is_here

    def key(self) -> str:
        """The key, read from the environment every time.

        Raises:
            SettingError: the variable is empty, or contains characters that no key has.
        """
        key = os.environ.get(self.key_variable, "").strip()
        if not key and not self.is_here:
            raise SettingError(f"no key in the variable {self.key_variable}", "the endpoint's key", "Set the variable.")
        if not (key.isascii() and key.isprintable()):
            raise SettingError(f"characters in {self.key_variable} that no key has", "a key", "Copy the key again.")
        return key or NO_KEY


@dataclass(frozen=True)
class Usage:
    """Number of requests, and tokens as counted by the endpoint."""

    requests: int = 0
    tokens_in: int = 0
    tokens_out: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests, self.tokens_in + other.tokens_in, self.tokens_out + other.tokens_out
        )

    @property
    def tokens(self) -> int:
        """Tokens in both directions."""
        return self.tokens_in + self.tokens_out


@dataclass(frozen=True)
class Completion:
    """The text of a reply with its usage; None with a problem if there is none."""

    text: str | None
    usage: Usage
    problem: str = ""


class ChatClient:
    """Requests completions one by one. The client library and a key are needed only for the first request.

    Args:
        endpoint: address of the model.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    @cached_property
    def _library(self) -> ModuleType:
        try:
            import openai  # noqa: PLC0415 - in the `eval` extra, and slow to import
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
        # the library would send the account from other environment variables to any endpoint
        client.organization = client.project = None
        return client

    def close(self) -> None:
        """Close the connection."""
        if "_client" in vars(self):
            self._client.close()

    def complete(self, messages: list[Any], **options: Any) -> Completion:  # noqa: ANN401 - further fields of the request
        """The reply to a chat.

        Raises:
            EvaluationError: the endpoint rejects the key or does not have the model, or the client library is missing; further
                requests would fail too.
            SettingError: there is no key.
        """
        try:
            return _read(self._complete(messages, **options))
        except (self._library.OpenAIError, ValueError, AttributeError, IndexError, TypeError) as error:
            return Completion(None, Usage(1), self._message(error))

    def _complete(self, messages: list[Any], **options: Any) -> Any:  # noqa: ANN401 - any reply of the server
        try:
            return self._client.chat.completions.create(
                model=self.endpoint.model, messages=messages, temperature=0, seed=0, **options
            )
        except (self._library.AuthenticationError, self._library.PermissionDeniedError) as error:
            raise EvaluationError(
                f"{self.endpoint.host} does not accept the key ({self._message(error)})",
                f"a valid one in {self.endpoint.key_variable}",
                "Check the variable.",
            ) from None  # the library's error contains the request, and with it the key
        except self._library.NotFoundError as error:
            raise EvaluationError(
                f"{self.endpoint.host} has no {self.endpoint.model} ({self._message(error)})",
                "the address up to /v1 and the name of one of its models",
                "Check --endpoint and --model.",
            ) from None

    def _message(self, error: Exception) -> str:
        """An error on one line, without the key, which some servers repeat."""
        text, key = " ".join(f"{type(error).__name__}: {error}".split()), self.endpoint.key()
        return (text.replace(key, "[key]") if key != NO_KEY else text)[:SHOWN]


def _read(reply: Any) -> Completion:  # noqa: ANN401 - any reply of the server
    """The text of a reply and its usage; some servers do not count tokens."""
    used = reply.usage
    spent = Usage(1, used.prompt_tokens or 0, used.completion_tokens or 0) if used else Usage(1)
    return Completion(reply.choices[0].message.content or "", spent)
