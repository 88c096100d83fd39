"""A drawn picture becomes a file."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from ..placing import check_place, place

__all__ = ["save_image"]

FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}


def save_image(image: Image.Image, path: Path | str, *, no_replace: bool = False) -> None:
    """Write a picture whole or not at all; the suffix says how: PNG, JPEG or WebP.

    Raises:
        OutputError: unknown suffix, or a place that cannot be written; or, with `no_replace`, a file is there.
    """
    path = Path(path)
    check_place(path, tuple(FORMATS))
    kind = FORMATS[path.suffix.lower()]
    sink = io.BytesIO()
    image.convert("RGB").save(sink, kind, **({} if kind == "PNG" else {"quality": 92}))
    place(path, sink.getvalue(), no_replace=no_replace)
