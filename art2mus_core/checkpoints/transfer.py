"""One file from one address: resumed where it was cut, checked before it is put in its place.

What has arrived lies beside the file's place under the suffix `.partial`; it stays there when the connection, the disk
or the person ends the transfer, and the next one goes on from its end.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from ..errors import CheckpointError, OutputError
from .presence import PARTIAL
from .remote import Remote, open_remote, said

__all__ = ["OnBytes", "adopt", "download"]

OnBytes = Callable[[int], None]
"""Told how many bytes of the file are there; raising stops the transfer and keeps them."""

BLOCK = 1 << 20
"""Bytes read at once."""


def download(remote: Remote, path: Path, on_bytes: OnBytes) -> None:
    """Bring a file to `path`, going on from an earlier attempt, and again as long as each attempt brings it further.

    Raises:
        CheckpointError: the address does not exist or asks for permission, there is no connection, it keeps being cut,
            or the bytes are not the right ones.
        OutputError: the disk does not take it.
    """
    partial = path.with_name(path.name + PARTIAL)
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    reached = _length(partial)
    while trouble := _attempt(remote, partial, on_bytes):
        if _length(partial) <= reached:
            raise CheckpointError(
                f"{remote.url} does not arrive ({trouble})",
                f"{remote.expected}; {_length(partial):,} are here",
                "Check the connection and give the same command again: it goes on from there.",
            )
        reached = _length(partial)
    _settle(remote, partial, path)


def adopt(source: Path, remote: Remote, path: Path, on_bytes: OnBytes) -> None:
    """Copy a file that is on this machine already to `path`, with the checks of :func:`download`.

    Raises:
        CheckpointError: it is not the right file.
        OutputError: the disk does not take it.
    """
    partial = path.with_name(path.name + PARTIAL)
    with _writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, partial)
    on_bytes(_length(partial))
    _settle(remote, partial, path)


def _attempt(remote: Remote, partial: Path, on_bytes: OnBytes) -> str | None:
    """Bring `partial` further; what went wrong with the connection, or None if the file is whole."""
    start = _length(partial) if _may_resume(remote, partial) else 0
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
        return said(error)
    whole = remote.size if total is None else total
    if trouble is None and whole is not None and _length(partial) < whole:
        return "the connection was closed early"
    return trouble


def _receive(response: HTTPResponse, partial: Path, start: int, on_bytes: OnBytes) -> str | None:
    done = start
    with _writing(partial), partial.open("ab" if start else "wb") as file:
        on_bytes(done)
        while True:
            try:
                block = response.read1(BLOCK)
            except (HTTPException, OSError) as error:
                return said(error)
            if not block:
                return None
            file.write(block)
            done += len(block)
            on_bytes(done)


def _answer(response: HTTPResponse, start: int) -> tuple[int, int | None]:
    """Where the answer begins in the file, and the size of the whole; a server without ranges begins at 0."""
    if response.status == 206:
        match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if not match or int(match[1]) != start:
            raise HTTPException("the server sent another part of the file than was asked for")
        return start, int(match[2]) if match[2] != "*" else None
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _check_total(remote: Remote, total: int | None) -> None:
    if remote.size is not None and total is not None and total != remote.size:
        raise CheckpointError(
            f"{remote.url} has {total:,} bytes", remote.expected, "It is another file: do not use it."
        )


def _settle(remote: Remote, partial: Path, path: Path) -> None:
    """Check what arrived, and put it in its place."""
    size = _length(partial)
    wrong = f"{size:,} bytes" if remote.size not in {None, size} else None
    for name, wanted, start in (("sha256", remote.sha256, b""), ("sha1", remote.git_blob, f"blob {size}\0".encode())):
        if wanted and not wrong and (found := _digest(partial, name, start)) != wanted:
            wrong = f"{name} {found}"
    if wrong:
        _forget(partial)
        raise CheckpointError(
            f"{remote.url} brought wrong bytes ({wrong})",
            remote.sha256 or remote.git_blob or remote.expected,
            "What arrived was thrown away; try again, and elsewhere if it happens twice.",
        )
    with _writing(path):
        partial.replace(path)
        _tag(partial).unlink(missing_ok=True)


def _digest(path: Path, name: str, start: bytes) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(name, start, usedforsecurity=False)).hexdigest()


def _may_resume(remote: Remote, partial: Path) -> bool:
    """Whether a file glued together from two attempts would be told from a damaged one."""
    known = remote.size is None or _length(partial) <= remote.size
    return known and bool(remote.sha256 or remote.git_blob or _tag(partial).is_file())


def _range(partial: Path, start: int) -> dict[str, str]:
    if not start:
        return {}
    same = {"If-Range": _tag(partial).read_text(encoding="ascii")} if _tag(partial).is_file() else {}
    return {"Range": f"bytes={start}-", **same}


def _remember(response: HTTPResponse, partial: Path) -> None:
    """Keep the server's mark of this version of the file; weak marks do not promise the same bytes."""
    mark = response.headers.get("ETag", "")
    _tag(partial).unlink(missing_ok=True)
    if re.fullmatch(r'"[!-~]*"', mark):
        with _writing(partial):
            _tag(partial).write_text(mark, encoding="ascii")


def _tag(partial: Path) -> Path:
    return partial.with_name(partial.name + ".etag")


def _forget(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    _tag(partial).unlink(missing_ok=True)


def _length(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written ({error.strerror or error})",
            "a place that you may write to, with room on its disk",
            "Make room, or set ART2MUS_HOME to another disk, and give the same command again.",
        ) from error
