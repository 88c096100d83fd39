"""Reads TIFF pages of more than 8 bits a sample that Pillow rejects or misreads.

Pillow supports some depths only, and reads others as 16 bits or without inversion. Here the page gets a new directory that
declares its rows as plain bytes: libtiff decompresses them, and numpy assembles the samples (TIFF 6.0, sections 8, 14, 19
and 20; predictor 3 as in Adobe's Photoshop TIFF Technical Note 3).
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Num, UInt8, UInt16
from PIL import Image, ImageFile, ImagePalette

from .levels import levels
from .tiff_tags import Directory, Tag, all_of, first_of

__all__ = ["TiffSamples", "mend"]

INVERTED, GREY, COLOUR, INKS = 0, 1, 2, 5
"""Supported photometric interpretations."""

UNSIGNED, SIGNED, FLOAT = 1, 2, 3
_BYTEWISE = frozenset({1, 5, 8, 32773, 32946, 34925, 50000})
"""Compressions that work on bytes: none, LZW, Deflate, PackBits, Deflate, LZMA, Zstandard."""

_PREDICTED = _BYTEWISE - {1, 32773}
"""Compressions that may follow a predictor."""

_CHANNELS = {INVERTED: 1, GREY: 1, COLOUR: 3, INKS: 4}
_MODES = {(GREY, 1): "L", (GREY, 2): "LA", (COLOUR, 3): "RGB", (COLOUR, 4): "RGBA", (INKS, 4): "CMYK"}
_PART = 512
"""Rows unpacked into bits at once."""


class TiffSamples(ImageFile.ImageFile):
    """A page that Pillow rejects or misreads, see :meth:`wanted`."""

    format = "TIFF"
    format_description = "TIFF of more than 8 bits a sample"

    def __init__(self, path: Path, directory: Directory) -> None:
        self.tags = directory
        super().__init__(str(path))

    def _open(self) -> None:
        tags = self.tags
        self._size = tags[Tag.ImageWidth], tags[Tag.ImageLength]
        self._mode = _MODES[_channels(tags)]
        if orientation := tags.get(Tag.Orientation):
            exif = Image.Exif()
            exif[Tag.Orientation] = orientation
            self.info["exif"] = exif.tobytes()
        if Tag.InterColorProfile in tags:
            self.info["icc_profile"] = tags[Tag.InterColorProfile]

    @classmethod
    def deeper(cls, image: Image.Image) -> Image.Image:
        """Reopen a colour page of 16 bits a sample, which Pillow reduces to 8; return any other picture unchanged."""
        tags = getattr(image, "tag_v2", None)
        if tags is None or first_of(tags, Tag.BitsPerSample, 8) != 16 or 1 in all_of(tags, Tag.ExtraSamples):
            return image
        readable = first_of(tags, Tag.PhotometricInterpretation, 1) == COLOUR and cls.wanted(tags, refused=True)
        return cls(Path(image.filename), tags) if readable else image  # type: ignore[attr-defined]

    @staticmethod
    def wanted(tags: Directory, *, refused: bool) -> bool:
        """Whether this class supports a page, and Pillow refused it or would misread it."""
        photometric, bits, kind = (
            first_of(tags, tag, 1) for tag in (Tag.PhotometricInterpretation, Tag.BitsPerSample, Tag.SampleFormat)
        )
        readable = (
            photometric in _CHANNELS
            and _channels(tags) in _MODES
            and first_of(tags, Tag.Compression, 1) in _BYTEWISE
            and len(set(all_of(tags, Tag.BitsPerSample))) <= 1
            and (bits in {8, 16, 32, 64} if kind != FLOAT else bits in {16, 32, 64})
            | (8 < bits < 16 and kind == UNSIGNED)
        )
        if not readable or refused:
            return readable
        if 1 in all_of(tags, Tag.ExtraSamples):
            return False
        apart = first_of(tags, Tag.PlanarConfiguration, 1) == 2 and first_of(tags, Tag.SamplesPerPixel, 1) > 1
        if apart and (bits > 8 or photometric in {INVERTED, GREY}):  # Pillow assumes 8 bits, or one plane
            return True
        if photometric == INKS:
            return False
        plain = photometric == GREY and (kind, bits) in {(UNSIGNED, 16), (FLOAT, 32), (SIGNED, 32)}
        plain = plain or (photometric == COLOUR and (kind, bits) == (UNSIGNED, 16))
        # libtiff and Pillow both swap the bytes of compressed big-endian samples.
        swapped = bits == 32 and tags.prefix[:2] == b"MM" and first_of(tags, Tag.Compression, 1) > 1
        return (bits > 8 or kind == SIGNED) and not (plain and not swapped and _depth(tags) == bits)

    def deep(self) -> UInt16[np.ndarray, "height width channels"]:
        """Return the samples from black (0) to white (65,535), whatever their depth and polarity."""
        return _scaled(_read(str(self.filename), self.tags), self.tags)

    def load(self) -> Any:  # noqa: ANN401  Pillow's access to pixels
        """Read the samples and become a plain `Image`, as Pillow's stub images do."""
        tags, deep = self.tags, self.deep()
        # Pillow keeps the high byte of 16-bit colour.
        high = first_of(tags, Tag.PhotometricInterpretation, 1) == COLOUR and first_of(tags, Tag.BitsPerSample, 8) == 16
        rows = (deep >> 8 if high else (deep.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
        loaded = Image.fromarray(rows[..., 0] if rows.shape[-1] == 1 else rows, self.mode)
        loaded.info = dict(self.info)
        self.close()
        self.__class__, self.__dict__ = Image.Image, loaded.__dict__  # type: ignore[assignment]
        return Image.Image.load(self)


def mend(image: Image.Image, tags: Directory) -> None:
    """Work around two faults before Pillow reads a page.

    Palettes have 16 bits a colour; some writers store 8, which would be read as black. Pillow 13 splits memory-mapped pages
    into rows of the wrong length if their orientation swaps the axes; setting `load_read` prevents the mapping.
    """
    if first_of(tags, Tag.Orientation, 1) > 4:
        image.load_read = image.fp.read  # type: ignore[attr-defined]
    table = all_of(tags, Tag.ColorMap)
    if image.mode == "P" and table and max(table) < 256:
        image.palette = ImagePalette.raw("RGB;L", bytes(table))


def _channels(tags: Directory) -> tuple[int, int]:
    """Return the photometric interpretation and the number of samples to keep of each pixel: colours and alpha."""
    photometric, samples = first_of(tags, Tag.PhotometricInterpretation, 1), first_of(tags, Tag.SamplesPerPixel, 1)
    colours = _CHANNELS.get(photometric, 0)
    transparent = samples > colours and all_of(tags, Tag.ExtraSamples)[:1] not in {(), (0,)} and photometric != INKS
    return photometric or GREY, colours + transparent


def _depth(tags: Directory) -> int:
    """Return the bits in use: those of a sample, or fewer if the page states a maximum.

    Some writers state the largest sample of the picture instead of the largest possible; the next power of two covers both.
    """
    bits = first_of(tags, Tag.BitsPerSample, 1)
    most = max(first_of(tags, Tag.MaxSampleValue, 0), first_of(tags, Tag.SMaxSampleValue, 0))
    signed = first_of(tags, Tag.SampleFormat, UNSIGNED) == SIGNED
    return min(max(most.bit_length() + signed, 9), bits) if most > 0 and bits > 8 else bits


def _read(name: str, tags: Directory) -> Num[np.ndarray, "height width channels"]:
    """Return the kept samples of every pixel as stored."""
    body = Path(name).read_bytes()
    samples, (_, kept) = first_of(tags, Tag.SamplesPerPixel, 1), _channels(tags)
    if first_of(tags, Tag.PlanarConfiguration, 1) == 2 and samples > 1:
        planes = [_plane(body, tags, number, samples, 1) for number in range(kept)]
        return np.concatenate(planes, -1)
    return _plane(body, tags, 0, 1, samples)[..., :kept]


def _plane(body: bytes, tags: Directory, plane: int, planes: int, samples: int) -> np.ndarray:
    bits, width, height = first_of(tags, Tag.BitsPerSample, 1), tags[Tag.ImageWidth], tags[Tag.ImageLength]
    tiled = Tag.TileOffsets in tags
    across = tags[Tag.TileWidth] if tiled else width
    where, sizes = (Tag.TileOffsets, Tag.TileByteCounts) if tiled else (Tag.StripOffsets, Tag.StripByteCounts)
    row = -(-across * samples * bits // 8)
    share = len(all_of(tags, where)) // planes
    own = slice(plane * share, (plane + 1) * share)
    cut: dict[int, tuple[Any, ...]] = {Tag.RowsPerStrip: (first_of(tags, Tag.RowsPerStrip, height),)}
    if tiled:
        cut = {Tag.TileWidth: (row,), Tag.TileLength: (tags[Tag.TileLength],)}
    plain: dict[int, tuple[Any, ...]] = {
        Tag.ImageWidth: (row * -(-width // across),),
        Tag.ImageLength: (height,),
        Tag.BitsPerSample: (8,),
        Tag.PhotometricInterpretation: (GREY,),
        Tag.SamplesPerPixel: (1,),
        Tag.Compression: (first_of(tags, Tag.Compression, 1),),
        Tag.FillOrder: (first_of(tags, Tag.FillOrder, 1),),
        where: all_of(tags, where)[own],
        sizes: all_of(tags, sizes)[own],
        **cut,
    }
    with Image.open(io.BytesIO(_with_directory(body, plain)), formats=["TIFF"]) as image:
        stored = np.asarray(image)
    parts = [_samples(stored[:, left : left + row], tags, across, samples) for left in range(0, stored.shape[1], row)]
    return np.concatenate(parts, 1)[:, :width]


def _with_directory(body: bytes, tags: dict[int, tuple[Any, ...]]) -> bytes:
    """Return a TIFF file's content with a new directory of 32-bit integers."""
    start = len(body) + len(body) % 2
    beyond = start + 2 + 12 * len(tags) + 4
    entries, values = b"", b""
    for tag, own in sorted(tags.items()):
        packed = struct.pack(f"<{len(own)}I", *own)
        entries += struct.pack("<HHI", tag, 4, len(own))
        entries += packed if len(own) == 1 else struct.pack("<I", beyond + len(values))
        values += packed if len(own) > 1 else b""
    head = struct.pack("<4sI", b"II*\0", start)
    return b"".join([head, body[8:], bytes(len(body) % 2), struct.pack("<H", len(tags)), entries, bytes(4), values])


def _samples(rows: UInt8[np.ndarray, "height bytes"], tags: Directory, width: int, samples: int) -> np.ndarray:
    """Assemble samples [height, width, samples] from rows of bytes and undo the predictor."""
    bits, kind, predictor = (
        first_of(tags, Tag.BitsPerSample, 1),
        first_of(tags, Tag.SampleFormat, UNSIGNED),
        first_of(tags, Tag.Predictor, 1),
    )
    shape = len(rows), width, samples
    predictor = predictor if first_of(tags, Tag.Compression, 1) in _PREDICTED else 1
    if bits not in {8, 16, 32, 64}:
        return np.concatenate(
            [_unpacked(rows[top : top + _PART], bits, width * samples) for top in range(0, len(rows), _PART)]
        ).reshape(shape)
    letter, size = "uif"[kind - 1], bits // 8
    if predictor == 3:
        added = np.cumsum(rows.reshape(len(rows), -1, samples), 1, dtype=np.uint8).reshape(len(rows), size, -1)
        return (
            np.ascontiguousarray(added.transpose(0, 2, 1))
            .view(f">{letter}{size}")
            .reshape(shape)
            .astype(f"{letter}{size}")
        )
    order = ">" if tags.prefix[:2] == b"MM" else "<"
    stored = np.ascontiguousarray(rows).view(f"{order}u{size}").astype(f"u{size}").reshape(shape)
    if predictor == 2:
        stored = np.cumsum(stored, 1, dtype=stored.dtype)
    return stored.view(f"{letter}{size}")


def _unpacked(rows: UInt8[np.ndarray, "height bytes"], bits: int, count: int) -> UInt16[np.ndarray, "height count"]:
    """Unpack samples that do not fill whole bytes, most significant bit first."""
    single = np.unpackbits(rows, axis=1)[:, : count * bits].reshape(len(rows), count, bits)
    weights = 1 << np.arange(bits - 1, -1, -1)
    return (single @ weights.astype(np.uint16)).astype(np.uint16)


def _scaled(stored: np.ndarray, tags: Directory) -> UInt16[np.ndarray, "height width channels"]:
    """Scale samples to 0 (black) to 65,535 (white), see :func:`levels`."""
    kind, bits = first_of(tags, Tag.SampleFormat, UNSIGNED), _depth(tags)
    if kind == UNSIGNED and bits == 16:
        deep = stored
    else:
        values, white = levels(stored, bits - (kind == SIGNED))
        deep = np.rint(values * 65535 / white).astype(np.uint16)
    if first_of(tags, Tag.PhotometricInterpretation, 1) == INVERTED:
        deep = deep.copy()
        deep[..., 0] = 65535 - deep[..., 0]
    return deep
