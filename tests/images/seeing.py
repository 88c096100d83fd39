"""Pictures written in the colours of another space, and whether they are seen as their copy in sRGB."""

from __future__ import annotations

import numpy as np
from PIL import ImageCms

from art2mus_core.images.reading import read_artwork

from .encodings_of_colour import D50, D65, PRIMARIES, light_in, profile, quantised, srgb_curve

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


SPACES = {
    "adobe": (D65, 2.19921875),
    "p3": (D65, None),
    "bt2020": (D65, 2.4),
    "prophoto": (D50, 1.8),
    "srgb": (D65, 1.0),
}


def icc_of(space):
    white, gamma = SPACES[space]
    return profile(PRIMARIES[space], white, gamma)


def encoded(rows, space, bits=8):
    white, gamma = SPACES[space]
    light = light_in(rows, space, white)
    return quantised(srgb_curve(light) if gamma is None else light ** (1 / gamma), bits)


def seen(path):
    artwork = read_artwork(path)
    return artwork.pixels.permute(1, 2, 0).numpy(), artwork.notes


def check(path, rows, mean=1.0, most=255, note=False):
    got, notes = seen(path)
    off = np.abs(got.astype(int) - rows)
    assert bool(notes) == note
    assert off.mean() <= mean
    assert off.max() <= most
