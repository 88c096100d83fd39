"""Which version of the package this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

__all__ = ["installed_version"]


def installed_version() -> str:
    """The version of the package, or `source` where it runs without being installed."""
    try:
        return version("art2mus")
    except PackageNotFoundError:
        return "source"
