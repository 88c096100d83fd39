"""Depth, polarity and layout of samples, as a file's own tags give them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from art2mus_core.errors import ArtworkError
from art2mus_core.images.reading import read_artwork

from .encodings_of_colour import bigtiff, png, tiff

HIGH, WIDE = 35, 53
GREY, COLOUR = 1, 3


def picture(channels, dtype=np.float64):
    """Tones 0..1 that reach both ends; every corner differs."""
    y, x = np.mgrid[0:HIGH, 0:WIDE]
    planes = [x / (WIDE - 1), y / (HIGH - 1), (x + y) / (HIGH + WIDE - 2)][:channels]
    return np.stack(planes, -1).astype(dtype)


def seen(path):
    return read_artwork(path).pixels.permute(1, 2, 0).numpy()


def check(path, tones, tolerance=1):
    expected = np.broadcast_to(np.rint(tones * 255), (*tones.shape[:2], 3))
    assert np.abs(seen(path) - expected).max() <= tolerance


@pytest.mark.parametrize(("channels", "photometric"), [(GREY, 0), (GREY, 1), (COLOUR, 2)])
@pytest.mark.parametrize("bits", [9, 10, 12, 14, 16, 32])
def test_every_depth_and_polarity_looks_the_same(tmp_path, channels, bits, photometric):
    tones = picture(channels)
    most = 65535 if bits == 32 else 2**bits - 1
    whole = np.rint((tones if photometric else 1 - tones) * most).astype(np.uint32 if bits == 32 else np.uint16)
    for number, layout in enumerate(({}, {"big": True, "rows": 4}, {"deflate": True, "tile": 16})):
        path = tmp_path / f"{number}.tif"
        path.write_bytes(tiff(whole, bits, photometric, **layout))
        check(path, tones)


@pytest.mark.parametrize("bits", [10, 12, 14])
@pytest.mark.parametrize("tag", [281, 341])
@pytest.mark.parametrize("channels", [GREY, COLOUR])
def test_fewer_bits_in_words_of_sixteen(tmp_path, bits, tag, channels):
    tones = picture(channels)
    whole = np.rint(tones * (2**bits - 1)).astype(np.uint16)
    path = tmp_path / "word.tif"
    path.write_bytes(tiff(whole, 16, 2 if channels == COLOUR else 1, tags={tag: (3, [2**bits - 1] * channels)}))
    check(path, tones)
    path.write_bytes(tiff(whole, 16, 2 if channels == COLOUR else 1, tags={tag: (3, [2**bits - 90] * channels)}))
    check(path, tones)  # the greatest sample there is, not the greatest there could be


@pytest.mark.parametrize("layout", [{}, {"planar": True}, {"planar": True, "rows": 6}, {"tile": 32, "planar": True}])
@pytest.mark.parametrize("coding", [{}, {"deflate": True}, {"deflate": True, "predictor": 2}])
@pytest.mark.parametrize("big", [False, True])
def test_every_layout_of_colour(tmp_path, layout, coding, big):
    tones = picture(COLOUR)
    path = tmp_path / "layout.tif"
    whole = np.rint(tones * 65535).astype(np.uint16)
    path.write_bytes(tiff(whole, 16, 2, big=big, **coding, **layout))
    np.testing.assert_array_equal(seen(path), whole >> 8)


@pytest.mark.parametrize("channels", [GREY, COLOUR])
@pytest.mark.parametrize("size", [2, 4, 8])
@pytest.mark.parametrize("predictor", [1, 3])
def test_floats(tmp_path, channels, size, predictor):
    tones = picture(channels, f"f{size}")
    path = tmp_path / "float.tif"
    for number, big in enumerate((False, True)):
        layout = {"deflate": predictor == 3, "predictor": predictor, "big": big}
        path.write_bytes(tiff(tones, 8 * size, 2 if channels == COLOUR else number, kind=3, **layout))
        check(path, 1 - tones if channels == GREY and number == 0 else tones)


@pytest.mark.parametrize(("bits", "photometric"), [(8, 1), (16, 1), (16, 0), (16, 2)])
def test_signed_samples(tmp_path, bits, photometric):
    channels = COLOUR if photometric == 2 else GREY
    tones, half = picture(channels), 2 ** (bits - 1)
    shown = tones if photometric else 1 - tones
    path = tmp_path / "signed.tif"
    around = np.rint(shown * (2 * half - 1) - half).astype(f"i{bits // 8}")
    path.write_bytes(tiff(around, bits, photometric, kind=2))
    check(path, tones)
    above = np.rint(shown * (half - 1)).astype(f"i{bits // 8}")
    path.write_bytes(tiff(above, bits, photometric, kind=2))
    check(path, tones)


def test_transparency_of_sixteen_bits(tmp_path):
    tones = picture(COLOUR)
    whole = np.rint(np.concatenate([tones, tones[..., :1]], -1) * 65535).astype(np.uint16)
    (tmp_path / "a.tif").write_bytes(tiff(whole, 16, 2, tags={338: (3, [2])}))
    (tmp_path / "b.png").write_bytes(png(whole))
    grey = np.rint(np.concatenate([tones[..., 1:2], tones[..., :1]], -1) * 65535).astype(np.uint16)
    (tmp_path / "c.tif").write_bytes(tiff(grey, 16, 1, tags={338: (3, [2])}))
    (tmp_path / "d.png").write_bytes(png(grey))
    for name, colours in (("a.tif", tones), ("b.png", tones), ("c.tif", tones[..., 1:2]), ("d.png", tones[..., 1:2])):
        check(tmp_path / name, colours * tones[..., :1] + 1 - tones[..., :1], tolerance=2)


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("channels", "photometric"), [(GREY, 1), (COLOUR, 2), (COLOUR, 5)])
def test_planes_with_one_more_than_colours(tmp_path, channels, photometric, bits, deflate):
    """Transparency, or the fourth ink."""
    tones = picture(channels)
    inks = photometric == 5
    more = np.full((HIGH, WIDE, 1), 0.0 if inks else 1.0)
    whole = np.concatenate([1 - tones if inks else tones, more], -1)
    stored = np.rint(whole * (2**bits - 1)).astype(np.uint16 if bits > 8 else np.uint8)
    tags = {} if inks else {338: (3, [2])}
    (tmp_path / "planes.tif").write_bytes(tiff(stored, bits, photometric, planar=True, deflate=deflate, tags=tags))
    check(tmp_path / "planes.tif", tones)


@pytest.mark.parametrize(("dtype", "most"), [(np.uint32, 2**32 - 1), (np.float32, 1.0)])
def test_white_is_where_the_samples_put_it(tmp_path, dtype, most):
    """Grey that reaches neither end is not stretched; lights beyond white, as in HDR and sharpened pictures, don't darken it."""
    tones = 0.2 + 0.6 * picture(GREY)
    stored = (tones * most).astype(dtype)
    bright = tones.copy()
    if dtype is np.float32:
        stored[5, 5], bright[5, 5] = 3.5, 1
    (tmp_path / "grey.tif").write_bytes(tiff(stored, 32, kind=3 if dtype is np.float32 else 1))
    check(tmp_path / "grey.tif", bright)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("bits", [8, 16])
