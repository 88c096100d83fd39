"""Whatever a file says of its colours, it is seen as its copy in sRGB."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL import __version__ as pillow_version

from art2mus_core.errors import ArtworkError
from art2mus_core.images.formats import formats
from art2mus_core.images.hdr import HLG, PQ, tone_mapped
from art2mus_core.images.icc import curves, display_profile, from_srgb_curve, is_srgb, to_srgb_curve
from art2mus_core.images.listing import samples
from art2mus_core.images.reading import artwork_from_array, read_artwork

from .encodings_of_colour import (
    D50,
    D65,
    PRIMARIES,
    avif,
    camera_exif,
    chrm,
    cicp,
    gama,
    hlg,
    iccp,
    jp2_with_profile,
    light_in,
    linear,
    png,
    pq,
    profile,
    quantised,
    srgb_curve,
    tiff,
    with_code_points,
)

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SPACES = {
    "adobe": (D65, 2.19921875),
    "p3": (D65, None),
    "bt2020": (D65, 2.4),
    "prophoto": (D50, 1.8),
    "srgb": (D65, 1.0),
}


@pytest.fixture(scope="module")
def rows():
    with Image.open(samples()["blue_flowers_on_red"]) as image:
        return np.asarray(image.convert("RGB").resize((96, 80)))


def icc_of(space):
    white, gamma = SPACES[space]
    return profile(PRIMARIES[space], white, gamma)


def encoded(rows, space, bits=8):
    white, gamma = SPACES[space]
    light = light_in(rows, space, white)
    return quantised(srgb_curve(light) if gamma is None else light ** (1 / gamma), bits)


def seen(path):
    artwork = read_artwork(path)
    return artwork.pixels.permute(1, 2, 0).numpy(), artwork.notes


def check(path, rows, mean=1.0, most=255, note=False):
    got, notes = seen(path)
    off = np.abs(got.astype(int) - rows)
    assert bool(notes) == note
    assert off.mean() <= mean
    assert off.max() <= most


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


@pytest.mark.parametrize("space", SPACES)
def test_other_profiles_are_no_srgb(space):
    assert not is_srgb(icc_of(space))
    assert not is_srgb(profile(PRIMARIES["srgb"], gamma=2.2))


def test_a_profile_of_tables_named_srgb_changes_no_pixel():
    named = bytearray(profile(PRIMARIES["p3"]))
    named[:] = named.replace(b"rXYZ", b"A2B0").replace(b"a test", b"sRGB 4")
    assert is_srgb(bytes(named))
    assert not is_srgb(bytes(named.replace(b"sRGB 4", b"P3 the")))


@pytest.mark.parametrize(
    "chunks",
    [
        [gama(0.45455)],
        [gama(0.45455), chrm(PRIMARIES["srgb"])],
        [(b"sRGB", b"\0"), gama(1.0)],
        [iccp(SRGB), gama(1.0), chrm(PRIMARIES["p3"])],
        [cicp(1, 13), iccp(profile(PRIMARIES["p3"])), gama(1.0)],
        [chrm(PRIMARIES["p3"])],
    ],
)
def test_png_chunks_that_mean_srgb(tmp_path, rows, chunks):
    (tmp_path / "one.png").write_bytes(png(rows, *chunks))
    check(tmp_path / "one.png", rows, mean=0)


@pytest.mark.parametrize(
    "chunks",
    [
        [gama(0)],
        [gama(0.00001)],
        [gama(42_000)],
        [(b"gAMA", b"\0\0")],
        [gama(0.45455), (b"cHRM", bytes(16))],
        [(b"iCCP", b"")],
        [(b"iCCP", b"a\0\0b")],
    ],
)
def test_png_chunks_that_cannot_be_meant_are_ignored_and_told(tmp_path, rows, chunks):
    (tmp_path / "one.png").write_bytes(png(rows, *chunks))
    check(tmp_path / "one.png", rows, mean=0, note=True)


@pytest.mark.parametrize("chunk", [iccp(SRGB), gama(0.45455), (b"tEXt", b"a\0b")])
def test_a_wrong_checksum_beside_the_picture_is_no_reason_to_refuse(tmp_path, rows, chunk):
    content = bytearray(png(rows, (b"eXIf", camera_exif(1, "R98")[6:]), chunk))
    at = content.index(chunk[0]) + 4 + len(chunk[1])
    content[at] ^= 1
    (tmp_path / "one.png").write_bytes(content)
    check(tmp_path / "one.png", rows, mean=0, note=chunk[0] != b"tEXt")
    content[content.index(b"IDAT") + 40] ^= 1
    (tmp_path / "one.png").write_bytes(content)
    with pytest.raises(ArtworkError):
        read_artwork(tmp_path / "one.png")


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


@pytest.mark.parametrize(("transfer", "signal"), [(PQ, pq), (HLG, hlg)])
def test_a_profile_with_code_points_of_bright_displays(tmp_path, rows, transfer, signal):
    """As JPEG XL and programs for such displays write it: the tables in it are of one display."""
    icc = with_code_points(profile(PRIMARIES["bt2020"]), 9, transfer)
    (tmp_path / "one.png").write_bytes(png(quantised(signal(light_in(rows, "bt2020")), 16), iccp(icc)))
    check(tmp_path / "one.png", rows, mean=1.0)


@pytest.mark.parametrize("bits", [8, 16])
def test_png_gamma_and_chromaticities(tmp_path, rows, bits):
    light = quantised(light_in(rows, "srgb"), bits)
    (tmp_path / "a.png").write_bytes(png(light, gama(1.0)))
    adobe = quantised(light_in(rows, "adobe") ** (1 / 2.2), bits)
    (tmp_path / "b.png").write_bytes(png(adobe, gama(1 / 2.2), chrm(PRIMARIES["adobe"])))
    p3 = quantised(srgb_curve(light_in(rows, "p3")), bits)
    (tmp_path / "c.png").write_bytes(png(p3, cicp(12, 13), iccp(icc_of("prophoto")), gama(1.0)))
    (tmp_path / "d.png").write_bytes(png(p3, iccp(icc_of("p3")), (b"sRGB", b"\0"), gama(1.0)))
    for name in "abcd":
        check(tmp_path / f"{name}.png", rows, mean=(4 if name == "a" else 1.2) if bits == 8 else 0.6)


def test_grey_png_in_linear_light(tmp_path, rows):
    grey = rows[..., 1:2]
    (tmp_path / "deep.png").write_bytes(png(quantised(light_in(grey.repeat(3, -1), "srgb")[..., :1], 16), gama(1.0)))
    check(tmp_path / "deep.png", grey, mean=0.5, most=1)
    Image.fromarray(quantised((grey[..., 0] / 255) ** 1.5)).save(
        tmp_path / "profile.png", icc_profile=profile((), gamma=1.8, space=b"GRAY")
    )
    expected = srgb_curve((grey / 255) ** (1.5 * 1.8)) * 255
    check(tmp_path / "profile.png", expected, mean=1, most=6)


@pytest.mark.parametrize(("transfer", "signal"), [(PQ, pq), (HLG, hlg)])
def test_high_dynamic_range(tmp_path, rows, transfer, signal):
    levels = quantised(signal(light_in(rows, "bt2020")), 16)
    (tmp_path / "a.png").write_bytes(png(levels, cicp(9, transfer)))
    check(tmp_path / "a.png", rows, mean=1.0)
    (tmp_path / "b.png").write_bytes(png((levels >> 8).astype(np.uint8), cicp(9, transfer)))
    check(tmp_path / "b.png", rows, mean=5.0)


@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_lights_are_pressed_together_and_dark_tones_kept(transfer):
    signal = pq if transfer == PQ else hlg
    light = np.linspace(0, 4, 400)[None, :, None].repeat(3, -1)
    mapped = tone_mapped(quantised(signal(light), 16), transfer)[0, :, 0].astype(int)
    assert (np.diff(mapped) >= 0).all()
    assert mapped[-1] == 255
    assert mapped[100] < 250  # white paper is no lamp
    np.testing.assert_allclose(mapped[:70], np.rint(srgb_curve(light[0, :70, 0]) * 255), atol=1)


@pytest.mark.skipif("AVIF" not in formats(), reason="Pillow without AVIF")
@pytest.mark.parametrize(
    ("code", "signal"),
    [((12, 13), None), ((9, PQ), pq), ((9, HLG), hlg), ((1, 13), None), ((1, 1), None), ((2, 2), None)],
)
def test_avif_code_points(tmp_path, rows, code, signal):
    space = {12: "p3", 9: "bt2020"}.get(code[0], "srgb")
    light = light_in(rows, space)
    (tmp_path / "one.avif").write_bytes(avif(quantised(signal(light) if signal else srgb_curve(light)), *code))
    check(tmp_path / "one.avif", rows, mean=5 if signal else 2)


def test_tiff_tags_of_colour(tmp_path, rows):
    adobe = quantised(light_in(rows, "adobe") ** (1 / 2.2))
    corners = [v for corner in PRIMARIES["adobe"] for v in corner]
    (tmp_path / "a.tif").write_bytes(tiff(adobe, 8, 2, tags={318: (5, D65), 319: (5, corners)}))
    check(tmp_path / "a.tif", rows, mean=1.2)
    table = np.rint(np.linspace(0, 1, 256) ** 1.6 * 65535).astype(int).tolist()
    power = quantised(light_in(rows, "srgb") ** (1 / 1.6))
    (tmp_path / "b.tif").write_bytes(tiff(power, 8, 2, tags={301: (3, table * 3)}))
    check(tmp_path / "b.tif", rows, mean=1.2)
    same = [v for corner in PRIMARIES["srgb"] for v in corner]
    (tmp_path / "c.tif").write_bytes(tiff(rows, 8, 2, tags={318: (5, D65), 319: (5, same)}))
    check(tmp_path / "c.tif", rows, mean=0)


@pytest.mark.parametrize("way", ["R03", "space", "R98"])
def test_cameras_name_adobe_rgb_in_exif(tmp_path, rows, way):
    exif = camera_exif(2 if way == "space" else 65535, "" if way == "space" else way)
    stored = rows if way == "R98" else encoded(rows, "adobe")
    Image.fromarray(stored).save(tmp_path / "_IMG.jpg", exif=exif, quality=100, subsampling=0)
    check(tmp_path / "_IMG.jpg", rows, mean=1.5)


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


def test_grey_pictures_take_a_profile_for_colours(tmp_path):
    grey = np.tile(np.arange(256, dtype=np.uint8), (8, 1))
    Image.fromarray(grey).save(tmp_path / "grey.png", icc_profile=icc_of("prophoto"))
    expected = srgb_curve((grey / 255) ** 1.8)[..., None] * 255
    check(tmp_path / "grey.png", expected, mean=1, most=4)


def test_lab_tiffs_look_as_they_should(tmp_path, rows):
    lab = ImageCms.profileToProfile(
        Image.fromarray(rows), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    for number, icc in enumerate((b"", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes())):
        lab.save(tmp_path / f"{number}.tif", **({"icc_profile": icc} if icc else {}))
        check(tmp_path / f"{number}.tif", rows, mean=3)


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


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_damage_to_a_profile_ends_the_reading(tmp_path_factory, data):
    icc = bytearray(icc_of(data.draw(st.sampled_from(list(SPACES)))))
    for _ in range(data.draw(st.integers(1, 6))):
        icc[data.draw(st.integers(0, len(icc) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("profile") / "a.png"
    Image.new("RGB", (5, 4), (10, 200, 30)).save(path, icc_profile=bytes(icc))
    assert read_artwork(path).pixels.shape == (3, 4, 5)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_the_curve_has_an_inverse(values):
    x = np.array(values)
    np.testing.assert_allclose(to_srgb_curve(from_srgb_curve(x)), x, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.floats(1.0, 3.0), st.sampled_from(list(PRIMARIES)))
def test_what_is_built_is_what_is_read(gamma, space):
    tables = curves(display_profile(PRIMARIES[space], D65, lambda x: x**gamma))
    np.testing.assert_allclose(tables[0], np.linspace(0, 1, 65536) ** gamma, atol=2e-4)


@pytest.mark.parametrize("name", PRIMARIES)
def test_white_stays_white_and_grey_grey(name):
    grey = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).convert("RGB")
    source = ImageCms.ImageCmsProfile(io.BytesIO(display_profile(PRIMARIES[name])))
    got = ImageCms.profileToProfile(grey, source, ImageCms.createProfile("sRGB"), renderingIntent=1)
    assert np.abs(np.asarray(got).astype(int) - np.asarray(grey)).max() <= 1
