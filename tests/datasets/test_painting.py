from __future__ import annotations

import math
import re
from dataclasses import astuple

import numpy as np
import pytest
from PIL import Image

from art2mus_core.datasets.synthetic.painting import STYLES, paint, paint_square
from art2mus_core.datasets.synthetic.painting.canvas import Canvas, fractal, noise
from art2mus_core.datasets.synthetic.painting.palette import draw_mood, draw_palette, srgb
from art2mus_core.errors import SettingError
from art2mus_core.images.listing import samples
from art2mus_core.images.reading import as_square, read_artwork
from art2mus_core.measure.pictures import RANKED, measure, measure_square, oklab, percentiles

MANY = 240


@pytest.fixture(scope="module")
def gallery():
    """Pictures of seeds that the table of percentiles was not made from, and their ranks."""
    squares = [paint_square(seed) for seed in range(MANY)]
    return squares, [percentiles(measure_square(square)) for square in squares]


def test_a_seed_is_a_painting():
    first = paint(7)
    assert first.name == "painting_7"
    assert first.pixels.shape == (3, 128, 128)
    assert first.sha256 == paint(7).sha256
    assert len({paint(seed, 40).sha256 for seed in range(30)}) == 30


def test_painting_leaves_other_random_numbers_alone():
    np.random.seed(3)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    paint(11, 32)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


def test_the_square_is_the_artwork():
    np.testing.assert_array_equal(paint_square(21), as_square(paint(21), 128).numpy())


@pytest.mark.parametrize(("aspect", "shape"), [(1.0, (60, 60)), (1.5, (40, 60)), (0.5, (60, 30))])
def test_size_is_the_longer_side(aspect, shape):
    assert tuple(paint(5, 60, aspect).pixels.shape[1:]) == shape


@pytest.mark.parametrize("seed", range(40))
def test_any_size_can_be_painted(seed):
    for size, aspect in ((1, 1.0), (2, 3.0), (37, 0.3)):
        assert paint(seed, size, aspect).pixels.shape[0] == 3


@pytest.mark.parametrize(("seed", "size", "aspect"), [(-1, 8, 1.0), (0, 0, 1.0), (0, 8, 0.01), (0, 8, math.nan)])
def test_impossible_paintings_are_refused(seed, size, aspect):
    with pytest.raises(SettingError):
        paint(seed, size, aspect)


@pytest.mark.parametrize("seed", range(0, 60, 7))
def test_the_same_composition_at_any_size(seed):
    small, large = paint(seed), paint(seed, 384)
    apart = np.abs(as_square(small, 32).numpy() - as_square(large, 32).numpy()).mean()
    assert apart < 0.03
    here, there = percentiles(measure(small)), percentiles(measure(large))
    assert max(abs(a - b) for a, b in zip(astuple(here)[:7], astuple(there)[:7], strict=True)) < 0.2


@pytest.mark.parametrize("name", STYLES)
def test_every_style_paints_in_every_mood(name):
    pictures = set()
    for seed in range(6):
        rng = np.random.default_rng(seed)
        mood = draw_mood(rng)
        palette = draw_palette(rng, mood)
        canvas = Canvas(48, 32, palette[3])
        STYLES[name](canvas, rng, mood, palette)
        picture = canvas.finish()
        assert picture.size == (48, 32)
        pictures.add(picture.tobytes())
    assert len(pictures) == 6


def test_paintings_fill_the_space(gallery):
    _, ranks = gallery
    for name in RANKED:
        counts, _ = np.histogram([getattr(rank, name) for rank in ranks], 5, (0, 1))
        assert counts.min() > MANY / 5 / 2, name


def test_hues_go_round_the_wheel(gallery):
    _, ranks = gallery
    counts, _ = np.histogram([rank.hue for rank in ranks], 6, (-math.pi, math.pi))
    assert counts.min() > MANY / 6 / 2


def test_colour_does_not_tell_the_texture(gallery):
    _, ranks = gallery
    table = np.array([astuple(rank)[:7] for rank in ranks])
    related = np.corrcoef(table.T)
    colour, form = slice(0, 3), slice(3, 7)
    assert np.abs(related[colour, form]).max() < 0.35


def test_paintings_are_textured(gallery):
    squares, _ = gallery
    flat = sum(np.abs(np.diff(square, axis=-1)).mean() < 0.002 for square in squares)
    assert flat < MANY * 0.1


def test_palettes_keep_their_lightness_and_hue():
    lab = np.array([[0.5, 0.1, 0.05], [0.9, 0.3, 0.0], [0.2, -0.3, 0.1], [0.7, 0.0, 0.0]])
    shown = srgb(lab)
    assert shown.min() >= 0
    assert shown.max() <= 1
    back = oklab(shown.T[:, None].astype(np.float32))[:, 0].T
    np.testing.assert_allclose(back[:, 0], lab[:, 0], atol=0.01)
    np.testing.assert_allclose(back[0], lab[0], atol=0.003)
    for one, other in zip(back[:3], lab[:3], strict=True):
        assert math.atan2(one[2], one[1]) == pytest.approx(math.atan2(other[2], other[1]), abs=0.05)


def test_noise_is_the_same_at_any_size():
    small = noise(np.random.default_rng(2), (5, 3), 40, 24)
    large = noise(np.random.default_rng(2), (5, 3), 160, 96)
    shrunk = np.asarray(Image.fromarray(large).resize((40, 24), Image.Resampling.BOX))
    assert np.abs(small - shrunk).max() < 0.1
    assert 0.3 < fractal(np.random.default_rng(2), 8, 3, 64, 64).std() < 2


def test_the_samples_are_painted_by_these_seeds():
    folder = next(iter(samples().values())).parent
    rows = re.findall(
        r"^\| (\w+)\.jpg \| (\d+) \| ([\d.]+) \|$", (folder / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert {name for name, _, _ in rows} == set(samples())
    for name, seed, aspect in rows:
        shown = as_square(read_artwork(samples()[name]), 24)
        painted = as_square(paint(int(seed), 256, float(aspect)), 24)
        assert (shown - painted).abs().mean() < 0.03, name
