"""Grey pictures and their profiles, for grey and for colours."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from .encodings_of_colour import D50, iccp, linear, png, profile, quantised, srgb_curve
from .seeing import check, icc_of


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("transparent", [False, True])
def test_grey_with_a_profile_for_grey(tmp_path, rows, bits, transparent):
    grey = rows[..., 1:2]
    stored = quantised(linear(grey) ** (1 / 1.8), bits)
    stored = np.concatenate([stored, np.full_like(stored, 2**bits - 1)], -1) if transparent else stored
    (tmp_path / "one.png").write_bytes(png(stored, iccp(profile((), D50, 1.8, space=b"GRAY"))))
    check(tmp_path / "one.png", grey, mean=1.0, most=9)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_profile_whose_curve_leads_to_lightness(tmp_path, rows, bits):
    """CIE L*, as some profiles for grey have it: the curve is straight, and no light."""
    grey = rows[..., 1:2]
    light = linear(grey)
    lightness = np.where(light > 216 / 24389, 1.16 * np.cbrt(light) - 0.16, light * 24389 / 2700)
    icc = bytearray(profile((), D50, 1.0, space=b"GRAY"))
    icc[20:24] = b"Lab "
    (tmp_path / "one.png").write_bytes(png(quantised(lightness, bits), iccp(bytes(icc))))
    check(tmp_path / "one.png", grey, mean=1.5, most=12)


def test_grey_that_is_kept_as_colours_has_a_profile_for_grey(tmp_path, rows):
    grey = rows[..., 1:2]
    stored = quantised(linear(grey) ** (1 / 1.8))
    icc = profile((), D50, 1.8, space=b"GRAY")
    Image.fromarray(stored[..., 0]).save(tmp_path / "one.webp", lossless=True, icc_profile=icc)
    check(tmp_path / "one.webp", grey, mean=1.0, most=9)


def test_grey_pictures_take_a_profile_for_colours(tmp_path):
    grey = np.tile(np.arange(256, dtype=np.uint8), (8, 1))
    Image.fromarray(grey).save(tmp_path / "grey.png", icc_profile=icc_of("prophoto"))
    expected = srgb_curve((grey / 255) ** 1.8)[..., None] * 255
    check(tmp_path / "grey.png", expected, mean=1, most=4)
