from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from art2mus_core.encoders.files import load_image_encoder
from art2mus_core.images.reading import read_artwork
from art2mus_core.training.features.dataset import Dataset
from art2mus_core.training.features.latents import embed_artworks
from art2mus_core.training.features.looking import view_of

from ..conftest import GRID
from .conftest import CPU


def test_views_are_crops_of_the_artwork(small: Path):
    artwork = read_artwork(small / "5.png")
    height, width = artwork.pixels.shape[1:]
    assert view_of(artwork, 0) is artwork
    views = [view_of(artwork, index) for index in range(1, 40)]
    assert all(torch.equal(view.pixels, view_of(artwork, index + 1).pixels) for index, view in enumerate(views))
    rows = {view.pixels.shape[1] for view in views}
    columns = {view.pixels.shape[2] for view in views}
    assert min(rows) >= 0.6 * height - 1
    assert max(rows) <= 0.95 * height + 1
    assert max(columns) - min(columns) > 0.2 * width
    windows = artwork.pixels.unfold(1, height // 2, 1).unfold(2, width // 2, 1)
    upright = [
        bool((windows == view.pixels[:, None, None, : height // 2, : width // 2]).all((0, 3, 4)).any())
        for view in views
    ]
    mirrored = [
        bool((windows == view.pixels.flip(-1)[:, None, None, : height // 2, : width // 2]).all((0, 3, 4)).any())
        for view in views
    ]
    assert all(one != other for one, other in zip(upright, mirrored, strict=True))
    assert 8 < sum(mirrored) < 31


def test_stored_views_are_embeddings_of_the_views(small: Path, tmp_path: Path, write_imagebind, monkeypatch):
    write_imagebind(tmp_path / "imagebind", dim=11)
    data = Dataset(small, GRID)
    seen = embed_artworks(data, tmp_path / "imagebind", CPU, patches=True, views=3)
    network = load_image_encoder(tmp_path / "imagebind", dtype=torch.float32)
    rows, views = np.array([3, 0, 6, 5]), np.array([2, 0, 1, 2])
    artworks = [read_artwork(small / data.pairs[row].artwork) for row in rows]
    with torch.no_grad():
        expected = network.encode(
            [view_of(artwork, view) for artwork, view in zip(artworks, views.tolist(), strict=True)]
        )
        whole = network.encode(artworks)
    found = seen.of(rows, views)
    assert found.space == "imagebind"
    torch.testing.assert_close(found.values, expected.values)
    torch.testing.assert_close(found.patches, expected.patches, rtol=2e-3, atol=2e-3)
    torch.testing.assert_close(seen.of(rows).values, whole.values)
    assert not torch.allclose(found.values, whole.values)
    monkeypatch.delattr("art2mus_core.training.features.latents.load_image_encoder")  # not needed for what is stored
    again = embed_artworks(Dataset(small, GRID), tmp_path / "imagebind", CPU, patches=True, views=3).of(rows, views)
    assert (again.space, again.values.equal(found.values)) == ("imagebind", True)


def test_characters_have_views_too(small: Path, eye: Path):
    data, network = Dataset(small, GRID), load_image_encoder(eye, dtype=torch.float32)
    seen = embed_artworks(data, eye, CPU, patches=False, views=2)
    artworks = [read_artwork(small / data.pairs[row].artwork) for row in (4, 1)]
    with torch.no_grad():
        expected = network.encode([view_of(artworks[0], 1), artworks[1]]).values
    torch.testing.assert_close(seen.of(np.array([4, 1]), np.array([1, 0])).values, expected)
