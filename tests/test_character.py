from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from art2mus_core.character import (
    CHARACTERS,
    HUE_EDGES,
    TONICS,
    character,
    tonic_of,
)
from art2mus_core.datasets.synthetic.painting import paint
from art2mus_core.measure.pictures import ImageStatistics, measure

MIDDLING = ImageStatistics(
    lightness=0.5,
    warmth=0.0,
    saturation=0.05,
    contrast=0.46,
    edge_density=0.26,
    symmetry=0.7,
    texture_scale=0.62,
    hue=0.3,
)
LITTLE_MORE = {"lightness": 0.1, "warmth": 0.04, "saturation": 0.03, "contrast": 0.2, "edge_density": 0.1}
LITTLE_MORE |= {"symmetry": 0.15, "texture_scale": 0.1}

# statistic -> what must rise with it, what must fall with it; all else must stay
CAUSES = {
    "lightness": ({"valence", "height"}, set()),
    "warmth": ({"warmth", "valence"}, set()),
    "saturation": ({"arousal", "valence"}, set()),
    "contrast": ({"arousal", "tension"}, set()),
    "edge_density": ({"arousal", "detachment"}, set()),
    "symmetry": (set(), {"tension"}),
    "texture_scale": (set(), {"height", "detachment"}),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_each_statistic_moves_its_characters_and_no_other(cause: str):
    before = character(MIDDLING)
    after = character(replace(MIDDLING, **{cause: getattr(MIDDLING, cause) + LITTLE_MORE[cause]}))
    signs = {name: int(np.sign(getattr(after, name) - getattr(before, name))) for name in CHARACTERS}
    up, down = CAUSES[cause]
    assert signs == {name: (name in up) - (name in down) for name in CHARACTERS}
    assert after.tonic == before.tonic


@settings(max_examples=25)
@given(
    st.builds(
        ImageStatistics,
        **{name: st.floats(-1, 2) for name in LITTLE_MORE},
        hue=st.floats(-math.pi, math.pi),
    )
)
def test_any_picture_has_a_character_within_bounds(statistics: ImageStatistics):
    cause = character(statistics)
    assert all(0 <= value <= 1 for value in cause.values())
    assert cause.tonic in TONICS


def test_paintings_use_the_whole_range():
    causes = [character(measure(paint(seed))) for seed in range(60)]
    values = np.array([cause.values() for cause in causes])
    assert (values.min(0) < 0.2).all()
    assert (values.max(0) > 0.8).all()
    assert len({cause.tonic for cause in causes}) >= 5


def test_the_hue_circle_holds_all_seven_notes_once_and_in_order():
    degrees = np.arange(-5, 355) + 0.5
    notes = [tonic_of(math.radians(d)) for d in degrees]
    changes = [note for index, note in enumerate(notes) if index == 0 or note != notes[index - 1]]
    assert tuple(changes) == TONICS


@pytest.mark.parametrize("index", range(7))
def test_a_colour_begins_at_its_edge(index: int):
    assert tonic_of(HUE_EDGES[index] + 1e-6) == TONICS[index]
    assert tonic_of(HUE_EDGES[index] - 1e-6) == TONICS[index - 1]


def test_hues_a_full_turn_apart_have_one_note():
    for hue in np.linspace(-math.pi, math.pi, 29)[:-1] + 0.01:
        assert tonic_of(hue) == tonic_of(hue + 2 * math.pi) == tonic_of(hue - 2 * math.pi)
