"""The cover as FLAC and Vorbis comments hold it (RFC 9639, section 8.8; Ogg carries the same block in base64)."""

from __future__ import annotations

import io
import struct

from PIL import Image

from ..errors import AudioError

__all__ = ["add_to_flac", "picture_block"]

FRONT_COVER, PICTURE, LONGEST = 3, 6, 2**24 - 1


def picture_block(cover: bytes) -> bytes:
    """The body of a PICTURE block for a JPEG or PNG.

    Raises:
        AudioError: no picture, one of another format, or one of 16 MiB or more.
    """
    try:
        with Image.open(io.BytesIO(cover)) as image:
            kind, (width, height) = image.format, image.size
    except OSError:
        kind, width, height = None, 0, 0
    if kind not in {"JPEG", "PNG"} or len(cover) > LONGEST - 64:
        raise AudioError(
            f"a cover of {len(cover)} bytes ({kind or 'no picture'})", "a small JPEG or PNG", "Convert it."
        )
    mime = f"image/{kind.lower()}".encode("ascii")
    return (
        struct.pack(">II", FRONT_COVER, len(mime))
        + mime
        + struct.pack(">I5I", 0, width, height, 24, 0, len(cover))
        + cover
    )


def add_to_flac(file: bytes, cover: bytes) -> bytes:
    """A FLAC file with the cover as its second metadata block, after STREAMINFO, which is 34 bytes long and never last here."""
    block = picture_block(cover)
    after = 4 + 4 + 34
    last = file[4] & 0x80
    header = struct.pack(">I", PICTURE << 24 | len(block))
    streaminfo = bytes([file[4] & 0x7F]) + file[5:after]
    marked = bytes([header[0] | last]) + header[1:]
    return file[:4] + streaminfo + marked + block + file[after:]
