from __future__ import annotations

import pytest
import torch

from art2mus_core.errors import ArtworkError
from art2mus_core.images.centre import LONGEST, middle
from art2mus_core.types import Artwork


def test_of_a_very_long_picture_the_same_is_left_out_at_both_ends():
    long = torch.arange(3 * 2 * 100_003).remainder(251).to(torch.uint8)
    pixels = long.reshape(3, 2, 100_003)
    kept = 2 * LONGEST + 1
    first = (100_003 - kept) // 2
    assert torch.equal(middle(Artwork(pixels)), pixels[:, :, first : first + kept])
    assert torch.equal(middle(Artwork(pixels.mT)), pixels.mT[:, first : first + kept])


@pytest.mark.parametrize("shape", [(3, 7, 11), (3, 1, LONGEST), (3, 2 * LONGEST, 2)])
def test_any_other_picture_is_left_whole_and_not_copied(shape: tuple[int, int, int]):
    pixels = torch.zeros(shape, dtype=torch.uint8)
    seen = middle(Artwork(pixels))
    assert seen.shape == shape
    assert seen.data_ptr() == pixels.data_ptr()


@pytest.mark.parametrize("shape", [(3, 0, 4), (3, 4, 0)])
def test_a_picture_without_pixels_is_refused(shape: tuple[int, int, int]):
    with pytest.raises(ArtworkError, match="at least one pixel"):
        middle(Artwork(torch.zeros(shape, dtype=torch.uint8)))
