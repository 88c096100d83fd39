"""Checks that there is enough memory, and reports when there was not."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import SettingError

__all__ = ["allocating", "available", "check_memory", "is_shortage", "total"]

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


REMEDY = (
    "Close other programs, compute in bfloat16 where the precision can be chosen, take fewer artworks or seconds at a time, "
    "or use a smaller model."
)


def check_memory(needed: int, what: str, *, free: int | None = None) -> None:
    """Check that enough memory is free, if the system reports it.

    Args:
        needed: bytes.
        what: their use, for the message.
        free: bytes; by default :func:`available`.

    Raises:
        SettingError: less than `needed` is free.
    """
    free = available() if free is None else free
    if free is not None and needed > free:
        raise SettingError(
            f"{what} takes {needed / 1e9:.2f} GB of memory, and {free / 1e9:.2f} GB are free",
            "room for all of it",
            REMEDY,
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
            "room for all of it",
            REMEDY,
        ) from error.with_traceback(None)


def is_shortage(error: Exception) -> bool:
    """Whether an error means a lack of memory; torch and safetensors have no class for it on every system."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or any(text in str(error) for text in SHORTAGES)


def available(root: Path = ROOT) -> int | None:
    """Bytes of memory available to this process, or None if the system does not report it (macOS).

    The limits of a Linux container count, too.

    Args:
        root: the folder of `proc` and `sys`.
    """
    if os.name == "nt":
        return _windows()[1]
    table = _numbers(root / "proc" / "meminfo")
    free = [table["MemAvailable:"] * 1024] if "MemAvailable:" in table else []
    return min([*free, *_allowances(root), *_address_space(root)], default=None)


def _address_space(root: Path) -> list[int]:
    """The rest of the address space of this process, if it is limited (`ulimit -v`)."""
    import resource  # noqa: PLC0415  not on Windows

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    taken = _numbers(root / "proc" / "self" / "status").get("VmSize:")
    return [] if limit == resource.RLIM_INFINITY or taken is None else [max(0, limit - 1024 * taken)]


def total() -> int | None:
    """Bytes of memory of the machine, or None if the system does not report it."""
    return _windows()[0] if os.name == "nt" else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


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


def _windows() -> tuple[int | None, int | None]:
    """Total and free memory."""

    class Status(ctypes.Structure):  # MEMORYSTATUSEX: two 32-bit words, then seven 64-bit ones
        _fields_ = (("words", ctypes.c_uint32 * 2), ("sizes", ctypes.c_uint64 * 7))

    status = Status()
    status.words[0] = ctypes.sizeof(Status)
    windows: Any = getattr(ctypes, "windll", None)
    if windows is None or not windows.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None, None
    return status.sizes[0], status.sizes[1]
