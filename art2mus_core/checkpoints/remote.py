"""Files on servers, and requests for them."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPMessage, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from ..errors import CheckpointError

__all__ = ["NOTHING_LEFT", "Remote", "open_remote", "reason", "size_of"]

NOTHING_LEFT = 416
"""HTTP status for a range that begins at or after the end of the file."""

PATIENCE = 30.0
"""Seconds without an answer before the connection counts as lost."""


@dataclass(frozen=True)
class Remote:
    """A file on a server.

    Attributes:
        url: its address, http or https.
        size: bytes, if known.
        sha256: of the content, if known.
        git_blob: git's hash of the content, if known.
        headers: sent to that host but not to others that it redirects to.
    """

    url: str
    size: int | None = None
    sha256: str | None = None
    git_blob: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def expected(self) -> str:
        """The expected size, for messages."""
        return "the whole file" if self.size is None else f"{self.size:,} bytes"


@contextmanager
def open_remote(
    remote: Remote, *, method: str = "GET", headers: dict[str, str] | None = None
) -> Iterator[HTTPResponse]:
    """Request a file.

    Args:
        remote: the file.
        method: GET or HEAD.
        headers: additional headers, also sent after redirects.

    Raises:
        CheckpointError: the server does not have the file or refuses it.
        urllib.error.HTTPError: the requested range is empty (416).
        OSError: no connection.
    """
    if urlsplit(remote.url).scheme not in {"http", "https"}:
        raise CheckpointError(f"the address {remote.url}", "http or https", "Check the address.")
    plain = {"Accept-Encoding": "identity", "User-Agent": "art2mus", **(headers or {})}
    request = urllib.request.Request(remote.url, headers=plain, method=method)  # noqa: S310 - checked above
    for name, value in remote.headers.items():
        request.add_unredirected_header(name, value)
    try:
        response = urllib.request.build_opener(_SameHost).open(request, timeout=PATIENCE)
    except urllib.error.HTTPError as error:
        with error:
            if error.code == NOTHING_LEFT and headers:
                raise
            raise _refusal(remote.url, error.code) from error
    with response:
        yield response


def size_of(remote: Remote) -> int | None:
    """Bytes of a file, or None if the server does not report them.

    Raises:
        CheckpointError: the server does not have the file or refuses it, or there is no connection.
    """
    try:
        with open_remote(remote, method="HEAD") as response:
            length = response.headers.get("Content-Length")
    except (HTTPException, OSError) as error:
        raise CheckpointError(
            f"{remote.url} cannot be reached ({reason(error)})", "a connection", "Check the connection and try again."
        ) from error
    return int(length) if length and length.isdigit() else None


def reason(error: BaseException) -> str:
    """The message of an error, or its name if it has none."""
    return str(getattr(error, "reason", None) or error) or type(error).__name__


class _SameHost(urllib.request.HTTPRedirectHandler):
    """Sends a token only to its own host, not to the storage hosts that it redirects to."""

    def redirect_request(  # noqa: PLR0917 - the base class's
        self,
        req: urllib.request.Request,
        fp: Any,  # noqa: ANN401 - a response, which is not quite an IO[bytes]
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        new = super().redirect_request(req, fp, code, msg, headers, newurl)
        if new and urlsplit(newurl)[:2] == urlsplit(req.full_url)[:2]:
            new.unredirected_hdrs |= req.unredirected_hdrs
        return new


def _refusal(url: str, code: int) -> CheckpointError:
    if code in {401, 403}:
        return CheckpointError(f"{url} requires permission ({code})", "a public file", "Set HF_TOKEN, or log in.")
    if code in {404, 410}:
        return CheckpointError(f"{url} does not exist ({code})", "the file", "It was moved or deleted.")
    return CheckpointError(f"the server of {url} responds with status {code}", "the file", "Try again later.")
