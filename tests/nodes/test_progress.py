from __future__ import annotations

import pytest

from art2mus_core.types import Step


class Hands:
    """A clock that is set by hand."""

    def __init__(self):
        self.time = 100.0

    def __call__(self):
        return self.time


@pytest.fixture
def clock(pack):
    hands = Hands()
    return hands, pack("nodes.progress").Clock(now=hands)


@pytest.mark.parametrize(
    ("done", "passed", "said"),
    [
        (1, 2.0, "1 of 20, 38 s left"),
        (5, 60.0, "5 of 20, 3 min 0 s left"),
        (2, 1000.0, "2 of 20, 2 h 30 min left"),
        (20, 7.4, "20 of 20 in 7 s"),
        (0, 3.0, "0 of 20"),
    ],
)
def test_what_is_left_is_said_as_a_person_says_it(clock, done, passed, said):
    hands, speaking = clock
    if done > 1:
        speaking.describe(Step("denoise", 1, 20))
    hands.time += passed
    assert speaking.describe(Step("denoise", done, 20)) == said


def test_what_was_here_before_says_nothing_of_the_pace(clock):
    hands, speaking = clock
    hands.time += 1
    assert speaking.describe(Step("bytes", 900, 1000)) == "900 of 1000"
    hands.time += 1
    assert speaking.describe(Step("bytes", 910, 1000)) == "910 of 1000, 18 s left"


def test_amounts_are_said_in_their_own_unit(pack):
    hands = Hands()
    speaking = pack("nodes.progress").Clock(lambda size: f"{size / 1000:g} kB", hands)
    assert speaking.describe(Step("bytes", 0, 4500)) == "0 kB of 4.5 kB"
    hands.time += 3
    assert speaking.describe(Step("bytes", 1500, 4500)) == "1.5 kB of 4.5 kB, 6 s left"
