"""Reads pictures of every kind as upright RGB8."""

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
from .formats import formats
from .jpeg import NO_END, may_be_cut, missing_part, without_end
from .listing import image_suffixes
from .tiff import TiffSamples, mend
from .tiff_tags import largest_directory
from .upright import Seen, upright_rgb

__all__ = [
    "LONGEST_SIDE",
    "MOST_PIXELS",
    "artwork_from_array",
    "as_square",
    "opened",
    "read_artwork",
    "thumbnail_jpeg",
]

MOST_PIXELS = 500_000_000
"""Pictures with more pixels than this are refused before they are decoded."""

LONGEST_SIDE = 4096
"""Longer pictures are reduced to this while they are read."""


def artwork_from_array(array: UInt8[np.ndarray, "height width 3"], name: str = "artwork") -> Artwork:
    """An artwork from RGB8 rows."""
    return Artwork(torch.from_numpy(np.array(array, np.uint8)).permute(2, 0, 1).contiguous(), name)


def as_square(artwork: Artwork, size: int) -> Float[Tensor, "3 size size"]:
    """The whole picture, squashed to size x size with an antialiased filter (Hamming), in 0..1."""
    image = _image(artwork)
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.HAMMING)
    rows = np.asarray(image, np.float32) / np.float32(255)
    return torch.from_numpy(np.ascontiguousarray(rows.transpose(2, 0, 1)))


def _image(artwork: Artwork) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(artwork.pixels.permute(1, 2, 0).cpu().numpy()))


def thumbnail_jpeg(artwork: Artwork, longest: int = 512) -> bytes:
    """A JPEG of the artwork, its longer side at most `longest` pixels: the cover of its music."""
    image = _image(artwork)
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    sink = io.BytesIO()
    image.save(sink, "JPEG", quality=88)
    return sink.getvalue()


def read_artwork(path: Path | str) -> Artwork:
    """A picture file as an upright artwork named by its stem.

    The first frame of an animation and the largest of several pages, EXIF rotation applied, in sRGB whatever its file says of
    its colours, transparency over white, deeper samples scaled to 8 bits. What had to be guessed is in `notes`. A picture
    whose longer side exceeds `LONGEST_SIDE` is reduced to it while it is decoded, by a rule that depends on nothing
    but its size; the artwork's `sha256` is then that of the reduced pixels.

    Raises:
        ArtworkError: no such file, no picture, a damaged one, or one of more than `MOST_PIXELS`.
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
                seen = _seen(image, path)
                return replace(artwork_from_array(seen.rows, path.stem), notes=seen.notes)
    except ArtworkError:
        raise
    except UnidentifiedImageError as error:
        raise ArtworkError(
            f"{path} is not a picture that can be read",
            f"a picture ({', '.join(suffix[1:] for suffix in image_suffixes())})",
            "Open it in an image program and save it as PNG or JPEG.",
        ) from error
    except Exception as error:
        # Pillow's readers raise whatever a broken header leads them to: OSError, SyntaxError, struct.error, KeyError...
        raise ArtworkError(
            f"{path} is damaged or cut short ({error})", "a whole picture file", "Save or download the picture again."
        ) from error


def _seen(image: Image.Image, path: Path) -> Seen:
    is_jpeg = image.format in {"JPEG", "MPO"}
    try:
        seen = upright_rgb(image, LONGEST_SIDE, lambda: opened(path))
    except OSError:
        whole = without_end(path) if is_jpeg else None
        if whole is None:
            raise
        seen = upright_rgb(whole, LONGEST_SIDE, lambda: opened(path))
        return seen._replace(notes=(*seen.notes, NO_END))
    note = missing_part(path) if is_jpeg and image.tell() == 0 and may_be_cut(image, seen.rows) else None
    return seen._replace(notes=(*seen.notes, note)) if note else seen


def opened(path: Path) -> Image.Image:
    """The header of a picture: of a file of several pages the largest, of one that moves the first frame.

    Past Pillow's own limit, which is global and so left alone, its plugins are asked.
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
        except (
            OSError,
            ValueError,
            SyntaxError,
            EOFError,
        ):  # programs that keep the first picture keep the list of all
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
        mended = without_damaged_chunks(path)
        if mended is None:
            raise
        image = Image.open(io.BytesIO(mended.content), formats=["PNG"])
        image.info["lost_colours"] = mended.lost_colours
        return image
    for factory, accept in (Image.OPEN[kind] for kind in known):
        if accept is not None and accept(prefix) is True:
            return factory(str(path), str(path))  # type: ignore[arg-type]  # a path is what ImageFile itself opens
    raise UnidentifiedImageError(path.name)