def test_files_of_more_than_four_gigabytes_have_another_directory(tmp_path, bits, big):
    tones = picture(COLOUR)
    stored = np.rint(tones * (2**bits - 1)).astype(np.uint16 if bits > 8 else np.uint8)
    (tmp_path / "big.tif").write_bytes(bigtiff(stored, big=big))
    check(tmp_path / "big.tif", tones)


def test_one_bit_of_both_polarities(tmp_path):
    bits = np.indices((HIGH, WIDE)).sum(0)[..., None] % 3 // 2
    for photometric in (0, 1):
        path = tmp_path / f"{photometric}.tif"
        path.write_bytes(tiff((bits if photometric else 1 - bits).astype(np.uint8), 1, photometric))
        check(path, bits, tolerance=0)


@pytest.mark.parametrize("scale", [1, 257])
def test_palettes_of_eight_and_of_sixteen_bits(tmp_path, scale):
    """Sixteen are the rule; some writers leave them at eight."""
    y, x = np.mgrid[0:HIGH, 0:WIDE]
    table = np.stack([np.arange(256), 255 - np.arange(256), np.full(256, 90)])
    path = tmp_path / "palette.tif"
    path.write_bytes(
        tiff(((x + y) % 256).astype(np.uint8)[..., None], 8, 3, tags={320: (3, (table * scale).ravel().tolist())})
    )
    check(path, table.T[(x + y) % 256] / 255, tolerance=0)


def test_jpeg_2000_of_twelve_and_sixteen_bits(tmp_path):
    tones = picture(GREY)
    Image.fromarray(np.rint(tones[..., 0] * 65535).astype(np.uint16)).save(tmp_path / "deep.jp2")
    check(tmp_path / "deep.jp2", tones)


@pytest.mark.parametrize("most", [255, 1023, 4095, 65535])
def test_netpbm_of_every_depth(tmp_path, most):
    tones = picture(GREY)
    whole = np.rint(tones * most).astype(">u2" if most > 255 else np.uint8)
    (tmp_path / "deep.pgm").write_bytes(b"P5 %d %d %d\n" % (WIDE, HIGH, most) + whole.tobytes())
    check(tmp_path / "deep.pgm", tones)


