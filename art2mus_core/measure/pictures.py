"""Eight statistics of a picture, measured on a 128 x 128 square and therefore independent of its size.

Colours are in OKLab (B. Ottosson, "A perceptual color space for image processing", 2020), which is perceptually uniform.
A table of quantiles converts each statistic to a percentile among painted pictures.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from functools import cache
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from ..errors import ArtworkError
from ..images.icc import from_srgb_curve
from ..images.reading import as_square
from ..placing import place
from ..types import Artwork

__all__ = [
    "SIDE",
    "ImageStatistics",
    "calibrate",
    "measure",
    "measure_square",
    "oklab",
    "percentiles",
    "table",
    "write_table",
]

SIDE = 128
"""Side of the measured square in pixels."""

_TABLE = Path(__file__).parent.parent / "configs" / "statistics.json"
_POINTS = 101
_WARM = math.radians(50)  # orange; green is just beyond 90 degrees from it, blue opposite
_EDGE = 0.06  # lightness step per pixel with an edge weight of one half
_HUES = 72
_LEVELS = 4096

_TO_CONE = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    np.float32,
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    np.float32,
)


@dataclass(frozen=True)
class ImageStatistics:
    """Eight statistics of a picture, or (from :func:`percentiles`) their percentiles in 0..1.

    Attributes:
        lightness: mean OKLab lightness, 0..1.
        warmth: mean OKLab chroma towards orange; red and yellow positive, green, cyan and blue negative, grey 0.
        saturation: mean OKLab chroma, 0 to about 0.32.
        contrast: 95th minus 5th percentile of lightness, 0..1.
        edge_density: share of edge pixels by a soft threshold, 0..1.
        symmetry: share of the coarse picture's variance that is left-right symmetric, 0..1.
        texture_scale: 0 if all detail has the finest scale, 1 if all has the scale of the picture.
        hue: dominant hue as an OKLab angle in radians, -pi..pi; 0 for a grey picture.
    """

    lightness: float
    warmth: float
    saturation: float
    contrast: float
    edge_density: float
    symmetry: float
    texture_scale: float
    hue: float


RANKED = tuple(field.name for field in fields(ImageStatistics) if field.name != "hue")


@cache
def _linear_light() -> np.ndarray:
    return from_srgb_curve(np.linspace(0, 1, _LEVELS)).astype(np.float32)


def oklab(square: Float32[np.ndarray, "3 height width"]) -> Float32[np.ndarray, "3 height width"]:
    """Convert sRGB values in 0..1 to OKLab lightness, a and b."""
    levels = (np.clip(square, 0, 1) * (_LEVELS - 1) + 0.5).astype(np.int32)
    linear = _linear_light()[levels].reshape(3, -1)
    return (_TO_LAB @ np.cbrt(_TO_CONE @ linear)).reshape(square.shape)


@cache
def _octaves(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the square's Hann window and the octave (0 coarsest, 1 finest) of each bin of its `rfft2`."""
    hann = np.hanning(side + 1)[:-1].astype(np.float32)
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]) * side
    octave = np.log2(np.maximum(radius, 1)) / math.log2(side / 2)
    return np.outer(hann, hann), np.clip(octave, 0, 1).astype(np.float32)


def _texture_scale(lightness: np.ndarray) -> float:
    """Return 1 minus the mean octave of the power spectrum."""
    window, octave = _octaves(lightness.shape[-1])
    power = np.abs(np.fft.rfft2((lightness - lightness.mean()) * window)) ** 2
    power[0, 0] = 0
    total = float(power.sum())
    return 1 - float((power * octave).sum()) / total if total > 1e-3 else 1.0


