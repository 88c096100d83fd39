"""The supported picture formats, their suffixes and the modules that read them. Opens no file."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import NamedTuple

__all__ = ["PLUG_INS", "PlugIn", "formats", "suffixes"]

_MODULES = {
    "AVIF": "Avif",
    "BMP": "Bmp",
    "DIB": "Bmp",
    "GIF": "Gif",
    "ICO": "Ico",
    "JPEG": "Jpeg",
    "JPEG2000": "Jpeg2K",
    "MPO": "Mpo",
    "PCX": "Pcx",
    "PNG": "Png",
    "PPM": "Ppm",
    "SGI": "Sgi",
    "TGA": "Tga",
    "TIFF": "Tiff",
    "WEBP": "WebP",
}
"""Pillow's modules by its names of formats. Formats that are programs (EPS, WMF) are left out: reading would execute them."""


class PlugIn(NamedTuple):
    """An optional package that adds a format to Pillow.

    Attributes:
        format: Pillow's name of the format.
        module: name of its Python module.
        package: name to install with pip.
        suffixes: suffixes of its files.
    """

    format: str
    module: str
    package: str
    suffixes: tuple[str, ...]

    @property
    def installed(self) -> bool:
        return find_spec(self.module) is not None

    def register(self) -> None:
        """Register the format with Pillow; one package does so on import, the other by a function."""
        module = import_module(self.module)
        if hasattr(module, "register_heif_opener"):
            module.register_heif_opener()


PLUG_INS = (
    PlugIn("HEIF", "pillow_heif", "pillow-heif", (".heic", ".heif", ".hif")),
    PlugIn("JXL", "pillow_jxl", "pillow-jxl-plugin", (".jxl",)),
)


@cache
def formats() -> tuple[str, ...]:
    """Load all readers and return Pillow's names of the readable formats."""
    from PIL import Image  # noqa: PLC0415 - without Pillow only the nodes that read pictures fail

    _load()
    for plug_in in PLUG_INS:
        if plug_in.installed:
            with suppress(ImportError, OSError):  # installed for another Pillow or another machine
                plug_in.register()
    return tuple(name for name in (*_MODULES, *(plug_in.format for plug_in in PLUG_INS)) if name in Image.OPEN)


@cache
def suffixes() -> tuple[str, ...]:
    """Return the sorted suffixes of readable files, in lower case with their dot. Loads no plug-in."""
    from PIL import Image  # noqa: PLC0415 - without Pillow only the nodes that read pictures fail

    _load()
    known = {suffix for suffix, name in Image.EXTENSION.items() if name in _MODULES}
    added = {suffix for plug_in in PLUG_INS if plug_in.installed for suffix in plug_in.suffixes}
    return tuple(sorted(known | added))


def _load() -> None:
    for module in dict.fromkeys(_MODULES.values()):
        with suppress(ImportError):  # AVIF came with Pillow 11.3
            import_module(f"PIL.{module}ImagePlugin")
