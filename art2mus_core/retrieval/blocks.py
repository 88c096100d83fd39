"""Sets of embeddings, read in blocks of float32."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, Int

from ..errors import SettingError

__all__ = [
    "MEMORY",
    "Rows",
    "Sizes",
    "check_offsets",
    "check_sets",
    "lengths",
    "pair_scores",
    "rounding",
    "single",
    "tile_sizes",
]

Rows = Float[np.ndarray, "_ _"]
"""Embeddings in float16 or float32, also a memory map."""

MEMORY = 2**28
"""Bytes for tiles and candidates, unless the caller says otherwise; the embeddings themselves are not counted."""

SIDE = 64
"""Rows of a tile are a multiple of this, apart from the last queries."""

LARGEST = 2048
"""Most rows of a tile; larger ones leave the processor's cache."""

READ = 4096
"""Rows converted at once where no tile is made."""


@dataclass(frozen=True)
class Sizes:
    """Sizes of a tile: rows of queries, rows of the base (a multiple of 64), and candidates that may wait."""

    queries: int
    base: int
    waiting: int


def tile_sizes(memory: int, width: int, k: int = 1) -> Sizes:
    """The largest tile for a memory in bytes, embeddings of `width` numbers and `k` neighbours.

    A tile costs 32 bytes for each of its scores at worst (score, copy, candidates), and 8 bytes for each number of its rows. The
    neighbours of a block of queries cost 64 bytes each while they wait.

    Raises:
        SettingError: not enough memory for a tile of 64 by 64.
    """
    for side in range(LARGEST, 0, -SIDE):
        for queries in (side, SIDE):
            if 32 * queries * side + 8 * (queries + side) * (width + 1) + 64 * queries * k <= memory:
                return Sizes(queries, side, max(queries * (2 * k + 16), queries * side // 4))
    least = 32 * SIDE**2 + 16 * SIDE * (width + 1) + 64 * SIDE * k
    raise SettingError(f"{memory} bytes of memory for tiles", f"at least {least}", "Allow more memory.")


def single(part: Rows) -> Float32[np.ndarray, "_ _"]:
    """Rows in float32; torch converts float16 twenty times faster than numpy."""
    if part.dtype == np.float16:
        return torch.from_numpy(np.array(part)).float().numpy()
    return np.asarray(part)


def check_sets(queries: Rows, base: Rows) -> None:
    """Check two sets of embeddings, apart from their values, which :func:`lengths` checks.

    Raises:
        SettingError: an empty set, another type than float16 or float32, or different widths.
    """
    for name, rows in (("queries", queries), ("base", base)):
        if rows.ndim != 2 or not rows.size:
            raise SettingError(
                f"{name} of shape {rows.shape}", "at least one row and one column", "Pass one row for each item."
            )
        if rows.dtype not in {np.dtype(np.float16), np.dtype(np.float32)}:
            raise SettingError(f"{name} in {rows.dtype}", "float16 or float32", "Convert the embeddings.")
    if queries.shape[1] != base.shape[1]:
        raise SettingError(
            f"queries of {queries.shape[1]} and a base of {base.shape[1]} numbers",
            "two sets of one width",
            "Use one embedding space.",
        )


def lengths(rows: Rows, name: str) -> Float64[np.ndarray, " n"]:
    """The Euclidean length of each row.

    Raises:
        SettingError: values that are not finite, or so large that products of single precision overflow.
    """
    found = np.empty(len(rows))
    for start in range(0, len(rows), READ):
        block = single(rows[start : start + READ]).astype(np.float64)
        found[start : start + READ] = np.sqrt(np.einsum("ij,ij->i", block, block))
    if not np.isfinite(found).all():
        broken = int((~np.isfinite(found)).sum())
        raise SettingError(
            f"{broken} of {len(rows)} rows of the {name} with values that are not finite",
            "finite embeddings",
            "Check the embedder.",
        )
    if found.max() > 1e18:
        raise SettingError(f"a row of the {name} of length {found.max():.1e}", "at most 1e18", "Scale the embeddings.")
    return found


def check_offsets(offsets: Float[np.ndarray, " _"] | None, count: int) -> Float64[np.ndarray, " count"] | None:
    """Offsets in float64, checked.

    Raises:
        SettingError: another number of offsets than `count`, or values that are not finite or above 1e30.
    """
    if offsets is None:
        return None
    if len(offsets) != count:
        raise SettingError(
            f"{len(offsets)} offsets for a base of {count} rows", "one for each row", "Pass all offsets."
        )
    if not (np.abs(offsets) <= 1e30).all():
        raise SettingError(
            "offsets that are not finite, or above 1e30", "finite offsets", "Check what they are computed from."
        )
    return np.asarray(offsets, np.float64)


def pair_scores(
    queries: Rows, base: Rows, rows: Int[np.ndarray, " pairs"], columns: Int[np.ndarray, " pairs"]
) -> Float64[np.ndarray, " pairs"]:
    """The inner products of some pairs in float64, equal for equal rows wherever they are.

    Products of two float32 numbers are exact in float64, and each sum is taken alone in one order, so a pair's value does not depend
    on the others.

    Args:
        queries: [n, width].
        base: [m, width].
        rows: the query of each pair.
        columns: the base row of each pair.
    """
    found = np.empty(len(rows))
    step = max(1, 2**17 // queries.shape[1])  # one megabyte of products stays in the cache
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        left = single(queries[rows[part]]).astype(np.float64)
        left *= single(base[columns[part]])
        found[part] = left.sum(1)
    return found


def rounding(
    width: int, longest_query: Float64[np.ndarray, " n"], longest: float, offset: float
) -> Float64[np.ndarray, " n"]:
    """A bound on the error of single-precision products of `width` numbers and an offset, in any order of summation.

    Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 3.1: gamma_n |x| |y| with n the number of terms; two
    more roundings are those of the offset and of the final score.
    """
    n = width + 4
    gamma = n * 2.0**-24 / (1 - n * 2.0**-24)
    return gamma * (longest_query * longest + offset) + n * math.ldexp(1, -125)
