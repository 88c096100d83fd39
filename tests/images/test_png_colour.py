"""What PNG's chunks say of colours."""

from __future__ import annotations

import pytest
from PIL import Image

from art2mus_core.errors import ArtworkError
from art2mus_core.images.reading import read_artwork

from .encodings_of_colour import (
    PRIMARIES,
    camera_exif,
    chrm,
    cicp,
    gama,
    iccp,
    light_in,
    png,
    profile,
    quantised,
    srgb_curve,
)
from .seeing import SRGB, check, icc_of


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
