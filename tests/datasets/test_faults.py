from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from art2mus_core.datasets.faults import REMEDIES, Finding, Tally, kind_of
from art2mus_core.datasets.items import Item

FAULTS = ["short: 0.90 s, where 1 s are needed", "short: 0.75 s, where 1 s are needed", "damaged: cut off", "missing"]


def told(faults: list[tuple[str, str]], most: int = 10) -> list[Finding]:
    tally = Tally()
    for path, fault in faults:
        tally.note(Item(path, path), fault)
    return tally.frequent(most)


def test_the_kind_of_a_fault():
    assert (kind_of("short: 3 s"), kind_of("missing")) == ("short", "missing")


def test_sentences_that_differ_in_numbers_are_one_with_an_example_and_a_remedy():
    found = told([("b.wav", FAULTS[0]), ("c.wav", FAULTS[2]), ("a.wav", FAULTS[1]), ("d.wav", "odd: 5e-3")])
    assert found == [
        Finding("short: N s, where N s are needed", 2, "a.wav", REMEDIES["short"]),
        Finding("damaged: cut off", 1, "c.wav", REMEDIES["damaged"]),
        Finding("odd: 5e-3", 1, "d.wav", "see the column fault"),
    ]


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.sampled_from(FAULTS)), max_size=12), st.randoms())
def test_every_fault_is_counted_and_the_order_does_not_matter(faults, random):
    found = told(faults)
    assert sum(each.count for each in found) == len(faults)
    assert [each.count for each in found] == sorted((each.count for each in found), reverse=True)
    shuffled = random.sample(faults, len(faults))
    assert told(shuffled) == found
    assert told(shuffled, 2) == found[:2]