def _symmetry(lab: np.ndarray) -> float:
    """Return the symmetric share of the variance of 32 x 32 blocks; single brush strokes are never symmetric."""
    side = lab.shape[-1]
    block = max(side // 32, 1)
    coarse = lab.reshape(3, side // block, block, side // block, block).mean((2, 4))
    coarse = coarse - coarse.mean((1, 2), keepdims=True)
    total = float((coarse**2).sum())
    odd = float(((coarse - coarse[..., ::-1]) ** 2).sum()) / 4
    return 1 - odd / total if total > 1e-6 else 1.0


@cache
def _smoothing() -> np.ndarray:
    angle = np.arange(_HUES) * 2 * math.pi / _HUES
    kernel = np.exp(12 * (np.cos(angle) - 1))
    return np.fft.rfft(kernel / kernel.sum())


def _dominant_hue(a: np.ndarray, b: np.ndarray, chroma: np.ndarray) -> float:
    """Return the peak of the chroma-weighted hue histogram, smoothed over about 16 degrees, interpolated by a parabola."""
    if float(chroma.mean()) < 2e-3:
        return 0.0
    turn = np.arctan2(b, a) / (2 * math.pi) + 0.5
    bins = np.minimum((turn * _HUES).astype(np.int32), _HUES - 1)
    histogram = np.bincount(bins.ravel(), weights=chroma.ravel(), minlength=_HUES)
    smooth = np.fft.irfft(np.fft.rfft(histogram) * _smoothing(), _HUES)
    peak = int(smooth.argmax())
    before, here, after = smooth[peak - 1], smooth[peak], smooth[(peak + 1) % _HUES]
    bend = before - 2 * here + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    angle = (peak + 0.5 + float(shift)) / _HUES * 2 * math.pi - math.pi
    return float(math.atan2(math.sin(angle), math.cos(angle)))


def measure_square(square: Float32[np.ndarray, "3 side side"]) -> ImageStatistics:
    """Return the statistics of a square of sRGB values in 0..1, whose side is a multiple of 32."""
    lab = oklab(square)
    lightness, a, b = lab
    chroma = np.sqrt(a * a + b * b)
    ranked = np.sort(lightness.ravel())
    low, high = (float(ranked[round(q * (ranked.size - 1))]) for q in (0.05, 0.95))
    across = lightness[1:-1, 2:] - lightness[1:-1, :-2]
    down = lightness[2:, 1:-1] - lightness[:-2, 1:-1]
    slope = (across * across + down * down) / 4
    return ImageStatistics(
        lightness=float(lightness.mean()),
        warmth=float(a.mean()) * math.cos(_WARM) + float(b.mean()) * math.sin(_WARM),
        saturation=float(chroma.mean()),
        contrast=high - low,
        edge_density=float((slope / (slope + _EDGE**2)).mean()),
        symmetry=_symmetry(lab),
        texture_scale=_texture_scale(lightness),
        hue=_dominant_hue(a, b, chroma),
    )


def measure(artwork: Artwork) -> ImageStatistics:
    """Return the statistics of an artwork of any size."""
    return measure_square(as_square(artwork, SIDE).numpy())


@cache
def table() -> dict[str, tuple[float, ...]]:
    """Return the packaged quantiles of each statistic, evenly spaced in probability from 0 to 1.

    Raises:
        ArtworkError: the table is missing or damaged.
    """
    try:
        quantiles = json.loads(_TABLE.read_text(encoding="utf-8"))["quantiles"]
        return {name: tuple(float(value) for value in quantiles[name]) for name in RANKED}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ArtworkError(
            f"the table of image statistics {_TABLE.name} is missing or damaged ({type(error).__name__})",
            "the table of the package",
            "Install the package again.",
        ) from error


def percentiles(statistics: ImageStatistics, quantiles: dict[str, tuple[float, ...]] | None = None) -> ImageStatistics:
    """Return each statistic's percentile (0..1, clamped) among painted pictures, and the hue unchanged.

    Args:
        statistics: the result of :func:`measure`.
        quantiles: a table from :func:`calibrate` instead of the packaged one.
    """
    chosen = table() if quantiles is None else quantiles
    ranks = {}
    for name in RANKED:
        values = chosen[name]
        ranks[name] = float(np.interp(getattr(statistics, name), values, np.linspace(0, 1, len(values))))
    return ImageStatistics(**ranks, hue=statistics.hue)


def calibrate(measured: Iterable[ImageStatistics]) -> dict[str, tuple[float, ...]]:
    """Return the quantiles of many pictures' statistics, for :func:`percentiles` and :func:`write_table`.

    Raises:
        ArtworkError: fewer than two pictures.
    """
    rows: Sequence[tuple[float, ...]] = [astuple(one) for one in measured]
    if len(rows) < 2:
        raise ArtworkError(f"{len(rows)} measured pictures", "at least two", "Measure more pictures, say 4000.")
    quantiles = np.quantile(np.asarray(rows)[:, : len(RANKED)], np.linspace(0, 1, _POINTS), axis=0)
    rising = np.maximum.accumulate(np.round(quantiles, 5) + np.arange(_POINTS)[:, None] * 1e-9, axis=0)
    return {name: tuple(float(value) for value in rising[:, i]) for i, name in enumerate(RANKED)}


def write_table(
    quantiles: dict[str, tuple[float, ...]], path: Path, pictures: int, *, no_replace: bool = False
) -> None:
    """Write a table as JSON with the number of its pictures."""
    rounded = {name: [round(value, 5) for value in values] for name, values in quantiles.items()}
    rows = ",\n".join(f'    "{name}": {json.dumps(values)}' for name, values in rounded.items())
    content = f'{{\n  "pictures": {pictures},\n  "quantiles": {{\n{rows}\n  }}\n}}\n'
    place(path, content.encode(), no_replace=no_replace)
