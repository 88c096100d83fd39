"""One writer at a time in a folder: whoever comes second waits, and is told for whom."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import OutputError

if TYPE_CHECKING:
    from filelock import BaseFileLock

__all__ = ["alone"]

LOCK, NOTE = ".art2mus.lock", ".art2mus.running"
"""In the folder while it is written: what is locked, and a line on who works there."""

PAUSE = 0.2
"""Seconds between two attempts."""

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}


@contextmanager
def alone(folder: Path, work: str, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Hold a folder while it is written.

    The lock is the operating system's and ends with the process, however that ends; a file that a killed process leaves is
    taken over, and removed, by the next. On a file system without locks the work goes on unprotected, and that is said.

    Args:
        folder: made if it is not there, and removed if nothing came into it.
        work: what is done, such as `fetch of audioldm2`.
        on_wait: told who is waited for at every attempt, five times a second; raising there stops the waiting.

    Raises:
        OutputError: it is no folder, or cannot be made or written.
    """
    from filelock import FileLock  # noqa: PLC0415  only who writes needs it

    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file", "a folder", "Choose another place.")
    made = [each for each in (folder, *folder.absolute().parents) if not each.exists()]
    lock = FileLock(folder / LOCK)
    try:
        held = _take(lock, folder, work, on_wait)
        try:
            if held:
                _note(folder, work)
            yield
        finally:
            if held:
                _leave(lock, folder)
    finally:
        with suppress(OSError):
            for each in made:
                each.rmdir()


def _take(lock: BaseFileLock, folder: Path, work: str, on_wait: Callable[[str], None]) -> bool:
    """Wait for the lock; false where there is none to be had."""
    from filelock import Timeout  # noqa: PLC0415

    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except (Timeout, FileNotFoundError):  # the latter where whoever was here has just removed the empty folder
            on_wait(f"another {_running(folder, work)}; waiting")
            time.sleep(PAUSE)
        except (OSError, NotImplementedError) as error:
            if getattr(error, "errno", errno.ENOSYS) not in NO_LOCKS:
                raise OutputError(
                    f"{folder} cannot be written ({getattr(error, 'strerror', None) or error})",
                    "a folder that you may write to",
                    "Choose another place.",
                ) from error
            on_wait(f"the disk of {folder} has no locks: nothing keeps another {work} from writing there too")
            return False
        else:
            return True


def _note(folder: Path, work: str) -> None:
    with suppress(OSError):
        (folder / NOTE).write_text(work, encoding="utf-8")


def _running(folder: Path, work: str) -> str:
    """Who works there, and since when, as far as it can be read."""
    try:
        said = (folder / NOTE).read_text(encoding="utf-8")
        since = datetime.fromtimestamp((folder / NOTE).stat().st_mtime, UTC).astimezone()
    except (OSError, ValueError):
        return f"{work} is running"
    return f"{said or work} is running (since {since:%Y-%m-%d %H:%M})"


def _leave(lock: BaseFileLock, folder: Path) -> None:
    """Remove both files, the lock while it is held: who waits for a removed file sees that, and makes a new one."""
    (folder / NOTE).unlink(missing_ok=True)
    with suppress(OSError):
        (folder / LOCK).unlink()
    lock.release()
    if os.name == "nt":  # an open file cannot be removed there
        with suppress(OSError):
            (folder / LOCK).unlink()