@settings(max_examples=40)
@given(st.data())
def test_any_tiff_layout_is_read_alike(tmp_path_factory, data):
    bits = data.draw(st.sampled_from([10, 12, 14, 16]))
    high, wide, channels = (
        data.draw(st.integers(1, 23)),
        data.draw(st.integers(1, 23)),
        data.draw(st.sampled_from([1, 3])),
    )
    seed = data.draw(st.integers(0, 99))
    whole = np.random.default_rng(seed).integers(2**bits, size=(high, wide, channels), dtype=np.uint16)
    layout = {"big": data.draw(st.booleans()), "deflate": data.draw(st.booleans()), "planar": data.draw(st.booleans())}
    layout |= data.draw(st.sampled_from([{"tile": 16}, {"rows": 1}, {"rows": 5}, {}]))
    layout |= {"predictor": data.draw(st.sampled_from([1, 2]))} if bits == 16 and layout["deflate"] else {}
    path = tmp_path_factory.mktemp("layout") / "any.tif"
    path.write_bytes(tiff(whole, bits, 2 if channels == 3 else 0, **layout))
    check(path, whole / (2**bits - 1) if channels == 3 else 1 - whole / (2**bits - 1))


def test_a_grey_tiff_is_turned_upright(tmp_path):
    tones = picture(GREY)
    for bits in (8, 12, 16):
        whole = np.rint(np.rot90(tones, 1) * (2**bits - 1)).astype(np.uint16 if bits > 8 else np.uint8)
        (tmp_path / "turned.tif").write_bytes(tiff(whole, bits, tags={274: (3, [6])}))
        check(tmp_path / "turned.tif", tones)


def test_a_deep_tiff_cut_short_is_refused(tmp_path):
    """Of a compressed one the end of its pixels is missing, its directory is not."""
    whole = np.random.default_rng(1).integers(4096, size=(HIGH, WIDE, 1), dtype=np.uint16)
    content = tiff(whole, 12, deflate=True)
    start = int.from_bytes(content[4:8], "little")
    (tmp_path / "short.tif").write_bytes(content[: start // 2] + bytes(start - start // 2) + content[start:])
    with pytest.raises(ArtworkError):
        read_artwork(tmp_path / "short.tif")
    (tmp_path / "short.tif").write_bytes(content[: start + 20])
    with pytest.raises(ArtworkError):
        read_artwork(tmp_path / "short.tif")


def pages(*sizes):
    return [Image.new("RGB", size, (10 * number, 200, 30)) for number, size in enumerate(sizes, 1)]


def test_the_largest_page_is_the_picture(tmp_path):
    first, *others = pages((8, 6), (64, 48), (64, 48), (32, 24))
    first.save(tmp_path / "pages.tif", save_all=True, append_images=others)
    assert seen(tmp_path / "pages.tif").shape == (48, 64, 3)
    assert seen(tmp_path / "pages.tif")[5, 5].tolist() == [20, 200, 30]


def test_the_largest_page_may_be_deep(tmp_path):
    tones = picture(GREY)
    sink = io.BytesIO()
    Image.new("L", (5, 4), 255).save(sink, "TIFF")
    small, at = sink.getvalue(), len(sink.getvalue()) + len(sink.getvalue()) % 2
    # the deep page stands behind the small one, whose directory leads to it
    deep = tiff(np.rint(tones * 4095).astype(np.uint16), 12, tags={273: (4, [at + 8])})
    moved = bytearray(small.ljust(at, b"\0"))
    start = int.from_bytes(moved[4:8], "little")
    end = start + 2 + 12 * int.from_bytes(moved[start : start + 2], "little")
    moved[end : end + 4] = (at + int.from_bytes(deep[4:8], "little")).to_bytes(4, "little")
    (tmp_path / "two.tif").write_bytes(bytes(moved) + deep)
    check(tmp_path / "two.tif", tones)


def test_the_largest_frame_of_an_mpo_is_the_picture(tmp_path):
    small, large = pages((16, 16), (64, 48))
    small.save(tmp_path / "phone.mpo", save_all=True, append_images=[large])
    assert seen(tmp_path / "phone.mpo").shape == (48, 64, 3)


def test_an_mpo_of_which_only_the_first_frame_was_kept(tmp_path):
    """Programs that send pictures cut off the rest and leave the list of frames."""
    large, small = pages((64, 48), (16, 16))
    sink = io.BytesIO()
    large.save(sink, "MPO", save_all=True, append_images=[small])
    content = sink.getvalue()
    (tmp_path / "sent.jpg").write_bytes(content[: content.index(b"\xff\xd9") + 2])
    assert seen(tmp_path / "sent.jpg").shape == (48, 64, 3)


def test_a_page_that_masks_another_is_no_picture(tmp_path):
    page, mask = pages((64, 48), (128, 96))
    page.save(tmp_path / "masked.tif", save_all=True, append_images=[mask.convert("L")])
    content = bytearray((tmp_path / "masked.tif").read_bytes())
    at = content.rindex(b"\x06\x01\x03\0\x01\0\0\0") + 8  # the second page's photometric interpretation
    content[at] = 4
    (tmp_path / "masked.tif").write_bytes(content)
    assert seen(tmp_path / "masked.tif").shape == (48, 64, 3)


def test_the_largest_icon_is_the_picture(tmp_path):
    Image.new("RGB", (64, 64), (200, 30, 40)).save(tmp_path / "icon.ico", sizes=[(16, 16), (64, 64), (32, 32)])
    assert seen(tmp_path / "icon.ico").shape == (64, 64, 3)
