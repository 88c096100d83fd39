"""ID3 tags in front of files that are not to have any; players pass over them, and so do readers of MP3 and FLAC."""

from __future__ import annotations

from pathlib import Path

__all__ = ["behind_id3"]

_HEAD = 10
_FOOTER = 0x10
_MAGIC = (b"RIFF", b"RIFX", b"RF64", b"BW64", b"FORM", b"caff", b".snd")
"""What FFmpeg does not know behind a tag."""


def behind_id3(path: Path) -> Path | bytes:
    """The content of an uncompressed file that begins with ID3v2 tags, without these; of any other file, its path.

    Args:
        path: of a file that exists.
    """
    with path.open("rb") as file:
        start = 0
        while len(head := file.read(_HEAD)) == _HEAD and head[:3] == b"ID3" and max(head[6:]) < 0x80:
            size = sum(part << shift for part, shift in zip(head[6:], (21, 14, 7, 0), strict=True))
            start += _HEAD + size + (_HEAD if head[5] & _FOOTER else 0)
            file.seek(start)
        if not start or not head.startswith(_MAGIC):
            return path
        file.seek(start)
        return file.read()
