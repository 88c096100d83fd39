"""A lock that lets one process at a time write into a folder; others wait and report what they wait for."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .placing import check_folder, refusals

if TYPE_CHECKING:
    from filelock import BaseFileLock

__all__ = ["alone"]

LOCK, NOTE = ".art2mus.lock", ".art2mus.running"
"""Files in the folder while it is written: the locked file, and a note on the work in progress."""

PAUSE = 0.2
"""Seconds between two attempts to lock."""

NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP}


@contextmanager
def alone(folder: Path, work: str, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Lock a folder for writing.

    The operating system releases the lock when the process ends in any way; the next process takes over and removes the files
    of a killed one. On a file system without locks the work continues unprotected, which `on_wait` reports.

    Args:
        folder: created if missing; removed again if it stays empty.
        work: a name of the work, such as `fetch of audioldm2`.
        on_wait: called with a message at every attempt, five times a second; an exception raised there stops waiting.

    Raises:
        OutputError: a file has its name, or it cannot be created or written.
    """
    from filelock import FileLock  # noqa: PLC0415  only for writing

    check_folder(folder)
    made = [each for each in (folder, *folder.absolute().parents) if not each.exists()]
    lock = FileLock(folder / LOCK)
    try:
        held = _take(lock, folder, work, on_wait)
        try:
            if held:
                with suppress(OSError):
                    (folder / NOTE).write_text(work, encoding="utf-8")
            yield
        finally:
            if held:
                _leave(lock, folder)
    finally:
        with suppress(OSError):
            for each in made:
                each.rmdir()


def _take(lock: BaseFileLock, folder: Path, work: str, on_wait: Callable[[str], None]) -> bool:
    """Wait for the lock; false if the file system has none."""
    from filelock import Timeout  # noqa: PLC0415

    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except (Timeout, FileNotFoundError):  # the latter if another process has just removed the empty folder
            on_wait(f"another {_running(folder, work)}; waiting")
            time.sleep(PAUSE)
        except (OSError, NotImplementedError) as error:
            if getattr(error, "errno", errno.ENOSYS) not in NO_LOCKS:
                with refusals(folder):
                    raise
            on_wait(f"the disk of {folder} has no locks: another {work} could write there at the same time")
            return False
        else:
            return True


def _running(folder: Path, work: str) -> str:
    """The work in progress there, and since when, as far as the note can be read."""
    try:
        noted = (folder / NOTE).read_text(encoding="utf-8")
        since = datetime.fromtimestamp((folder / NOTE).stat().st_mtime, UTC).astimezone()
    except (OSError, ValueError):
        return f"{work} is running"
    return f"{noted or work} is running (since {since:%Y-%m-%d %H:%M})"


def _leave(lock: BaseFileLock, folder: Path) -> None:
    """Remove both files. The locked file is removed before its release: a waiting process notices, and creates a new one."""
    (folder / NOTE).unlink(missing_ok=True)
    with suppress(OSError):
        (folder / LOCK).unlink()
    lock.release()
    if os.name == "nt":  # Windows does not remove an open file
        with suppress(OSError):
            (folder / LOCK).unlink()
