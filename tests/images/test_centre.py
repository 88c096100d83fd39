from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from art2mus_core.errors import ArtworkError
from art2mus_core.images.centre import CLIP_MEAN, CLIP_STD, centre_square
from art2mus_core.types import Artwork


def artwork(height: int, width: int, seed: int = 0) -> Artwork:
    generator = torch.Generator().manual_seed(seed)
    return Artwork(torch.randint(256, (3, height, width), dtype=torch.uint8, generator=generator))


def eight_bits(square: torch.Tensor) -> np.ndarray:
    """The pixels behind the normalisation."""
    levels = np.array([(square[c] * CLIP_STD[c] + CLIP_MEAN[c]).numpy() * 255 for c in range(3)])
    np.testing.assert_allclose(levels, np.rint(levels), atol=1e-3)
    return np.rint(levels).astype(np.uint8).transpose(1, 2, 0)


@pytest.mark.parametrize(
    ("size", "height", "width", "resized", "corner"),
    [
        (14, 31, 45, (20, 14), (3, 0)),
        (14, 45, 31, (14, 20), (0, 3)),
        (14, 14, 15, (15, 14), (0, 0)),
        (14, 14, 17, (17, 14), (2, 0)),
        (14, 9, 13, (20, 14), (3, 0)),
        (14, 29, 29, (14, 14), (0, 0)),
    ],
)
def test_the_shorter_side_is_fitted_and_the_centre_cut(size, height, width, resized, corner):
    """Half pixels: 14 of 15 begin at 0, 14 of 17 at 2."""
    picture = artwork(height, width)
    rows = np.ascontiguousarray(picture.pixels.permute(1, 2, 0).numpy())
    whole = np.asarray(Image.fromarray(rows).resize(resized, Image.Resampling.BICUBIC))
    expected = whole[corner[1] : corner[1] + size, corner[0] : corner[0] + size]
    square = centre_square(picture, size)
    assert square.shape == (3, size, size)
    assert np.array_equal(eight_bits(square), expected)


def test_a_picture_of_the_right_size_is_only_normalised():
    picture = artwork(11, 11)
    scaled = picture.pixels.float() / 255
    expected = torch.stack([(scaled[c] - CLIP_MEAN[c]) / CLIP_STD[c] for c in range(3)])
    torch.testing.assert_close(centre_square(picture, 11), expected)


@pytest.mark.parametrize("side", [0, 1])
def test_a_very_long_picture_is_seen_in_its_middle(side: int):
    long = torch.zeros(3, 6001, 2, dtype=torch.uint8)
    long[0, 2970:3031] = 200
    square = centre_square(Artwork(long if side == 0 else long.transpose(1, 2)), 9)
    assert (eight_bits(square) == [200, 0, 0]).all()


def test_one_pixel_is_enough_and_none_is_not():
    assert (eight_bits(centre_square(Artwork(torch.full((3, 1, 1), 90, dtype=torch.uint8)), 5)) == 90).all()
    with pytest.raises(ArtworkError, match="0 x 3 pixels"):
        centre_square(Artwork(torch.zeros(3, 3, 0, dtype=torch.uint8)), 5)
