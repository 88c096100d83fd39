from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from art2mus_core.images.listing import samples


@pytest.fixture(scope="session")
def rows():
    """A small picture with many colours, in sRGB."""
    with Image.open(samples()["blue_flowers_on_red"]) as image:
        return np.asarray(image.convert("RGB").resize((96, 80)))
