"""Profiles themselves: what they say, and those that are built here."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from art2mus_core.images.icc import curves, display_profile, from_srgb_curve, is_srgb, to_srgb_curve

from .encodings_of_colour import D65, PRIMARIES, profile
from .seeing import SPACES, icc_of


@pytest.mark.parametrize("space", SPACES)
def test_other_profiles_are_no_srgb(space):
    assert not is_srgb(icc_of(space))
    assert not is_srgb(profile(PRIMARIES["srgb"], gamma=2.2))


def test_a_profile_of_tables_named_srgb_changes_no_pixel():
    named = bytearray(profile(PRIMARIES["p3"]))
    named[:] = named.replace(b"rXYZ", b"A2B0").replace(b"a test", b"sRGB 4")
    assert is_srgb(bytes(named))
    assert not is_srgb(bytes(named.replace(b"sRGB 4", b"P3 the")))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_the_curve_has_an_inverse(values):
    x = np.array(values)
    np.testing.assert_allclose(to_srgb_curve(from_srgb_curve(x)), x, atol=1e-6)


@settings(max_examples=20)
@given(st.floats(1.0, 3.0), st.sampled_from(list(PRIMARIES)))
def test_what_is_built_is_what_is_read(gamma, space):
    tables = curves(display_profile(PRIMARIES[space], D65, lambda x: x**gamma))
    np.testing.assert_allclose(tables[0], np.linspace(0, 1, 65536) ** gamma, atol=2e-4)


def grey_profile(kind, *values):
    """A grey profile with a parametric curve as its only tag."""
    tag = struct.pack(f">4s4xH2x{len(values)}i", b"para", kind, *(round(value * 65536) for value in values))
    head = bytearray(128)
    head[16:24], head[36:40] = b"GRAYXYZ ", b"acsp"
    return bytes(head) + struct.pack(">I4sII", 1, b"kTRC", 144, len(tag)) + tag


PARAMETRIC = {
    0: ((2.5,), lambda x: x**2.5),
    1: ((2.5, 1.25, -0.25), lambda x: (1.25 * x - 0.25) ** 2.5 if x >= 0.2 else 0),
    2: ((2.5, 1.0, -0.25, 0.125), lambda x: (x - 0.25) ** 2.5 + 0.125 if x >= 0.25 else 0.125),
    3: ((2.5, 0.75, 0.25, 0.5, 0.125), lambda x: (0.75 * x + 0.25) ** 2.5 if x >= 0.125 else 0.5 * x),
    4: (
        (2.5, 0.75, 0.25, 0.5, 0.125, -0.125, 0.25),
        lambda x: (0.75 * x + 0.25) ** 2.5 - 0.125 if x >= 0.125 else 0.5 * x + 0.25,
    ),
}


@pytest.mark.parametrize("kind", PARAMETRIC)
def test_parametric_curves_are_their_definition(kind):
    values, defined = PARAMETRIC[kind]
    (table,) = curves(grey_profile(kind, *values))
    x = np.linspace(0, 1, 65536)[::97]
    np.testing.assert_allclose(table[::97], np.clip([defined(one) for one in x], 0, 1), atol=1e-12)


def test_a_parametric_curve_without_a_slope_is_no_curve():
    assert curves(grey_profile(1, 2.5, 0.0, 0.5)) is None


@pytest.mark.parametrize("name", PRIMARIES)
def test_white_stays_white_and_grey_grey(name):
    grey = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).convert("RGB")
    source = ImageCms.ImageCmsProfile(io.BytesIO(display_profile(PRIMARIES[name])))
    got = ImageCms.profileToProfile(grey, source, ImageCms.createProfile("sRGB"), renderingIntent=1)
    assert np.abs(np.asarray(got).astype(int) - np.asarray(grey)).max() <= 1
