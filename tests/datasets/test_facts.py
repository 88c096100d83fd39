from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from art2mus_core.datasets.facts import BINS, MOST, _doubling, _names, _numbers, facts_of, faults_of
from art2mus_core.datasets.joining import Joined
from art2mus_core.datasets.tables import ArtworkRow, MusicRow, PairRow

from .released import make


def row(number: int, split: str, artwork: int, music: int, score: float | None = 0.5) -> Joined:
    return Joined(
        PairRow(str(number), f"a{artwork}", f"m{music}", split, score),
        ArtworkRow(f"a{artwork}", "a.png", f"painter {artwork % 2}", licence="CC0", genres=("Baroque", "portrait")),
        MusicRow(f"m{music}", "m.mp3", samples=16_000 * (music + 1), sample_rate=8000),
        (Path("a.png"), Path("m.mp3")),
        ("calm",) * number,
    )


ROWS = [row(0, "train", 0, 0), row(1, "train", 1, 0, 0.25), row(2, "train", 2, 1, None), row(3, "test", 3, 2)]
CAPTIONS = {
    "artworks": {"a0": (("title", "A"), ("mine", "B")), "a1": (("title", "A"),), "other": (("title", "A"),)},
    "music": {},
}


def test_a_work_in_several_pairs_counts_once():
    train, test, whole = facts_of(ROWS, CAPTIONS).counts
    assert vars(train) == {
        "split": "train",
        "pairs": 3,
        "commented": 2,
        "artworks": 3,
        "painters": 2,
        "pieces": 2,
        "musicians": 0,
        "hours": pytest.approx(6 / 3600),
    }
    assert (test.split, test.pairs, test.painters, test.hours) == ("test", 1, 1, pytest.approx(6 / 3600))
    assert (whole.split, whole.pairs, whole.pieces, whole.hours) == ("all", 4, 3, pytest.approx(12 / 3600))
    assert [each.split for each in facts_of(ROWS[:3], CAPTIONS).counts] == ["train"]


def test_histograms_count_what_is_in_pairs_and_empty_ones_are_left_out():
    found = {each.title: each.bars for each in facts_of(ROWS, CAPTIONS).histograms}
    assert found["Pairs of a piece of music"] == (("1", 2), ("2", 1))
    assert found["Licences of the artworks"] == (("CC0", 4),)
    assert found["Licences of the music"] == (("not stated", 3),)
    assert found["Styles and genres of the artworks"] == (("Baroque", 4), ("portrait", 4))
    assert found["Creators of the artworks"] == (("painter 0", 2), ("painter 1", 2))
    assert found["Captions of the artworks by origin"] == (("title", 2), ("mine", 1))
    assert found["Similarity of the pairs"][0] == ("0.25 to 0.3", 1)
    assert not {"Styles and genres of the music", "Captions of the music by origin"} & set(found)


def test_faults_are_those_of_the_scan(tmp_path: Path):
    assert {each.title: each.bars for each in faults_of(make(tmp_path))} == {
        "Faults of artworks": (("damaged", 1),),
        "Faults of music": (("damaged", 1),),
    }


@given(st.lists(st.floats(-1e6, 1e6), max_size=30))
def test_every_number_is_in_a_bar_that_has_it(values):
    bars = _numbers("", "", values).bars
    assert sum(count for _, count in bars) == len(values)
    if values:
        assert len(bars) <= BINS + 2
        assert bars[0][1] > 0
        assert bars[-1][1] > 0


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        ([], ()),
        ([29.976] * 3, (("29.98", 3),)),
        ([0.1, 0.3], (("0.1 to 0.12", 1), ("0.3 to 0.32", 1))),
        ([-0.5, 0.5, 0.45], (("\N{MINUS SIGN}0.5 to \N{MINUS SIGN}0.4", 1), ("0.4 to 0.5", 1), ("0.5 to 0.6", 1))),
    ],
    ids=["none", "equal", "ends", "negative"],
)
def test_bars_have_round_ends(values, bars):
    found = _numbers("", "", values).bars
    assert tuple(bar for bar in found if bar[1]) == bars


@given(st.lists(st.integers(1, 1000), max_size=30))
def test_doubling_bars_have_every_count(values):
    for label, count in _doubling("", "", values).bars:
        ends = [int(end.replace(",", "")) for end in label.split(" to ")]
        assert count == sum(ends[0] <= value <= ends[-1] for value in values)
    assert sum(count for _, count in _doubling("", "", values).bars) == len(values)


@given(st.lists(st.sampled_from([f"name {n}" for n in range(40)]), max_size=90))
def test_no_name_is_lost(names):
    found = _names("", "", names)
    counts = [count for _, count in found.bars]
    assert sum(counts) + found.rest == len(names)
    assert len(counts) + found.others == len(set(names))
    assert len(counts) <= MOST
    assert counts == sorted(counts, reverse=True)
