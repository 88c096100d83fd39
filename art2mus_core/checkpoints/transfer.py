"""Downloads one file: resumed after interruptions, and checked before it is moved into place.

Received bytes are kept in a file with the suffix `.partial`. It stays when the connection, the disk or the user ends the transfer, and the
next transfer continues from its end.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import urllib.error
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from ..errors import CheckpointError
from ..placing import refusals
from .presence import PARTIAL, length
from .remote import Remote, open_remote, reason

__all__ = ["OnBytes", "adopt", "download"]

OnBytes = Callable[[int], None]
"""Called with the number of bytes received so far; an exception raised there stops the transfer and keeps them."""

BLOCK = 1 << 20
"""Bytes per read."""

AGAIN = "Free some space, or set ART2MUS_HOME to another disk, and give the same command again."


def download(remote: Remote, path: Path, on_bytes: OnBytes) -> None:
    """Download a file to `path`, resuming an earlier download; repeats as long as every attempt makes progress.

    Raises:
        CheckpointError: the address does not exist or requires permission, there is no connection, or an attempt makes no
            progress, or the content is wrong.
        OutputError: the disk refuses.
    """
    partial = path.with_name(path.name + PARTIAL)
    with refusals(path, AGAIN):
        path.parent.mkdir(parents=True, exist_ok=True)
    reached = length(partial)
    while trouble := _attempt(remote, partial, on_bytes):
        if length(partial) <= reached:
            raise CheckpointError(
                f"{remote.url} cannot be downloaded ({trouble})",
                f"{remote.expected}; {length(partial):,} were received",
                "Check the connection and give the same command again: the download continues from there.",
            )
        reached = length(partial)
    _settle(remote, partial, path)


def adopt(source: Path, remote: Remote, path: Path, on_bytes: OnBytes) -> None:
    """Copy a local file to `path`, with the checks of :func:`download`.

    Raises:
        CheckpointError: the content is wrong.
        OutputError: the disk refuses.
    """
    partial = path.with_name(path.name + PARTIAL)
    with refusals(path, AGAIN):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, partial)
    on_bytes(length(partial))
    _settle(remote, partial, path)


def _attempt(remote: Remote, partial: Path, on_bytes: OnBytes) -> str | None:
    """Continue the download of `partial`; returns the problem with the connection, or None if the file is complete."""
    start = length(partial) if _may_resume(remote, partial) else 0
    if start and start == remote.size:
        return None
    try:
        with open_remote(remote, headers=_range(partial, start)) as response:
            start, total = _answer(response, start)
            _check_total(remote, total)
            if not start:
                _remember(response, partial)
            trouble = _receive(response, partial, start, on_bytes)
    except urllib.error.HTTPError as error:
        if error.headers.get("Content-Range") == f"bytes */{start}":
            return None
        _forget(partial)
        return _attempt(remote, partial, on_bytes)
    except (HTTPException, OSError) as error:
        return reason(error)
    whole = remote.size if total is None else total
    if trouble is None and whole is not None and length(partial) < whole:
        return "the connection was closed early"
    return trouble


def _receive(response: HTTPResponse, partial: Path, start: int, on_bytes: OnBytes) -> str | None:
    done = start
    with refusals(partial, AGAIN), partial.open("ab" if start else "wb") as file:
        on_bytes(done)
        while True:
            try:
                block = response.read1(BLOCK)
            except (HTTPException, OSError) as error:
                return reason(error)
            if not block:
                return None
            file.write(block)
            done += len(block)
            on_bytes(done)


def _answer(response: HTTPResponse, start: int) -> tuple[int, int | None]:
    """Where the response starts in the file, and the size of the whole file; a server without ranges starts at 0."""
    if response.status == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if not match or int(match[1]) != start:
            raise HTTPException("the server sent another range than requested")
        return start, int(match[2]) if match[2] != "*" else None
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _check_total(remote: Remote, total: int | None) -> None:
    if remote.size is not None and total is not None and total != remote.size:
        raise CheckpointError(
            f"{remote.url} has {total:,} bytes", remote.expected, "It is a different file; do not use it."
        )


def _settle(remote: Remote, partial: Path, path: Path) -> None:
    """Check a complete download, and move it into place."""
    size = length(partial)
    wrong = f"{size:,} bytes" if remote.size not in {None, size} else None
    for name, wanted, start in (("sha256", remote.sha256, b""), ("sha1", remote.git_blob, f"blob {size}\0".encode())):
        if wanted and not wrong and (found := _digest(partial, name, start)) != wanted:
            wrong = f"{name} {found}"
    if wrong:
        _forget(partial)
        raise CheckpointError(
            f"{remote.url} has wrong content ({wrong})",
            remote.sha256 or remote.git_blob or remote.expected,
            "The download was deleted. Try again; if it happens again, get the file from another source.",
        )
    with refusals(path, AGAIN):
        partial.replace(path)
        _tag(partial).unlink(missing_ok=True)


def _digest(path: Path, name: str, start: bytes) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(name, start, usedforsecurity=False)).hexdigest()


def _may_resume(remote: Remote, partial: Path) -> bool:
    """Whether a later check would detect that the two parts of a resumed download don't belong together."""
    known = remote.size is None or length(partial) <= remote.size
    return known and bool(remote.sha256 or remote.git_blob or _tag(partial).is_file())


def _range(partial: Path, start: int) -> dict[str, str]:
    if not start:
        return {}
    same = {"If-Range": _tag(partial).read_text(encoding="ascii")} if _tag(partial).is_file() else {}
    return {"Range": f"bytes={start}-", **same}


def _remember(response: HTTPResponse, partial: Path) -> None:
    """Store the server's ETag of this version of the file; a weak ETag does not guarantee the same bytes."""
    mark = response.headers.get("ETag", "")
    _tag(partial).unlink(missing_ok=True)
    if re.fullmatch(r'"[!-~]*"', mark):
        with refusals(partial, AGAIN):
            _tag(partial).write_text(mark, encoding="ascii")


def _tag(partial: Path) -> Path:
    return partial.with_name(partial.name + ".etag")


def _forget(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    _tag(partial).unlink(missing_ok=True)
