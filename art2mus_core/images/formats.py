"""The kinds of pictures that are read, the suffixes they are known by, and what reads them. Nothing is opened here."""

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
"""Formats by Pillow's names, with Pillow's modules. Formats that are programs (EPS, WMF) are not here: to read them is to
run them."""


class PlugIn(NamedTuple):
    """A package that teaches Pillow a format, used where it is installed.

    Attributes:
        format: Pillow's name for it.
        module: what is imported.
        package: what pip installs.
        suffixes: of its files.
    """

    format: str
    module: str
    package: str
    suffixes: tuple[str, ...]

    @property
    def installed(self) -> bool:
        return find_spec(self.module) is not None

    def register(self) -> None:
        """Make it known to Pillow; one package does so as it is imported, the other when it is asked."""
        module = import_module(self.module)
        if hasattr(module, "register_heif_opener"):
            module.register_heif_opener()


PLUG_INS = (
    PlugIn("HEIF", "pillow_heif", "pillow-heif", (".heic", ".heif", ".hif")),
    PlugIn("JXL", "pillow_jxl", "pillow-jxl-plugin", (".jxl",)),
)


@cache
def formats() -> tuple[str, ...]:
    """Names of the formats that can be read here, as Pillow calls them; their modules and plug-ins are loaded."""
    from PIL import Image  # noqa: PLC0415 - without Pillow only the nodes that read pictures are lost

    _load()
    for plug_in in PLUG_INS:
        if plug_in.installed:
            with suppress(ImportError, OSError):  # installed for another Pillow or another machine
                plug_in.register()
    return tuple(name for name in (*_MODULES, *(plug_in.format for plug_in in PLUG_INS)) if name in Image.OPEN)


@cache
def suffixes() -> tuple[str, ...]:
    """Suffixes of what can be read here, in lower case and with their dot, sorted; plug-ins are not loaded for it."""
    from PIL import Image  # noqa: PLC0415 - without Pillow only the nodes that read pictures are lost

    _load()
    known = {suffix for suffix, name in Image.EXTENSION.items() if name in _MODULES}
    added = {suffix for plug_in in PLUG_INS if plug_in.installed for suffix in plug_in.suffixes}
    return tuple(sorted(known | added))


def _load() -> None:
    for module in dict.fromkeys(_MODULES.values()):
        with suppress(ImportError):  # AVIF came with Pillow 11.3
            import_module(f"PIL.{module}ImagePlugin")
