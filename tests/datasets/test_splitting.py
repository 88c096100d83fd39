from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from art2mus_core.datasets.items import Text
from art2mus_core.datasets.splitting import Groups, group_artworks, group_music, group_texts, split
from art2mus_core.datasets.tables import ArtworkRow, MusicRow
from art2mus_core.errors import SettingError

SHARES = {"validation": 0.1, "test": 0.1}


def picture(name: str, creator: str | None = None, look: int | None = None, sha256: str | None = None) -> ArtworkRow:
    return ArtworkRow(name, f"{name}.jpg", creator, look=None if look is None else f"{look:016x}", sha256=sha256)


def together(groups: Groups) -> list[set[str]]:
    members = defaultdict(set)
    for name, group in groups.of.items():
        members[group].add(name)
    return [names for names in members.values() if len(names) > 1]


def test_an_artist_is_one_group_however_the_name_is_written():
    rows = [
        picture("a", "Claude Monet"),
        picture("b", "claude-monet"),
        picture("c", "claude_monet"),
        picture("d", "Manet"),
    ]
    groups = group_artworks(rows)
    assert together(groups) == [{"a", "b", "c"}]
    assert groups.united == {}


@pytest.mark.parametrize("nobody", [None, "", "Anonymous", "unknown-artist", "Various Artists"])
def test_works_without_a_creator_are_not_united(nobody):
    assert together(group_artworks([picture("a", nobody), picture("b", nobody)])) == []
    assert together(group_music([MusicRow("a", "a.mp3", nobody), MusicRow("b", "b.mp3", nobody)])) == []


def test_duplicates_are_united_and_listed_by_reason():
    rows = [
        *(
            picture("a", "x"),
            picture("b", "y"),
            picture("c", "z", 0b1),
            picture("d", "w", 0b1111111),
            picture("e", "v", ~0 & (2**64 - 1)),
        ),
        *(picture("f", "u", sha256="s"), picture("g", "t", sha256="s")),
    ]
    groups = group_artworks(rows, [["a", "elsewhere", "b"]])
    assert sorted(map(sorted, together(groups))) == [["a", "b"], ["c", "d"], ["f", "g"]]
    assert groups.united == {
        "listed as duplicates": [("a", "b")],
        "the same picture": [("f", "g")],
        "nearly the same picture": [("c", "d")],
    }
    assert sorted(map(sorted, together(group_artworks(rows, likeness=5)))) == [["f", "g"]]


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 2**12), max_size=40), st.integers(0, 7))
def test_every_pair_that_looks_alike_is_found(looks: list[int], likeness: int):
    groups = group_artworks([picture(str(place), look=look) for place, look in enumerate(looks)], likeness=likeness)
    for one, first in enumerate(looks):
        for other, second in enumerate(looks):
            if (first ^ second).bit_count() <= likeness:
                assert groups.of[str(one)] == groups.of[str(other)]


def test_the_same_sound_under_two_names_is_united():
    groups = group_music(
        [MusicRow("a", "a.mp3", "x", sound="s"), MusicRow("b", "b.flac", "y", sound="s"), MusicRow("c", "c.mp3")]
    )
    assert together(groups) == [{"a", "b"}]
    assert groups.united == {"the same sound": [("a", "b")]}


def test_chains_are_one_group():
    rows = [picture("a", "x", 0), picture("b", "y", 0b111111), picture("c", "z", 0b111111111111), picture("d", "z")]
    assert together(group_artworks(rows)) == [{"a", "b", "c", "d"}]


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=200),
    st.floats(0, 0.4),
    st.floats(0, 0.4),
    st.integers(0, 2**32),
)
def test_no_group_straddles_and_no_split_is_larger_than_its_share(creators, validation, test, seed):
    groups = group_artworks([picture(str(place), f"artist {creator}") for place, creator in enumerate(creators)])
    found = split(groups, {"validation": validation, "test": test}, seed)
    assert list(found) == list(groups.of)
    assert len({(groups.of[name], chosen) for name, chosen in found.items()}) == len(set(groups.of.values()))
    counts = Counter(found.values())
    for name, share in (("validation", validation), ("test", test)):
        assert counts[name] <= round(share * len(creators))


def test_the_shares_are_filled_where_groups_are_small():
    groups = group_artworks(
        [picture(f"{artist} {work}", f"artist {artist}") for artist in range(100) for work in range(3)]
    )
    assert Counter(split(groups, SHARES, 0).values()) == {"train": 240, "validation": 30, "test": 30}
    assert split(groups, SHARES, 0) == split(groups, SHARES, 0) != split(groups, SHARES, 1)


def test_a_group_keeps_its_split_when_works_are_added():
    first = [picture(f"{artist} 0", f"artist {artist}") for artist in range(50)]
    more = [*first, *(picture(f"{artist} 1", f"artist {artist}") for artist in range(50))]
    before, after = split(group_artworks(first), SHARES, 3), split(group_artworks(more), SHARES, 3)
    assert [after[name] for name in before] == list(before.values())


@pytest.mark.parametrize("shares", [{"test": 1.0}, {"test": -0.1}, {"train": 0.5}, {"validation": 0.5, "test": 0.5}])
def test_impossible_shares_are_refused(shares):
    with pytest.raises(SettingError, match=r"shares of validation and test below 1"):
        split(group_artworks([picture("a")]), shares, 0)


@pytest.mark.parametrize("likeness", [-1, 8])
def test_a_likeness_that_cannot_be_searched_is_refused(likeness):
    with pytest.raises(SettingError, match="0 to 7"):
        group_artworks([picture("a")], likeness=likeness)


def test_texts_about_one_work_and_equal_texts_are_united():
    texts = [
        *(Text("0", "a", "So blue!"), Text("1", "a", "dark"), Text("2", "b", "so  BLUE"), Text("3", "c", "light")),
        *(Text("4", "d_0", "slow", part_of="d"), Text("5", "d_9", "fast", part_of="d"), Text("6", "e", "odd")),
    ]
    groups = group_texts(texts, [["c", "nowhere", "e"]])
    assert sorted(map(sorted, together(groups))) == [["0", "1", "2"], ["3", "6"], ["4", "5"]]
    assert groups.united == {"about works listed as duplicates": [("3", "6")], "the same words": [("0", "2")]}


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 60), st.booleans()), min_size=1, max_size=80),
    st.lists(st.lists(st.integers(0, 30), min_size=2, max_size=3, unique=True), max_size=4),
    st.integers(0, 9),
)
def test_no_work_no_duplicate_and_no_text_straddles(drawn: list, duplicates: list, seed: int):
    texts = [
        Text(str(place), f"work {work}", f"Word, {word}." if loud else f"word {word}")
        for place, (work, word, loud) in enumerate(drawn)
    ]
    listed = [[f"work {work}" for work in group] for group in duplicates]
    splits = split(group_texts(texts, listed), {"validation": 0.3, "test": 0.3}, seed)
    assert list(splits) == [text.id for text in texts]
    of_work, of_word = defaultdict(set), defaultdict(set)
    for text, (work, word, _) in zip(texts, drawn, strict=True):
        of_work[work].add(splits[text.id])
        of_word[word].add(splits[text.id])
    assert all(len(own) == 1 for own in (*of_work.values(), *of_word.values()))
    assert all(len(set().union(*(of_work[work] for work in group))) <= 1 for group in duplicates)
