"""Standard output and standard error that may be full, closed, or of any encoding."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ..naming import on_one_line

__all__ = ["Output", "say", "standard_streams"]


class Output:
    """A text stream; what it cannot write is dropped and remembered, so that no work is lost for a line about it.

    Attributes:
        stream: the stream itself; none if it was closed before the program began.
        trouble: the first error.
    """

    def __init__(self, stream: Any) -> None:  # noqa: ANN401  a console's, a test's
        self.stream = stream
        self.trouble: OSError | None = None
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def write(self, text: str) -> int:
        """Write what can be written."""
        with self._noting():
            if self.stream is None:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
            self.stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Send it on."""
        with self._noting():
            if self.stream is not None:
                self.stream.flush()

    def isatty(self) -> bool:
        """Whether a person watches."""
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
        """Send what is left nowhere: it would be tried again, and told in several lines, when the program ends."""
        with suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())


def say(line: str) -> None:
    """One line on standard error; of what no person reads to its end, both ends."""
    shown = (word if len(word) < 300 else f"{word[:120]}...{word[-60:]}" for word in line.split())
    sys.stderr.write(f"art2mus: {on_one_line(' '.join(shown))}\n")


@contextmanager
def standard_streams() -> Iterator[Output]:
    """Within this block standard output and standard error never raise; the former is given, to ask for its trouble."""
    for number, stream in enumerate((sys.stdin, sys.stdout, sys.stderr)):
        if stream is None and not _is_open(number):
            os.open(os.devnull, os.O_RDWR)  # the next file that is opened must not be taken for it
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
