from __future__ import annotations

import io

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
@settings(max_examples=25, deadline=None)
@given(share=st.floats(0.35, 1), exact=st.integers(3, 60))
def test_a_picture_that_was_cut_short_is_refused(tmp_path_factory, kind, share, exact):
    """Anywhere in the data of its pixels, its last bytes too."""
    content = jpeg(kind)
    for end in (int(share * (len(content) - 60)), len(content) - exact):
        path = tmp_path_factory.mktemp("cut") / "short.jpg"
        path.write_bytes(content[:end])
        with pytest.raises(ArtworkError, match="cut short"):
            read_artwork(path)


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
