from __future__ import annotations

import pytest

from art2mus_core.errors import ArtworkError
from art2mus_core.images.listing import image_suffixes, list_artworks


def test_a_folder_lists_its_artworks(tmp_path):
    for name in ("b.PNG", "a.jpg", ".hidden.png", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "inner.png").mkdir()
    assert [path.name for path in list_artworks(tmp_path)] == ["a.jpg", "b.PNG"]
    with pytest.raises(ArtworkError, match="cannot be listed"):
        list_artworks(tmp_path / "nowhere")
    with pytest.raises(ArtworkError, match="cannot be listed"):
        list_artworks(tmp_path / "a.jpg")


def test_suffixes_are_lower_case_with_their_dot():
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in image_suffixes())
    assert {".jpg", ".png", ".webp", ".tif"} <= set(image_suffixes())
