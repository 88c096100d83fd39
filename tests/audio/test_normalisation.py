from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from art2mus_core.audio.normalisation import read_normalisation
from art2mus_core.errors import CheckpointError

BINS = 3
NUMBERS, SPANS = st.floats(-20, 20), st.floats(0.125, 20)
OPTIONS = st.one_of(
    st.just({"name": "none"}),
    st.builds(lambda low, span: {"name": "range", "low": low, "high": low + span}, NUMBERS, SPANS),
    st.builds(
        lambda mean, std: {"name": "standard", "mean": mean, "std": std},
        NUMBERS | st.lists(NUMBERS, min_size=BINS, max_size=BINS),
        SPANS | st.lists(SPANS, min_size=BINS, max_size=BINS),
    ),
)


@given(option=OPTIONS, seed=st.integers(0, 99))
def test_what_is_normalised_comes_back(option, seed):
    mel = 5 * torch.randn(2, 5, BINS, generator=torch.Generator().manual_seed(seed))
    normalisation = read_normalisation(option, BINS)
    torch.testing.assert_close(normalisation.undo(normalisation.apply(mel)), mel, rtol=1e-5, atol=1e-5)


def test_a_range_becomes_one_to_either_side_and_a_standard_unit_variance_in_each_bin():
    mel = torch.tensor([[[-11.0, -5.0, 1.0], [1.0, 1.0, 1.0]]])
    ranged = read_normalisation({"name": "range", "low": -11, "high": 1}, BINS).apply(mel)
    assert ranged.tolist() == [[[-1, 0, 1], [1, 1, 1]]]
    standard = read_normalisation({"name": "standard", "mean": [-5, -2, 1], "std": [6, 3, 7]}, BINS).apply(mel)
    assert standard.tolist() == [[[-1, -1, 0], [1, 1, 0]]]


@pytest.mark.parametrize(
    "option",
    [
        None,
        "none",
        {"name": ["none"]},
        {"name": "median"},
        {"name": "none", "low": 0},
        {"name": "range", "low": 1, "high": 1},
        {"name": "range", "low": [1, 2, 3], "high": 4},
        {"name": "standard", "mean": 0},
        {"name": "standard", "mean": 0, "std": 0},
        {"name": "standard", "mean": 0, "std": [1, 1]},
        {"name": "standard", "mean": math.nan, "std": 1},
        {"name": "standard", "mean": True, "std": 1},
    ],
)
def test_no_normalisation_at_all_is_refused(option):
    with pytest.raises(CheckpointError, match=r'the mel normalisation .*expected \{"name": "none"\}'):
        read_normalisation(option, BINS)
