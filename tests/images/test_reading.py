from __future__ import annotations

import io
import struct
import warnings
import zlib

import numpy as np
import PIL
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from art2mus_core.errors import ArtworkError
from art2mus_core.images import reading
from art2mus_core.images.reading import (
    LONGEST_SIDE,
    artwork_from_array,
    as_square,
    read_artwork,
    thumbnail_jpeg,
)

WIDE, HIGH = 17, 11


def ramp(high=HIGH, wide=WIDE):
    """Rows whose every corner differs, so that no turn or flip goes unseen."""
    y, x = np.mgrid[0:high, 0:wide]
    return np.stack([x * 255 // max(wide - 1, 1), y * 255 // max(high - 1, 1), 40 + 0 * x], -1).astype(np.uint8)


def picture():
    return Image.fromarray(ramp())


def rows(artwork):
    return artwork.pixels.permute(1, 2, 0).numpy()


def test_png_is_read_as_it_is(tmp_path):
    picture().save(tmp_path / "straße am hafen.png")
    artwork = read_artwork(tmp_path / "straße am hafen.png")
    assert artwork.name == "straße am hafen"
    assert artwork.pixels.dtype == torch.uint8
    assert artwork.pixels.shape == (3, HIGH, WIDE)
    np.testing.assert_array_equal(rows(artwork), ramp())


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_exif_turns_the_picture_upright(tmp_path, orientation, suffix):
    upright = picture()
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = upright if undo is None else upright.transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"turned.{suffix}"
    stored.save(path, exif=exif)
    np.testing.assert_array_equal(rows(read_artwork(path)), ramp())


def test_damaged_exif_is_no_reason_to_refuse(tmp_path):
    path = tmp_path / "odd.png"
    picture().save(path, exif=b"Exif\x00\x00MM\x00\x2a\x00\x00\xff\xff")
    np.testing.assert_array_equal(rows(read_artwork(path)), ramp())


def test_transparency_lies_over_white(tmp_path):
    array = np.zeros((1, 3, 4), np.uint8)
    array[0, :, 3] = 0, 128, 255
    Image.fromarray(array, "RGBA").save(tmp_path / "a.png")
    Image.fromarray(np.ascontiguousarray(array[..., 2:]), "LA").save(tmp_path / "b.png")
    for name in ("a.png", "b.png"):
        np.testing.assert_array_equal(rows(read_artwork(tmp_path / name))[0, :, 0], [255, 127, 0])


@pytest.mark.parametrize("mode", ["P", "RGB", "L"])
def test_one_transparent_colour_turns_white(tmp_path, mode):
    black = Image.new(mode, (5, 3), 0)
    if mode == "P":
        black.putpalette([0, 0, 0, 255, 0, 0])
    black.save(tmp_path / "keyed.png", transparency=(0, 0, 0) if mode == "RGB" else 0)
    assert (read_artwork(tmp_path / "keyed.png").pixels == 255).all()


@pytest.mark.parametrize(
    ("suffix", "mode", "tolerance"),
    [
        ("gif", "P", 40),
        ("png", "P", 40),
        ("jpg", "RGB", 40),
        ("tif", "CMYK", 3),
        ("jpg", "CMYK", 40),
        ("tif", "LAB", 16),
        ("tif", "YCbCr", 12),
        ("bmp", "RGB", 0),
        ("ppm", "RGB", 0),
        ("tga", "RGB", 0),
        ("webp", "RGB", 60),
    ],
)
def test_every_colour_model_looks_the_same(tmp_path, suffix, mode, tolerance):
    if suffix == "webp" and not features.check("webp"):
        pytest.skip("Pillow without WebP")
    if mode == "LAB":
        from PIL import ImageCms

        converted = ImageCms.profileToProfile(
            picture(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
        )
    else:
        converted = picture().convert(mode)
    path = tmp_path / f"one.{suffix}"
    converted.save(path)
    if mode == "YCbCr" and int(PIL.__version__.partition(".")[0]) < 13:
        pytest.skip("Pillow does not read such a TIFF before version 13")
    off = np.abs(rows(read_artwork(path)).astype(int) - ramp().astype(int))
    assert off.mean() <= tolerance / 2
    assert off.max() <= tolerance * 2


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    deep = np.array([[0, 257, 32896, 65535]], np.uint16)
    for suffix in ("png", "tif"):
        Image.fromarray(deep).save(tmp_path / f"deep.{suffix}")
        grey = rows(read_artwork(tmp_path / f"deep.{suffix}"))
        np.testing.assert_array_equal(grey[0, :, 0], [0, 1, 128, 255])
        assert (grey[..., 0] == grey[..., 2]).all()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 65535]], np.int32), [0, 255]),
        (np.array([[-100, 0, 100]], np.int32), [0, 128, 255]),
        (np.array([[0, 1 << 20, 1 << 21]], np.int32), [0, 128, 255]),
        (np.array([[0.0, 0.5, 1.0]], np.float32), [0, 128, 255]),
        (np.array([[0.0, 100.0, 255.0]], np.float32), [0, 100, 255]),
        (np.array([[-7, -7]], np.int32), [0, 0]),
        (np.array([[np.nan, 1.0]], np.float32), [0, 255]),
    ],
)
def test_thirty_two_bits_are_scaled(tmp_path, values, expected):
    Image.fromarray(values).save(tmp_path / "deep.tif")
    np.testing.assert_array_equal(rows(read_artwork(tmp_path / "deep.tif"))[0, :, 0], expected)


