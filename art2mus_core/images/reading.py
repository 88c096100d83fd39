"""Reads picture files as artworks: upright, RGB8, sRGB."""

from __future__ import annotations

import io
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from ..errors import ArtworkError
from ..types import Artwork
from .containers import without_damaged_chunks
from .formats import formats, suffixes
from .jpeg import NO_END, may_be_cut, missing_part, without_end
from .tiff import TiffSamples, mend
from .tiff_tags import largest_directory
from .upright import Upright, upright_rgb

__all__ = [
    "LONGEST_SIDE",
    "MOST_PIXELS",
    "artwork_from_array",
    "as_square",
    "opened",
    "picture_of",
    "read_artwork",
    "thumbnail_jpeg",
]

MOST_PIXELS = 500_000_000
"""Largest number of pixels that is decoded."""

LONGEST_SIDE = 4096
"""Longest side of an artwork in pixels; larger pictures are reduced while they are read."""


def artwork_from_array(array: UInt8[np.ndarray, "height width 3"], name: str = "artwork") -> Artwork:
    """Return an artwork of RGB8 rows."""
    return Artwork(torch.from_numpy(np.array(array, np.uint8)).permute(2, 0, 1).contiguous(), name)


def as_square(artwork: Artwork, size: int) -> Float[Tensor, "3 size size"]:
    """Resize the whole picture to size x size, ignoring its proportions, with an antialiased filter (Hamming); 0..1."""
    image = picture_of(artwork)
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.HAMMING)
    rows = np.asarray(image, np.float32) / np.float32(255)
    return torch.from_numpy(np.ascontiguousarray(rows.transpose(2, 0, 1)))


def picture_of(artwork: Artwork) -> Image.Image:
    """Return the artwork as a Pillow image."""
    return Image.fromarray(np.ascontiguousarray(artwork.pixels.permute(1, 2, 0).cpu().numpy()))


def thumbnail_jpeg(artwork: Artwork, longest: int = 512) -> bytes:
    """Return a JPEG of the artwork with at most `longest` pixels a side, for instance as the cover of its music."""
    image = picture_of(artwork)
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    sink = io.BytesIO()
    image.save(sink, "JPEG", quality=88)
    return sink.getvalue()


def read_artwork(path: Path | str) -> Artwork:
    """Read a picture file as an upright artwork named by its stem.

    Reads the first frame of an animation and the largest of several pages, applies EXIF orientation, converts colours to sRGB,
    composites transparency over white and scales deeper samples to 8 bits. `notes` states what is wrong with the file or had to
    be guessed. A picture with a side longer than `LONGEST_SIDE` is reduced to it while it is decoded, by a rule that depends on
    its size alone; the artwork's `sha256` is then that of the reduced pixels.

    Raises:
        ArtworkError: the file is missing, not a picture, damaged, or larger than `MOST_PIXELS`.
    """
    path = Path(path)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise ArtworkError(f"{path} {what}", "a picture file", "Check the path.")
    if path.stat().st_size == 0:
        raise ArtworkError(f"{path} is empty", "a picture file", "Save or download the picture again.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with opened(path) as image:
                width, height = image.size
                if width * height > MOST_PIXELS:
                    raise ArtworkError(
                        f"{path} has {width} x {height} pixels",
                        f"at most {MOST_PIXELS // 1_000_000} megapixels",
                        "Make a smaller copy of the picture.",
                    )
                rows, notes = _decoded(image, path)
                return replace(artwork_from_array(rows, path.stem), notes=notes)
    except ArtworkError:
        raise
    except UnidentifiedImageError as error:
        raise ArtworkError(
            f"{path} is not a picture that can be read",
            f"a picture ({', '.join(suffix[1:] for suffix in suffixes())})",
            "Open it in an image program and save it as PNG or JPEG.",
        ) from error
    except Exception as error:
        # For broken files Pillow raises OSError, SyntaxError, struct.error, KeyError and others.
        raise ArtworkError(
            f"{path} is damaged or cut short ({error})",
            "a complete picture file",
            "Save or download the picture again.",
        ) from error


def _decoded(image: Image.Image, path: Path) -> Upright:
    is_jpeg = image.format in {"JPEG", "MPO"}
    note = None
    try:
        upright = upright_rgb(image, LONGEST_SIDE, lambda: opened(path))
        if is_jpeg and image.tell() == 0 and may_be_cut(image, upright.rows):
            note = missing_part(path)
    except OSError:
        complete = without_end(path) if is_jpeg else None
        if complete is None:
            raise
        upright, note = upright_rgb(complete, LONGEST_SIDE, lambda: opened(path)), NO_END
    return upright._replace(notes=(*upright.notes, note)) if note else upright


def opened(path: Path) -> Image.Image:
    """Open a picture without decoding it, at its largest page or its first frame.

    Pictures beyond Pillow's own limit, a global setting, are opened too.

    Raises:
        UnidentifiedImageError: no reader accepts the file.
    """
    try:
        image = _opened(path)
    except UnidentifiedImageError:
        if (page := largest_directory(path)) and TiffSamples.wanted(page[1], refused=True):
            return TiffSamples(path, page[1])
        raise
    if image.format == "TIFF" and (page := largest_directory(path)):
        number, tags = page
        if TiffSamples.wanted(tags, refused=False):
            image.close()
            return TiffSamples(path, tags)
        image.seek(number)
        mend(image, tags)
    elif image.format == "MPO":
        image.seek(_largest_frame(image))
    return image


def _largest_frame(image: Image.Image) -> int:
    sizes = []
    for number in range(image.n_frames):  # type: ignore[attr-defined]
        try:
            image.seek(number)
        except (OSError, ValueError, SyntaxError, EOFError):  # some programs drop pictures but keep the index of all
            break
        sizes.append(image.width * image.height)
    image.seek(0)
    return sizes.index(max(sizes))


def _opened(path: Path) -> Image.Image:
    known = formats()
    try:
        return Image.open(path, formats=known)
    except Image.DecompressionBombError:
        with path.open("rb") as file:
            prefix = file.read(16)
    except (UnidentifiedImageError, ValueError):
        repaired = without_damaged_chunks(path)
        if repaired is None:
            raise
        image = Image.open(io.BytesIO(repaired[0]), formats=["PNG"])
        image.info["lost_colours"] = repaired[1]
        return image
    for factory, accept in (Image.OPEN[kind] for kind in known):
        if accept is not None and accept(prefix) is True:
            return factory(str(path), str(path))  # type: ignore[arg-type]  # ImageFile opens a path
    raise UnidentifiedImageError(path.name)
