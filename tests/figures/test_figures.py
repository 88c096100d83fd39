from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch
from PIL import Image

from art2mus_core.errors import OutputError
from art2mus_core.figures.overview import (
    SEMITONE_GRID,
    bars_height,
    describe_artwork,
    describe_music,
    draw_bars,
    draw_overview,
    draw_sounds,
)
from art2mus_core.figures.paper import BACKGROUND, LINES, font, heat, save_image, sheet, shortened, ticks
from art2mus_core.figures.plots import draw_curve
from art2mus_core.figures.spectrogram import draw_spectrogram, heat_map, row_labels
from art2mus_core.measure.sound.music import measure
from art2mus_core.types import Artwork, AudioGrid, Waveform

RED = torch.tensor([230, 20, 30], dtype=torch.uint8)


def artwork(height=40, width=90, name="red"):
    return Artwork(RED[:, None, None].expand(3, height, width).clone(), name)


def waveform(seconds=1.5, rate=22_050):
    t = torch.arange(round(seconds * rate)) / rate
    return Waveform(0.3 * torch.sin(2 * math.pi * 440 * t)[None, None], rate)


def pixels(image):
    return np.asarray(image.convert("RGB")).astype(int)


def count(image, colour, tolerance=12):
    return int((np.abs(pixels(image) - np.array(colour)).max(-1) <= tolerance).sum())


def lightness(image):
    return pixels(image).mean(-1)


def test_heat_grows_lighter_without_a_step_back():
    ramp = lightness(heat(np.linspace(-0.2, 1.2, 300)[None]))[0]
    assert (np.diff(ramp) >= -0.7).all()
    assert ramp[0] == 0
    assert ramp[-1] > 200


def test_low_pitch_is_at_the_bottom_and_time_runs_right():
    mel = torch.full((20, 12), -8.0)
    mel[15:, 1] = 0.0
    light = lightness(heat_map(mel, 200, 120))
    row, column = np.unravel_index(light.argmax(), light.shape)
    assert 120 * 10 / 12 <= row < 120 * 11 / 12
    assert column >= 150
    assert light[:60].max() < 5


def test_a_spectrogram_of_silence_draws():
    assert heat_map(torch.full((3, 5), -8.0), 30, 20).size == (30, 20)


def test_pictures_of_one_span_share_their_colours():
    faint, loud = torch.full((20, 12), -8.0), torch.full((20, 12), -8.0)
    faint[5:10, 3:6], loud[5:10, 3:6], loud[15:, 8:] = -4.0, -4.0, -1.0
    alone, together = (
        [lightness(heat_map(mel, 20, 12, span)) for mel in (faint, loud)] for span in (None, (-8.0, -1.0))
    )
    assert together[0][7, 7] == together[1][7, 7] > 0
    assert alone[0][7, 7] > alone[1][7, 7] + 20


def test_spectrogram_has_the_asked_size_and_paper_around_it():
    image = draw_spectrogram(torch.randn(33, 96), 2.5, SEMITONE_GRID, (501, 303))
    assert image.size == (501, 303)
    assert tuple(pixels(image)[0, 0]) == BACKGROUND
    assert lightness(image)[20:200, 150:400].mean() < 200


def test_rows_are_named_by_octaves_or_hertz():
    assert row_labels(SEMITONE_GRID, 84)[:2] == [(0, "C2"), (12, "C3")]
    slaney = AudioGrid(16_000, 160, 64, "slaney", 0.0, 8000.0, (1024,), 1e-5, 8, 4, 1.0, 7)
    places = {name: row for row, name in row_labels(slaney, 64)}
    assert places["1 kHz"] == pytest.approx(15 / (15 + 27 * math.log(8) / math.log(6.4)) * 65 - 1)


def test_bars_are_as_long_as_their_share():
    lengths = {}
    for share in (0.25, 0.5, 1.0, 7.0):
        image, pen = sheet(500, bars_height(1, 16))
        draw_bars(pen, (10, 0, 490), "title", {"name": (share, "said")}, 16)
        lengths[share] = int((np.abs(pixels(image) - np.array(LINES[0])).max(-1) < 5).any(0).sum())
    assert lengths[0.25] == pytest.approx(lengths[0.5] / 2, abs=3)
    assert lengths[0.5] == pytest.approx(lengths[1.0] / 2, abs=3)
    assert lengths[7.0] == lengths[1.0]


