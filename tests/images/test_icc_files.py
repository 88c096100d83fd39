"""Pictures with an ICC profile in them are seen as their copies in sRGB."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL import __version__ as pillow_version

from art2mus_core.images.formats import formats
from art2mus_core.images.hdr import HLG, PQ
from art2mus_core.images.icc import display_profile, is_srgb
from art2mus_core.images.reading import artwork_from_array, read_artwork

from .encodings_of_colour import (
    PRIMARIES,
    hlg,
    iccp,
    jp2_with_profile,
    light_in,
    png,
    pq,
    profile,
    quantised,
    tiff,
    with_code_points,
)
from .seeing import SPACES, SRGB, check, encoded, icc_of, seen


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "jp2", "avif"])
@pytest.mark.parametrize("space", SPACES)
def test_embedded_profiles(tmp_path, rows, suffix, space):
    path, stored = tmp_path / f"one.{suffix}", Image.fromarray(encoded(rows, space))
    if suffix == "avif" and "AVIF" not in formats():
        pytest.skip("Pillow without AVIF")
    if suffix == "jp2":
        if int(pillow_version.split(".")[0]) < 11:
            pytest.skip("the OpenJPEG in Pillow 10 refuses a JP2 file with this profile")
        path.write_bytes(jp2_with_profile(np.asarray(stored), icc_of(space)))
    else:
        stored.save(
            path,
            icc_profile=icc_of(space),
            **{
                "jpg": {"quality": 100, "subsampling": 0},
                "webp": {"lossless": True},
                "avif": {"quality": 100, "subsampling": "4:4:4"},
            }.get(suffix, {}),
        )
    check(path, rows, mean=4.0 if space == "srgb" else 2.0)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("container", ["png", "tif"])
def test_sixteen_bits_lose_nothing(tmp_path, rows, space, container):
    deep = encoded(rows, space, 16)
    path = tmp_path / f"deep.{container}"
    if container == "png":
        path.write_bytes(png(deep, iccp(icc_of(space))))
    else:
        icc = icc_of(space)
        path.write_bytes(tiff(deep, 16, 2, big=True, tags={34675: (1, list(icc))}))
    check(path, rows, mean=0.6, most=8)


def test_sixteen_bits_of_srgb_stay_as_they_are(tmp_path, rows):
    deep = rows.astype(np.uint16) * 256 + 77
    (tmp_path / "a.png").write_bytes(png(deep, iccp(SRGB)))
    (tmp_path / "b.tif").write_bytes(tiff(deep, 16, 2))
    for name in ("a.png", "b.tif"):
        check(tmp_path / name, rows, mean=0)


SRGB_PROFILES = {"littlecms": SRGB, "curve": profile(PRIMARIES["srgb"]), "display": display_profile(PRIMARIES["srgb"])}


@pytest.mark.parametrize("icc", SRGB_PROFILES.values(), ids=SRGB_PROFILES)
def test_srgb_profiles_change_no_pixel(tmp_path, rows, icc):
    Image.fromarray(rows).save(tmp_path / "tagged.png", icc_profile=icc)
    assert is_srgb(icc)
    artwork = read_artwork(tmp_path / "tagged.png")
    assert artwork.sha256 == artwork_from_array(rows).sha256
    assert artwork.notes == ()


@pytest.mark.parametrize(("transfer", "signal"), [(PQ, pq), (HLG, hlg)])
def test_a_profile_with_code_points_of_bright_displays(tmp_path, rows, transfer, signal):
    """As JPEG XL and programs for such displays write it: the tables in it are of one display."""
    icc = with_code_points(profile(PRIMARIES["bt2020"]), 9, transfer)
    (tmp_path / "one.png").write_bytes(png(quantised(signal(light_in(rows, "bt2020")), 16), iccp(icc)))
    check(tmp_path / "one.png", rows, mean=1.0)


def test_transparency_and_palettes_keep_their_profile(tmp_path, rows):
    stored = Image.fromarray(encoded(rows, "p3"))
    stored.putalpha(128)
    stored.save(tmp_path / "clear.png", icc_profile=icc_of("p3"))
    check(tmp_path / "clear.png", rows * (128 / 255) + 127, mean=1.5)
    few = Image.fromarray(rows).quantize(64)
    flat = np.asarray(few.convert("RGB"))
    few.putpalette(encoded(np.array(few.getpalette()).reshape(1, -1, 3), "adobe").ravel().tolist())
    few.save(tmp_path / "few.png", icc_profile=icc_of("adobe"))
    check(tmp_path / "few.png", flat, mean=1.5)


def bmp_with_profile(rows, icc):
    sink = io.BytesIO()
    Image.fromarray(rows).save(sink, "BMP")
    pixels = sink.getvalue()[54:]
    head = struct.pack("<IiiHHIIiiII", 124, rows.shape[1], rows.shape[0], 1, 24, 0, len(pixels), 0, 0, 0, 0)
    head += bytes(16) + b"DEBM" + bytes(48) + struct.pack("<IIII", 2, 124 + len(pixels), len(icc), 0)
    return struct.pack("<2sIII", b"BM", 138 + len(pixels) + len(icc), 0, 138) + head + pixels + icc


def test_bmp_with_a_profile(tmp_path, rows):
    (tmp_path / "one.bmp").write_bytes(bmp_with_profile(encoded(rows, "adobe"), icc_of("adobe")))
    check(tmp_path / "one.bmp", rows, mean=1.5)


@pytest.mark.parametrize(
    "icc",
    [b"nothing", bytes(200), SRGB[:140], icc_of("p3")[:300], icc_of("p3")[:128] + b"\xff" * 300],
    ids=["short", "zeros", "head", "cut", "garbage"],
)
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_a_damaged_profile_is_ignored_and_told(tmp_path, rows, icc, suffix):
    Image.fromarray(rows).save(
        tmp_path / f"a.{suffix}", icc_profile=icc, **({"lossless": True} if suffix == "webp" else {})
    )
    check(tmp_path / f"a.{suffix}", rows, mean=6 if suffix == "jpg" else 0, note=True)


@pytest.mark.parametrize(("mode", "space"), [("RGB", b"GRAY"), ("RGB", b"CMYK"), ("CMYK", b"RGB ")])
def test_a_profile_for_other_colours_is_ignored_and_told(tmp_path, rows, mode, space):
    Image.fromarray(rows).convert(mode).save(tmp_path / "plain.tif")
    Image.fromarray(rows).convert(mode).save(tmp_path / "odd.tif", icc_profile=profile(PRIMARIES["p3"], space=space))
    plain, _ = seen(tmp_path / "plain.tif")
    got, notes = seen(tmp_path / "odd.tif")
    np.testing.assert_array_equal(got, plain)
    assert len(notes) == 1


@settings(max_examples=40)
@given(st.data())
def test_no_damage_to_a_profile_ends_the_reading(tmp_path_factory, data):
    icc = bytearray(icc_of(data.draw(st.sampled_from(list(SPACES)))))
    for _ in range(data.draw(st.integers(1, 6))):
        icc[data.draw(st.integers(0, len(icc) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("profile") / "a.png"
    Image.new("RGB", (5, 4), (10, 200, 30)).save(path, icc_profile=bytes(icc))
    assert read_artwork(path).pixels.shape == (3, 4, 5)
