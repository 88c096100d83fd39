"""Checks that there is enough memory, and reports when there was not."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import SettingError

__all__ = ["allocating", "available", "check_memory", "is_shortage", "keep_freed", "total"]

ROOT = Path("/")

SHORTAGES = ("allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED")
"""Parts of torch's messages when memory runs out: on Unix (and when a file is mapped), on Windows, on graphics cards, in their
libraries."""

CARDS = ("CUDA", "CUBLAS", "CUDNN", "HIP", "MPS", "XPU")
"""Names in such a message if it is about the memory of a graphics card."""

CONTROLS = (
    ("sys/fs/cgroup/{group}/memory.max", "memory.current", "inactive_file"),
    ("sys/fs/cgroup/memory/{group}/memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Files of a Linux control group, versions 2 and 1: limit, usage, and the field of reclaimable memory."""


GAPS = 150_000_000
"""Bytes of address space that a heap may take beside what is in use: measured .06 to .14 GB for pieces of 10 to 120 s."""

OF_THE_SYSTEM_FROM, RETURNED_FROM = -3, -1
"""glibc's options M_MMAP_THRESHOLD, bytes from which an allocation is one of the system, at most 32 MB; and M_TRIM_THRESHOLD, free bytes at
the end of the heap from which these are given back."""

REMEDY = (
    "Close other programs, compute in bfloat16 where the precision can be chosen, take fewer artworks or seconds at a time, "
    "or use a smaller model."
)


def check_memory(needed: int, what: str, *, free: int | None = None, remedy: str = REMEDY) -> None:
    """Check that enough memory is free.

    Args:
        needed: bytes.
        what: their use, for the message.
        free: bytes; by default :func:`available`.
        remedy: what to do, for the message.

    Raises:
        SettingError: less than `needed` is free.
    """
    free = available() if free is None else free
    if needed > free:
        raise SettingError(
            f"{what} takes {needed / 1e9:.2f} GB of memory, and {free / 1e9:.2f} GB are free",
            "enough free memory",
            remedy,
        )


@contextmanager
def allocating(what: str) -> Iterator[None]:
    """Convert errors of the block that mean a lack of memory.

    Args:
        what: the use of the memory, for the message.

    Raises:
        SettingError: there was not enough memory.
    """
    try:
        yield
    except Exception as error:
        if not is_shortage(error):
            raise
        is_card = any(name in str(error) for name in CARDS)
        free = None if is_card else available()
        place = "the memory of the graphics card" if is_card else "the memory"
        left = "" if free is None else f", of which {free / 1e9:.2f} GB are free"
        # The traceback is removed because it would keep tensors in memory.
        raise SettingError(
            f"{what} does not fit into {place}{left}",
            "enough free memory",
            REMEDY,
        ) from error.with_traceback(None)


def is_shortage(error: Exception) -> bool:
    """Whether an error means a lack of memory; torch and safetensors have no class for it on every system."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or any(text in str(error) for text in SHORTAGES)


def available(root: Path = ROOT) -> int:
    """Bytes of memory available to this process. The limits of a Linux container count, too.

    Args:
        root: the folder of `proc` and `sys` that describes the container.
    """
    import psutil  # noqa: PLC0415 - the command line starts without it

    return min([psutil.virtual_memory().available, *_allowances(root), *_address_space()])


def keep_freed() -> None:
    """Let this process keep the memory of tensors below 32 MB that it frees, where its C library is glibc.

    Otherwise the system gets it back, and fills it with zeros when it is needed again: a tenth of the time of a bundled piece. For
    processes of our own: a host has its own ways. Larger tensors remain the system's: in a heap they would leave holes (glibc 2.36).
    """
    try:
        choose = ctypes.CDLL(None).mallopt
    except (OSError, TypeError, AttributeError):
        return
    choose(OF_THE_SYSTEM_FROM, 32 * 2**20)
    choose(RETURNED_FROM, 2**31 - 1)


def total() -> int:
    """Bytes of memory of the machine."""
    import psutil  # noqa: PLC0415 - the command line starts without it

    return psutil.virtual_memory().total


def _address_space() -> list[int]:
    """The rest of the address space of this process, if it is limited (`ulimit -v`)."""
    if os.name == "nt":
        return []
    import resource  # noqa: PLC0415  not on Windows

    import psutil  # noqa: PLC0415 - the command line starts without it

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    taken = psutil.Process().memory_info().vms + GAPS
    return [] if limit == resource.RLIM_INFINITY else [max(0, limit - taken)]


def _allowances(root: Path) -> list[int]:
    """The remaining memory of each limited control group of this process."""
    groups = {Path()}
    for line in _lines(root / "proc" / "self" / "cgroup"):
        own = Path(line.split(":", 2)[-1].lstrip("/"))
        groups |= {own, *own.parents}
    left = []
    for group in groups:
        for pattern, usage, reclaimable in CONTROLS:
            limit = root / pattern.format(group=group)
            allowed, taken = _number(limit), _number(limit.with_name(usage))
            if allowed is not None and taken is not None:
                returned = _numbers(limit.with_name("memory.stat")).get(reclaimable, 0)
                left.append(max(0, allowed - taken + returned))
    return left


def _number(path: Path) -> int | None:
    """The number in a file; None if the file is missing or contains a word (no limit)."""
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdigit() else None


def _numbers(path: Path) -> dict[str, int]:
    """The first word of each line, mapped to the number after it."""
    words = [line.split() for line in _lines(path)]
    return {parts[0]: int(parts[1]) for parts in words if len(parts) > 1 and parts[1].isdigit()}


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