def test_an_overview_shows_the_artwork_unstretched_and_both_measurements():
    image = draw_overview(artwork(), waveform())
    red = np.argwhere(np.abs(pixels(image) - RED.numpy()).max(-1) <= 3)
    height, width = red.max(0) - red.min(0) + 1
    assert width / height == pytest.approx(90 / 40, abs=0.02)
    bottom = image.crop((0, image.height * 2 // 3, image.width, image.height))
    assert count(bottom, LINES[0]) > 500
    assert count(bottom, LINES[1]) > 500


def test_sounds_are_drawn_below_each_other():
    one, two = (draw_sounds(dict.fromkeys(names, waveform())) for names in (["true"], ["true", "generated"]))
    assert one.width == two.width
    assert two.height - one.height == one.height - 40
    upper, lower = (pixels(two)[40 + 60 + at : 40 + at + 380] for at in (0, two.height - one.height))
    assert np.array_equal(upper[:250], lower[:250])


def test_an_overview_draws_given_values():
    few = draw_overview(artwork(), waveform(), {"lightness": 0.3}, {"key": "A minor", "onsets": 0.2})
    many = draw_overview(artwork(), waveform(), {str(k): 0.1 for k in range(9)}, {})
    assert few.width == many.width
    assert many.height > few.height


def test_descriptions_are_shares():
    picture, music = describe_artwork(artwork()), describe_music(measure(waveform()))
    assert set(picture) == {
        "lightness",
        "warmth",
        "saturation",
        "contrast",
        "edge density",
        "symmetry",
        "texture scale",
    }
    assert all(0 <= share <= 1 for share in picture.values())
    assert music["key"].startswith("A ")
    assert music["register"][1] == "around A4"
    assert music["in tune"][0] > 0.95


def test_a_curve_follows_its_points():
    image = draw_curve([(0, 1.0), (10, 0.0)], title="t", size=(400, 300))
    drawn = np.argwhere(np.abs(pixels(image) - np.array(LINES[0])).max(-1) < 5)
    left, right = drawn[drawn[:, 1].argmin()], drawn[drawn[:, 1].argmax()]
    assert left[0] < right[0] - 150
    assert np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1] > 0.99


def test_a_few_huge_values_do_not_flatten_the_rest():
    points = [(float(k), 9.0 if k < 3 else 1.0 + (k % 2) * 0.5) for k in range(1000)]
    drawn = np.argwhere(np.abs(pixels(draw_curve(points, size=(600, 400))) - np.array(LINES[0])).max(-1) < 5)
    assert drawn[:, 0].max() < 400
    assert np.median(drawn[:, 0]) < 220


@pytest.mark.parametrize("points", [[], [(3, 2.0)], [(0, 1.0), (5, 1.0)], [(0, math.nan)]])
def test_plots_of_few_points_draw(points):
    assert draw_curve(points, size=(300, 200)).size == (300, 200)


def test_ticks_are_round_and_inside():
    assert list(ticks(0, 10, 5)) == [0, 2, 4, 6, 8, 10]
    assert list(ticks(0.13, 0.41, 3)) == [0.2, 0.3, 0.4]
    assert list(ticks(4, 4, 5)) == [4]


def test_long_text_is_cut_to_its_width():
    text = shortened("a very long name of a painting " * 5, 15, 120)
    assert text.endswith("…")
    assert font(15).getlength(text) <= 120
    assert shortened("short\nname", 15, 200) == "short name"


@pytest.mark.parametrize(("suffix", "kind"), [(".png", "PNG"), (".JPG", "JPEG"), (".webp", "WEBP")])
def test_images_are_saved_by_suffix(tmp_path, suffix, kind):
    path = tmp_path / f"figure{suffix}"
    save_image(draw_curve([], size=(64, 48)), path)
    with Image.open(io.BytesIO(path.read_bytes())) as image:
        assert (image.format, image.size) == (kind, (64, 48))
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("name", ["figure.gif", "figure"])
def test_places_that_cannot_hold_an_image_are_refused(tmp_path, name):
    with pytest.raises(OutputError):
        save_image(Image.new("RGB", (3, 2)), tmp_path / name)
    assert list(tmp_path.iterdir()) == []
