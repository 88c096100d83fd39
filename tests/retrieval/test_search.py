from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from art2mus_core.errors import SettingError
from art2mus_core.retrieval import blocks
from art2mus_core.retrieval.blocks import pair_scores, tile_sizes
from art2mus_core.retrieval.search import nearest

N, M, WIDTH = 131, 331, 7
SMALL = 250_000
"""Bytes for tiles of 64 by 64."""

seeds = st.integers(0, 10_000)


def vectors(seed, rows, *, coarse=False, width=WIDTH):
    """Normal vectors; coarse ones are exact in float16, and their products in float32, so equal scores are frequent."""
    drawn = np.random.default_rng(seed).normal(size=(rows, width))
    return (np.round(2 * drawn) / 2).astype(np.float32) if coarse else drawn.astype(np.float32)


def oracle(queries, base, k, offsets=0.0):
    scores = (queries.astype(np.float64) @ base.astype(np.float64).T + offsets).astype(np.float32)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(scores, order, 1)


def same(found, expected):
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_array_equal(found[1], expected[1])


@settings(max_examples=25)
@given(seeds, st.sampled_from([1, 3, 10, 67, M]), st.booleans(), st.booleans())
def test_it_is_a_full_sort_whatever_the_tiles(seed, k, coarse, shifted):
    queries, base = vectors(seed, N, coarse=coarse), vectors(seed + 1, M, coarse=coarse)
    offsets = np.round(np.random.default_rng(seed).normal(size=M), 1) if shifted else None
    expected = oracle(queries, base, k, 0.0 if offsets is None else offsets)
    for memory in (64 * 64 * k + SMALL, 3_000_000 + 16_384 * k, blocks.MEMORY):
        same(nearest(queries, base, k, offsets=offsets, memory=memory), expected)


@settings(max_examples=10)
@given(seeds, st.integers(1, 12))
def test_half_precision_gives_what_its_values_give(seed, k):
    queries, base = (vectors(seed + side, rows).astype(np.float16) for side, rows in enumerate((N, M)))
    expected = oracle(queries, base, k)
    same(nearest(queries, base, k, memory=SMALL + 4096 * k), expected)
    same(nearest(queries.astype(np.float32), base, k), expected)


def test_equal_rows_come_by_their_number():
    base = np.repeat(vectors(0, 3), [200, 5, 126], axis=0)
    found = nearest(base[[0]], base, 9, memory=SMALL + 4096 * 9)
    np.testing.assert_array_equal(found.ids, [np.arange(9)])
    reverse = nearest(base[[-1]], base[::-1], 9)
    np.testing.assert_array_equal(reverse.ids, [np.arange(9)])
    flat = np.ones((M, WIDTH), np.float32)
    np.testing.assert_array_equal(
        nearest(flat[:N], flat, 5, memory=SMALL + 4096 * 5).ids, np.tile(np.arange(5), (N, 1))
    )


def test_scores_that_differ_by_less_than_products_round_are_told_apart():
    """A large common part drowns the differences in single precision."""
    rng = np.random.default_rng(3)
    queries, base = (np.full((rows, 300), 10, np.float32) for rows in (5, M))
    base[:, 0] += rng.permutation(M).astype(np.float32) * 1e-5
    same(nearest(queries, base, 20), oracle(queries, base, 20))


def test_maps_of_files_are_read(tmp_path):
    base = vectors(1, M).astype(np.float16)
    base.tofile(tmp_path / "base")
    mapped = np.memmap(tmp_path / "base", np.float16, "r", shape=base.shape)
    same(nearest(mapped[:N], mapped, 4), oracle(base[:N], base, 4))


def test_a_pair_has_one_score_wherever_it_is():
    queries, base = vectors(0, N, width=1031), vectors(1, M, width=1031)
    rows, columns = np.random.default_rng(2).integers(0, (N, M), (3000, 2)).T
    scores = pair_scores(queries, base, rows, columns)
    alone = [
        pair_scores(queries[[r]], base[[c]], np.array([0]), np.array([0]))[0]
        for r, c in zip(rows, columns, strict=True)
    ]
    np.testing.assert_array_equal(scores, alone)
    np.testing.assert_allclose(scores, (queries[rows].astype(np.float64) * base[columns]).sum(1), rtol=1e-12)


def test_tiles_fit_into_the_memory():
    for memory, width, k in ((SMALL, 7, 1), (2**28, 1024, 10), (2**24, 513, 50)):
        sizes = tile_sizes(memory, width, k)
        assert 32 * sizes.queries * sizes.base + 8 * (sizes.queries + sizes.base) * width <= memory
        assert sizes.base % blocks.SIDE == 0
    assert tile_sizes(2**28, 1024, 10).base == blocks.LARGEST


def test_steps_are_told_and_can_stop_the_search():
    steps = []
    nearest(vectors(0, N), vectors(1, M), 1, memory=SMALL, on_step=steps.append)
    assert [(step.stage, step.done, step.total) for step in steps] == [("search", n, 3) for n in (1, 2, 3)]

    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        nearest(vectors(0, N), vectors(1, M), 1, on_step=stop)


def broken(value):
    rows = vectors(0, 5)
    rows[3, 2] = value
    return rows


@pytest.mark.parametrize(
    ("queries", "base", "k", "more", "message"),
    [
        (vectors(0, 5), vectors(0, 6), 7, {}, "7 neighbours in a base of 6 rows; expected 1 to 6"),
        (vectors(0, 5), vectors(0, 6), 0, {}, "0 neighbours"),
        (vectors(0, 5), vectors(0, 6, width=8), 1, {}, "queries of 7 and a base of 8 numbers"),
        (vectors(0, 5), vectors(0, 0), 1, {}, "base of shape"),
        (broken(np.nan), vectors(0, 6), 1, {}, "1 of 5 rows of the queries with values that are not finite"),
        (vectors(0, 6), broken(np.inf), 1, {}, "1 of 5 rows of the base"),
        (vectors(0, 6), broken(1e30), 1, {}, "of length 1.0e[+]30; expected at most 1e18"),
        (vectors(0, 5).astype(np.float64), vectors(0, 6), 1, {}, "queries in float64; expected float16 or float32"),
        (vectors(0, 5), vectors(0, 6), 1, {"offsets": np.zeros(5)}, "5 offsets for a base of 6 rows"),
        (vectors(0, 5), vectors(0, 6), 1, {"offsets": np.full(6, np.nan)}, "offsets that are not finite"),
        (vectors(0, 5), vectors(0, 6), 1, {"memory": 1000}, "1000 bytes of memory for tiles; expected at least"),
    ],
)
def test_what_cannot_be_searched_is_refused(queries, base, k, more, message):
    with pytest.raises(SettingError, match=message):
        nearest(queries, base, k, **more)
