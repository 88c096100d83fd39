from __future__ import annotations

import json
import math
from dataclasses import astuple, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from art2mus_core.errors import ArtworkError
from art2mus_core.images.listing import samples
from art2mus_core.images.reading import artwork_from_array, read_artwork
from art2mus_core.measure.pictures import (
    RANKED,
    SIDE,
    ImageStatistics,
    calibrate,
    measure,
    measure_square,
    oklab,
    percentiles,
    table,
    write_table,
)

seeds = st.integers(0, 10_000)


def plain(*colour):
    return np.broadcast_to(np.array(colour, np.float32)[:, None, None], (3, SIDE, SIDE)).copy()


def rough(seed, low=0.2, high=0.7):
    """A blotchy picture between two levels."""
    coarse = np.random.default_rng(seed).random((3, 16, 16), np.float32)
    return low + (high - low) * coarse.repeat(SIDE // 16, 1).repeat(SIDE // 16, 2)


def gratings(period):
    x = np.arange(SIDE)
    return np.broadcast_to(0.5 + 0.3 * np.sin(2 * np.pi * x / period), (3, SIDE, SIDE)).astype(np.float32)


@pytest.mark.parametrize(
    ("colour", "lab"),
    [
        ((1, 1, 1), (1, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((1, 0, 0), (0.62796, 0.22486, 0.12585)),
        ((0, 1, 0), (0.86644, -0.23389, 0.17950)),
        ((0, 0, 1), (0.45201, -0.03246, -0.31153)),
    ],
)
def test_oklab_is_ottossons(colour, lab):
    np.testing.assert_allclose(oklab(plain(*colour))[:, 0, 0], lab, atol=2e-4)


def test_plain_grey_measures_as_nothing_but_its_lightness():
    grey = measure_square(plain(0.5, 0.5, 0.5))
    assert grey.lightness == pytest.approx(0.598, abs=0.002)
    assert (grey.contrast, grey.edge_density, grey.hue) == (0, 0, 0)
    assert grey.symmetry == grey.texture_scale == 1
    assert grey.saturation == pytest.approx(0, abs=1e-3)
    assert grey.warmth == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(
    ("colour", "sign"),
    [((1, 0, 0), 1), ((1, 0.6, 0), 1), ((1, 1, 0), 1), ((0, 0, 1), -1), ((0, 1, 1), -1), ((0, 0.7, 0.2), -1)],
)
def test_warm_and_cool(colour, sign):
    assert sign * measure_square(plain(*colour)).warmth > 0.005


@given(seeds, st.floats(0.02, 0.25))
@settings(max_examples=20)
def test_brighter_is_lighter(seed, more):
    picture = rough(seed)
    assert measure_square(picture + np.float32(more)).lightness > measure_square(picture).lightness


@given(seeds, st.floats(0.1, 0.8))
@settings(max_examples=20)
def test_towards_grey_loses_saturation_and_warmth(seed, share):
    picture = rough(seed)
    grey = picture.mean(0, keepdims=True)
    faded = measure_square((grey + (picture - grey) * np.float32(share)).astype(np.float32))
    full = measure_square(picture)
    assert faded.saturation < full.saturation
    assert measure_square(np.broadcast_to(grey, picture.shape).copy()).saturation < 1e-3


@given(seeds, st.floats(0.1, 0.8))
@settings(max_examples=20)
def test_flatter_has_less_contrast_and_fewer_edges(seed, share):
    picture = rough(seed)
    flat = measure_square((0.45 + (picture - 0.45) * np.float32(share)).astype(np.float32))
    full = measure_square(picture)
    assert flat.contrast < full.contrast
    assert flat.edge_density < full.edge_density


@given(seeds)
@settings(max_examples=20)
def test_a_mirror_image_of_itself_is_symmetric(seed):
    picture = rough(seed)
    mirrored = np.concatenate([picture[..., : SIDE // 2], picture[..., : SIDE // 2][..., ::-1]], -1)
    assert measure_square(np.ascontiguousarray(mirrored)).symmetry == pytest.approx(1, abs=1e-6)
    assert measure_square(picture).symmetry < 0.8


def test_an_odd_picture_has_no_symmetry():
    ramp = np.broadcast_to(np.linspace(0.3, 0.6, SIDE, dtype=np.float32), (3, SIDE, SIDE)).copy()
    assert measure_square(ramp).symmetry < 0.02


@given(seeds)
@settings(max_examples=20)
def test_left_and_right_count_the_same(seed):
    picture = rough(seed)
    here, there = measure_square(picture), measure_square(np.ascontiguousarray(picture[..., ::-1]))
    np.testing.assert_allclose(astuple(here)[:5], astuple(there)[:5], rtol=1e-4, atol=1e-6)
    assert here.symmetry == pytest.approx(there.symmetry, abs=1e-5)


def test_texture_scale_follows_the_period():
    scales = [measure_square(gratings(period)).texture_scale for period in (3, 6, 12, 24, 48)]
    assert scales == sorted(scales)
    assert scales[0] < 0.2
    assert scales[-1] > 0.7


@pytest.mark.parametrize("degrees", range(-170, 180, 20))
def test_hue_is_the_angle_of_the_strongest_colour(degrees):
    angle = math.radians(degrees)
    lab = np.array([0.65, 0.07 * math.cos(angle), 0.07 * math.sin(angle)])
    from art2mus_core.datasets.synthetic.painting.palette import srgb

    colour = srgb(lab[None])[0]
    picture = plain(*colour)
    picture[:, :30] = 0.5
    off = measure_square(picture).hue - angle
    assert abs(math.atan2(math.sin(off), math.cos(off))) < math.radians(5)


def test_size_does_not_matter():
    rng = np.random.default_rng(5)
    small = (rng.random((16, 16, 3)) * 255).astype(np.uint8)
    sizes = [
        measure(artwork_from_array(small.repeat(across, 0).repeat(across, 1), "blotches")) for across in (8, 24, 40)
    ]
    for other in sizes[1:]:
        np.testing.assert_allclose(astuple(other)[:7], astuple(sizes[0])[:7], atol=0.05)


def statistics(values):
    return ImageStatistics(*values)


def test_the_packaged_table_rises():
    quantiles = table()
    assert set(quantiles) == set(RANKED)
    assert all(np.all(np.diff(values) >= 0) and values[0] < values[-1] for values in quantiles.values())


@given(st.sampled_from(RANKED), st.floats(-1, 2), st.floats(-1, 2))
def test_percentiles_are_monotone_and_stay_in_range(name, one, other):
    low, high = sorted((one, other))
    base = statistics([0.1] * 7 + [2.5])
    first, second = percentiles(replace(base, **{name: low})), percentiles(replace(base, **{name: high}))
    assert 0 <= getattr(first, name) <= getattr(second, name) <= 1
    assert first.hue == 2.5


@given(st.lists(st.lists(st.floats(-1, 1), min_size=8, max_size=8), min_size=2, max_size=40))
@settings(max_examples=30)
def test_a_table_ranks_its_own_extremes(values):
    quantiles = calibrate(statistics(row) for row in values)
    lowest, highest = statistics(np.min(values, 0) - 0.1), statistics(np.max(values, 0) + 0.1)
    assert all(getattr(percentiles(lowest, quantiles), name) == 0 for name in RANKED)
    assert all(getattr(percentiles(highest, quantiles), name) == 1 for name in RANKED)


def test_an_even_spread_ranks_evenly():
    quantiles = calibrate(statistics([i / 200] * 7 + [0.0]) for i in range(201))
    for share in (0.1, 0.5, 0.83):
        assert percentiles(statistics([share] * 7 + [1.0]), quantiles).contrast == pytest.approx(share, abs=0.01)


def test_tables_are_written_whole(tmp_path):
    quantiles = calibrate(statistics([i / 7] * 7 + [0.0]) for i in range(8))
    write_table(quantiles, tmp_path / "table.json", 8)
    read = json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))
    assert read["pictures"] == 8
    np.testing.assert_allclose(read["quantiles"]["warmth"], quantiles["warmth"], atol=1e-5)
    assert [path.name for path in tmp_path.iterdir()] == ["table.json"]


def test_one_picture_makes_no_table():
    with pytest.raises(ArtworkError, match="at least two"):
        calibrate([statistics([0.5] * 8)])


def test_the_samples_differ_in_mood():
    ranks = [percentiles(measure(read_artwork(path))) for path in samples().values()]
    assert len(ranks) == 8
    for name in ("lightness", "warmth", "saturation", "contrast", "edge_density", "symmetry", "texture_scale"):
        values = [getattr(rank, name) for rank in ranks]
        assert max(values) - min(values) > 0.5, name
