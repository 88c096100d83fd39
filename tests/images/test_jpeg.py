from __future__ import annotations

import io
import re
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from art2mus_core.errors import ArtworkError
from art2mus_core.images.reading import LONGEST_SIDE, read_artwork

END = b"\xff\xd9"
KINDS = {
    "plain": {},
    "progressive": {"progressive": True},
    "restarts": {"restart_marker_rows": 1},
    "fine": {"subsampling": 0, "quality": 98},
    "grey": {},
}


def jpeg(kind, size=(96, 70), seed=3):
    """Smooth above, noise below, so that the last bytes of the data are as good as any."""
    noise = np.random.default_rng(seed).integers(256, size=(size[1], size[0], 3), dtype=np.uint8)
    noise[: size[1] // 2] //= 8
    image = Image.fromarray(noise).convert("L" if kind == "grey" else "RGB")
    sink = io.BytesIO()
    image.save(sink, "JPEG", **KINDS[kind])
    return sink.getvalue()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", [1, 2])
def test_a_missing_end_marker_is_no_damage(tmp_path, kind, missing):
    content = jpeg(kind)
    assert content.endswith(END)
    (tmp_path / "whole.jpg").write_bytes(content)
    (tmp_path / "open.jpg").write_bytes(content[:-missing])
    whole, read = read_artwork(tmp_path / "whole.jpg"), read_artwork(tmp_path / "open.jpg")
    assert read.sha256 == whole.sha256
    assert whole.notes == ()
    assert "end marker" in read.notes[0]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(share=st.floats(0.35, 1), exact=st.integers(3, 60))
def test_a_picture_that_was_cut_short_is_refused(tmp_path_factory, kind, share, exact):
    """Anywhere in the data of its pixels, its last bytes too."""
    content = jpeg(kind)
    for end in (int(share * (len(content) - 60)), len(content) - exact):
        path = tmp_path_factory.mktemp("cut") / "short.jpg"
        path.write_bytes(content[:end])
        with pytest.raises(ArtworkError, match="cut short"):
            read_artwork(path)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "progressive"])
@settings(max_examples=15)
@given(share=st.floats(0.1, 0.9))
def test_a_picture_that_was_cut_and_closed_is_told_with_how_much(tmp_path_factory, kind, share):
    content = jpeg(kind)
    start = content.index(b"\xff\xda")
    path = tmp_path_factory.mktemp("closed") / "short.jpg"
    path.write_bytes(content[: start + int(share * (len(content) - start))] + END)
    seen = read_artwork(path)
    (note,) = seen.notes
    told = int(re.search(r"the lowest (\d+) % of the picture is missing", note)[1])
    whole = jpeg_rows(content)
    rows = seen.pixels.permute(1, 2, 0).numpy()
    same = np.abs(rows.astype(int) - whole).max((1, 2)) <= 2
    lost = 100 * (1 - (np.argmin(same) if not same.all() else len(same)) / len(same))
    assert abs(told - lost) <= 100 * 24 / len(rows)


@settings(max_examples=15)
@given(share=st.floats(0.1, 0.98))
def test_a_progressive_picture_that_was_cut_and_closed_is_told(tmp_path_factory, share):
    content = jpeg("progressive")
    start = content.index(b"\xff\xda")
    path = tmp_path_factory.mktemp("closed") / "short.jpg"
    path.write_bytes(content[: start + 20 + int(share * (len(content) - start - 40))] + END)
    with suppress(ArtworkError):  # cut within a table, which then takes the end marker for its own
        assert read_artwork(path).notes == ("its data ends early: details are missing everywhere",)


def test_a_progressive_picture_that_lacks_only_its_last_details_is_told(tmp_path):
    content = jpeg("progressive")
    scans = [found.start() for found in re.finditer(b"\xff\xda", content)]
    for end in (len(content) - 60, scans[-1], scans[2]):
        (tmp_path / "short.jpg").write_bytes(content[:end] + END)
        assert read_artwork(tmp_path / "short.jpg").notes == ("its data ends early: details are missing everywhere",)


def jpeg_rows(content):
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image.convert("RGB")).astype(int)


@pytest.mark.parametrize("turned", range(1, 9))
def test_a_picture_that_was_cut_and_closed_is_told_however_it_lies(tmp_path, turned):
    sink, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = turned
    Image.open(io.BytesIO(jpeg("plain", (90, 77)))).save(sink, "JPEG", exif=exif)
    content = sink.getvalue()
    (tmp_path / "whole.jpg").write_bytes(content)
    (tmp_path / "short.jpg").write_bytes(content[: len(content) * 2 // 3] + END)
    assert read_artwork(tmp_path / "whole.jpg").notes == ()
    assert "missing" in read_artwork(tmp_path / "short.jpg").notes[0]


@pytest.mark.parametrize("kind", KINDS)
def test_whole_pictures_with_plain_corners_have_no_note(tmp_path, kind):
    """Also with a trailer behind their end, as phones write, and where every corner is the grey that decoders fill up with."""
    for value in (0, 128, 200, 255):
        rows = np.full((70, 96, 3), value, np.uint8)
        rows[20:50, 30:60] = np.random.default_rng(1).integers(256, size=(30, 30, 3))
        sink = io.BytesIO()
        Image.fromarray(rows).convert("L" if kind == "grey" else "RGB").save(sink, "JPEG", **KINDS[kind])
        for trailer in (b"", b"SEFT" * 9, jpeg("plain"), bytes(3000)):
            (tmp_path / "a.jpg").write_bytes(sink.getvalue() + trailer)
            assert read_artwork(tmp_path / "a.jpg").notes == ()


def test_a_long_one_that_was_cut_and_closed_is_told(tmp_path):
    content = jpeg("plain", (LONGEST_SIDE + 800, 64))
    (tmp_path / "short.jpg").write_bytes(content[: len(content) * 3 // 4] + END)
    assert "missing" in read_artwork(tmp_path / "short.jpg").notes[0]


@pytest.mark.parametrize("kind", ["progressive", "restarts"])
def test_a_picture_that_was_cut_between_its_parts_is_refused(tmp_path, kind):
    content = jpeg(kind)
    marks = [bytes([0xFF, 0xDA])] if kind == "progressive" else [bytes([0xFF, mark]) for mark in range(0xD0, 0xD8)]
    places = [at for at in range(700, len(content)) if content[at : at + 2] in marks]
    assert len(places) > 2
    for place in places:
        (tmp_path / "short.jpg").write_bytes(content[:place])
        with pytest.raises(ArtworkError):
            read_artwork(tmp_path / "short.jpg")


def test_a_long_one_without_its_end_is_reduced_all_the_same(tmp_path):
    content = jpeg("plain", (LONGEST_SIDE + 800, 64))
    (tmp_path / "whole.jpg").write_bytes(content)
    (tmp_path / "open.jpg").write_bytes(content[:-2])
    assert read_artwork(tmp_path / "open.jpg").sha256 == read_artwork(tmp_path / "whole.jpg").sha256
