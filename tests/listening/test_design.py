from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from art2mus_core.errors import SettingError
from art2mus_core.listening.design import Cell, Design, cells_of, plan

SYSTEMS = st.integers(2, 5).map(lambda count: [f"s{number}" for number in range(count)])
ARTWORKS = st.integers(3, 9).map(lambda count: [f"a{number}" for number in range(count)])
ROUNDS = st.integers(1, 3)
SEEDS = st.integers(0, 99)


def study(design, systems, artworks, listeners):
    heard: Counter[Cell] = Counter()
    for listener in range(listeners):
        trials = plan(design, systems, artworks, listener=listener, given=heard)
        heard += cells_of(trials)
        yield trials
    assert design.length(systems) == len(trials)


@settings(max_examples=30)
@given(SYSTEMS, ARTWORKS, ROUNDS, SEEDS)
@example(["s0", "s1", "s2", "s3", "s4"], ["a0", "a1", "a2"], 2, 1)  # drawn round by round, the artworks lie 3 apart
@example(["s0", "s1", "s2", "s3"], ["a0", "a1", "a2", "a3", "a4"], 3, 0)
def test_each_listener_hears_each_system_equally_often_and_nothing_twice(systems, artworks, rounds, seed):
    for trials in study(Design("both", rounds, seed), systems, artworks, 3):
        mains = [trial for trial in trials if trial.kind == "main"]
        rated = Counter(trial.systems for trial in mains if trial.part == "rating")
        assert rated == {(system,): rounds for system in systems}
        pairs = Counter(frozenset(trial.systems) for trial in mains if trial.part == "ab")
        assert set(pairs.values()) == {rounds}
        assert len(pairs) == len(systems) * (len(systems) - 1) // 2
        assert max(cells_of(trials).values()) == 1
        for part in ("rating", "ab"):
            met = [trial.artwork for trial in mains if trial.part == part]
            counts = [met.count(artwork) for artwork in artworks]
            assert max(counts) - min(counts) <= 1
            assert all(one != other for one, other in pairwise(met))


@settings(max_examples=20)
@given(SYSTEMS, ARTWORKS, ROUNDS, SEEDS)
def test_over_listeners_every_cell_is_heard_about_equally_often(systems, artworks, rounds, seed):
    design = Design("both", rounds, seed)
    total = sum((cells_of(trials) for trials in study(design, systems, artworks, 24)), Counter())
    for size in (1, 2):
        counts = [
            total[Cell(artwork, group)]
            for artwork in artworks
            for group in design.groups("rating" if size == 1 else "ab", systems)
        ]
        # Of up to 24: of 4,000 random studies five lay 5 apart and none more; drawn blindly, they would lie about 10 apart.
        assert max(counts) - min(counts) <= 7
    assert {len(cell.systems) for cell in total} == {1, 2}


@settings(max_examples=20)
@given(SYSTEMS, ARTWORKS, ROUNDS, SEEDS)
def test_each_system_of_a_pair_comes_first_about_equally_often(systems, artworks, rounds, seed):
    firsts: Counter[tuple[str, ...]] = Counter()
    for trials in study(Design("ab", rounds, seed), systems, artworks, 2):
        own = Counter(trial.systems for trial in trials if trial.kind == "main")
        assert all(abs(own[order] - own[order[::-1]]) <= 1 for order in own)
        firsts += own
    assert len(firsts) > len(systems) * (len(systems) - 1) // 2 or rounds == 1


@settings(max_examples=30)
@given(SYSTEMS, ARTWORKS, ROUNDS, SEEDS)
def test_repeats_and_checks_stand_in_the_last_third(systems, artworks, rounds, seed):
    (trials,) = study(Design("rating", rounds, seed), systems, artworks, 1)
    mains = [trial for trial in trials if trial.kind == "main"]
    third = len(mains) // 3
    early = {(trial.artwork, trial.systems) for trial in mains[:third]}
    repeats = [trial for trial in trials if trial.kind == "repeat"]
    assert len(repeats) == min(2, third)
    assert {(trial.artwork, trial.systems) for trial in repeats} <= early
    assert all(trial.kind == "main" for trial in trials[: len(mains) - third])
    assert [trial.wanted for trial in trials if trial.wanted] == [
        trial.wanted for trial in trials if trial.kind == "check"
    ]
    assert sum(trial.kind == "check" for trial in trials) == 1


def test_the_seed_and_the_listener_draw_the_order():
    def drawn(seed, listener):
        return plan(Design("both", 2, seed), ["s", "t", "u"], ["a", "b", "c"], listener=listener, given={})

    assert drawn(1, 2) == drawn(1, 2)
    assert drawn(1, 2) != drawn(1, 3)
    assert drawn(1, 2) != drawn(2, 2)


@pytest.mark.parametrize(
    ("design", "systems", "said"),
    [
        (Design("duel"), ["s", "t"], "rating, ab, both"),
        (Design(rounds=0), ["s", "t"], "1 to 3"),
        (Design(rounds=4), ["s", "t"], "1 to 3"),
        (Design(rounds=3, artworks=2), ["s", "t"], "1 to 2"),
        (Design(artworks=0), ["s", "t"], "at least one"),
        (Design("ab", 1), ["s"], "at least two"),
        (Design("both", 1), ["s"], "at least two"),
    ],
)
def test_designs_that_the_material_does_not_allow(design, systems, said):
    with pytest.raises(SettingError, match=said):
        design.draw(systems, ["a", "b", "c"])


def test_a_study_is_about_as_many_artworks_as_it_wants():
    artworks = [f"a{number:02}" for number in range(30)]
    drawn = [Design(artworks=7, seed=seed).draw(["s"], artworks) for seed in range(20)]
    assert {len(set(own)) for own in drawn} == {7}
    assert all(own == sorted(own) for own in drawn)
    assert set().union(*drawn) == set(artworks)
    assert Design(artworks=7).draw(["s"], artworks[::-1]) == drawn[0]
    assert Design(artworks=50).draw(["s"], artworks) == artworks
