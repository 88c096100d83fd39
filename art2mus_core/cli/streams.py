"""Standard output and standard error that may be full, closed, or use any encoding."""

from __future__ import annotations

import errno
import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, cast

from ..naming import on_one_line

__all__ = ["Output", "notify", "notify_of", "standard_streams"]


class Output:
    """A text stream that never raises: failed writes are dropped and recorded, so that a full disk for messages stops no work.

    Attributes:
        stream: the wrapped stream; None if it was closed before the program started.
        trouble: the first error.
    """

    def __init__(self, stream: Any) -> None:  # noqa: ANN401  a console's, a test's
        self.stream = stream
        self.trouble: OSError | None = None
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write `text` if possible."""
        with self._noting():
            if self.stream is None:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush the stream if possible."""
        with self._noting():
            if self.stream is not None:
                self.stream.flush()

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        return self.stream is not None and self.stream.isatty()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  whatever a stream has
        return getattr(self.stream, name)

    @contextmanager
    def _noting(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:  # a closed stream raises ValueError
            self.trouble = self.trouble or (error if isinstance(error, OSError) else OSError(errno.EBADF, str(error)))

    def give_up(self) -> None:
        """Discard the rest of the buffer; Python would try to write it again at exit, and print a traceback."""
        with suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())


def notify(line: str) -> None:
    """Print one line on standard error; the middle of very long words is omitted."""
    shown = (word if len(word) < 300 else f"{word[:120]}...{word[-60:]}" for word in line.split())
    sys.stderr.write(f"art2mus: {on_one_line(' '.join(shown))}\n")


@contextmanager
def notify_of(kind: type[Warning]) -> Iterator[None]:
    """Print warnings of a kind as :func:`notify` does, without the place in the code."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", kind)
        usual = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> None:  # noqa: ANN401
            if issubclass(category, kind):
                notify(str(message))
            else:
                usual(message, category, *place, **more)

        warnings.showwarning = cast("Any", show)
        yield


@contextmanager
def standard_streams() -> Iterator[Output]:
    """Make standard output and standard error never raise in this block; yields the former, with its `trouble`."""
    for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        if stream is None and not _is_open(number):
            os.open(os.devnull, os.O_RDWR)  # else the next opened file would take its number
    before = sys.stdin, sys.stdout, sys.stderr
    output, errors = Output(sys.stdout), Output(sys.stderr)
    sys.stdin, sys.stdout, sys.stderr = sys.stdin or io.StringIO(), output, errors
    try:
        yield output
    finally:
        for each in (output, errors):
            each.flush()
            if each.trouble:
                each.give_up()
        sys.stdin, sys.stdout, sys.stderr = before


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