def test_one_bit_is_black_and_white(tmp_path):
    Image.fromarray(np.array([[True, False, True]])).save(tmp_path / "bits.png")
    np.testing.assert_array_equal(rows(read_artwork(tmp_path / "bits.png"))[0, :, 1], [255, 0, 255])


def test_animations_show_their_first_frame(tmp_path):
    frames = [Image.new("RGB", (7, 5), colour) for colour in ("red", "blue")]
    for suffix in ("gif", "png", "webp"):
        frames[0].save(tmp_path / f"moving.{suffix}", save_all=True, append_images=frames[1:], lossless=True)
        red, _, blue = rows(read_artwork(tmp_path / f"moving.{suffix}"))[2, 3]
        assert red > 250
        assert blue < 5


def test_one_pixel_is_a_picture(tmp_path):
    Image.new("RGB", (1, 1), (1, 2, 3)).save(tmp_path / "dot.png")
    artwork = read_artwork(tmp_path / "dot.png")
    assert rows(artwork).tolist() == [[[1, 2, 3]]]
    assert as_square(artwork, 8).shape == (3, 8, 8)
    assert thumbnail_jpeg(artwork)[:2] == b"\xff\xd8"


def damaged(tmp_path):
    sink = io.BytesIO()
    Image.effect_noise((300, 200), 60).save(sink, "PNG")
    whole = sink.getvalue()
    sink = io.BytesIO()
    Image.effect_noise((300, 200), 60).convert("RGB").save(sink, "JPEG")
    contents = {
        "empty.png": b"",
        "short.png": whole[: len(whole) // 2],
        "head.png": whole[:20],
        "short.jpg": sink.getvalue()[:2000],
        "program.eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n",
        "words.jpg": b"this is not a picture\n" * 40,
        "garbled.png": whole[:60] + bytes(200) + whole[260:],
        "riff.webp": b"RIFF\x10\x00\x00\x00WEBPVP8 junk",
        "tiff.tif": b"II*\x00\x08\x00\x00\x00\xff\xff\x00\x01",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.png").mkdir()
    return [tmp_path / name for name in (*contents, "folder.png", "nowhere.png")]


def test_what_is_no_picture_is_one_clear_error(tmp_path):
    for path in damaged(tmp_path):
        with pytest.raises(ArtworkError) as caught:
            read_artwork(path)
        assert path.name in caught.value.came
        assert caught.value.expected
        assert caught.value.remedy
        assert "\n" not in str(caught.value)


@settings(max_examples=60)
@given(st.data())
def test_no_damage_escapes_as_another_error(tmp_path_factory, data):
    sink = io.BytesIO()
    picture().save(sink, data.draw(st.sampled_from(["PNG", "GIF", "TIFF", "BMP", "JPEG", "WEBP", "TGA", "PPM"])))
    content = bytearray(sink.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damage") / "art.img"
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    try:
        artwork = read_artwork(path)
    except ArtworkError:
        return
    assert artwork.pixels.ndim == 3


def png_header(width, height):
    """A PNG that promises width x height and holds next to nothing."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 64)) + chunk(b"IEND", b"")


def test_bombs_are_refused_by_their_header(tmp_path, monkeypatch):
    limit = Image.MAX_IMAGE_PIXELS
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(25_000, 20_001))
    with pytest.raises(ArtworkError, match=r"25000 x 20001.*at most 500 megapixels"):
        read_artwork(path)
    monkeypatch.setattr(reading, "MOST_PIXELS", 2_500_000)
    path.write_bytes(png_header(2_500, 1_001))
    with pytest.raises(ArtworkError, match="2500 x 1001"):
        read_artwork(path)
    path.write_bytes(png_header(2_500, 1_000))  # as large as the limit: decoded, and found to be cut short
    with pytest.raises(ArtworkError, match="cut short"):
        read_artwork(path)
    assert limit == Image.MAX_IMAGE_PIXELS


def test_pictures_past_the_limit_of_pillow_play(tmp_path, monkeypatch):
    path = tmp_path / "scan.png"
    picture().save(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", WIDE * HIGH // 3)
    with pytest.raises(Image.DecompressionBombError), warnings.catch_warnings():
        Image.open(path)
    np.testing.assert_array_equal(rows(read_artwork(path)), ramp())
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", WIDE * HIGH - 1)
    np.testing.assert_array_equal(rows(read_artwork(path)), ramp())


@pytest.mark.parametrize("mode", ["RGB", "1", "P", "RGBA", "I;16", "CMYK"])
def test_long_pictures_are_reduced_while_read(tmp_path, mode):
    wide, high = LONGEST_SIDE * 2 + 6, 34
    x = np.linspace(0, 255, wide).astype(np.uint8)
    image = Image.fromarray(np.broadcast_to(x, (high, wide)).copy())
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    else:
        image = image.convert("RGB").convert(mode)
    path = tmp_path / "long.tif"
    image.save(path)
    first = read_artwork(path)
    assert first.pixels.shape == (3, 17, LONGEST_SIDE)
    assert first.sha256 == read_artwork(path).sha256
    left, right = first.pixels[..., :400].float().mean(), first.pixels[..., -400:].float().mean()
    assert left < 30
    assert right > 225


def test_long_upright_photographs_are_turned_and_reduced(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (LONGEST_SIDE + 904, 50), (90, 60, 30)).save(path, exif=exif)
    assert read_artwork(path).pixels.shape == (3, LONGEST_SIDE, round(50 * LONGEST_SIDE / (LONGEST_SIDE + 904)))


def test_squares_keep_the_whole_picture():
    half = np.zeros((30, 90, 3), np.uint8)
    half[:, 45:] = 255
    square = as_square(artwork_from_array(half, "half"), 10)
    assert square.shape == (3, 10, 10)
    assert square.dtype == torch.float32
    assert square.mean().item() == pytest.approx(0.5, abs=0.01)
    assert (square[..., :4] == 0).all()
    assert (square[..., 6:] == 1).all()


def test_a_square_of_its_own_size_is_exact():
    square = ramp(13, 13)
    np.testing.assert_allclose(
        as_square(artwork_from_array(square), 13).permute(1, 2, 0).numpy(), square / 255, rtol=1e-6
    )


def test_squares_of_fine_checkers_are_grey():
    checkers = (np.indices((260, 260)).sum(0) % 2 * 255).astype(np.uint8)
    square = as_square(artwork_from_array(np.repeat(checkers[..., None], 3, -1)), 13)
    assert (square - 0.5).abs().max() < 0.03


def test_covers_are_small_jpegs_of_the_same_shape():
    cover = Image.open(io.BytesIO(thumbnail_jpeg(artwork_from_array(ramp(300, 900)), longest=120)))
    assert cover.format == "JPEG"
    assert cover.size == (120, 40)


def test_identity_depends_on_pixels_alone(tmp_path):
    picture().save(tmp_path / "a.png")
    picture().save(tmp_path / "b.bmp")
    a, b = read_artwork(tmp_path / "a.png"), read_artwork(tmp_path / "b.bmp")
    assert a.sha256 == b.sha256 == artwork_from_array(ramp()).sha256
    assert a.sha256 != artwork_from_array(ramp()[::-1]).sha256


def test_exports_exist():
    assert all(hasattr(reading, name) for name in reading.__all__)
