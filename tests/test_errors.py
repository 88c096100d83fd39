"""Errors come out of other processes as they went in."""

from __future__ import annotations

import pickle

import pytest

from art2mus_core import errors


@pytest.mark.parametrize("name", errors.__all__)
def test_an_error_is_the_same_on_the_other_side(name):
    error = getattr(errors, name)("this came", "that", "Do so.")
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert str(back) == "this came; expected that. Do so."
    assert (back.came, back.expected, back.remedy) == ("this came", "that", "Do so.")
