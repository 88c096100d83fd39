from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from art2mus_core.naming import as_unicode, is_short_for, name_files, on_one_line, readable, same_name

CAFE = unicodedata.normalize("NFC", "Café")


def stems(*names, room=250, takes=1, windows=False):
    return [name.stem for name in name_files(names, room, takes, windows=windows)]


def test_names_stay_as_they_are_where_they_can():
    kept = ["dawn", "-x", "a.b", "caf\udce9", "two words", "漢字", "a\nb", "what?"]
    assert stems(*kept) == kept


def test_the_second_of_a_name_is_numbered_and_no_other_loses_its_own():
    assert stems("dawn", "dawn", "dawn-2") == ["dawn", "dawn-3", "dawn-2"]
    assert stems("Dawn", "dawn") == ["Dawn", "dawn-2"]
    assert stems(CAFE, unicodedata.normalize("NFD", CAFE))[1].endswith("-2")


def test_takes_are_numbered_around_artworks_of_their_name():
    first, second = name_files(["X", "X--2"], 250, 3, windows=False)
    assert (first.stem, first.takes) == ("X", ("X--3", "X--4"))
    assert (second.stem, second.takes) == ("X--2", ("X--2--2", "X--2--3"))


@pytest.mark.parametrize("letter", ["a", "é", "漢", "🎨", "\udce9"])
def test_a_name_that_is_too_long_is_shortened_with_a_hash_of_all_of_it(letter):
    long = letter * 251
    (name,) = name_files([long], 250, 12, windows=False)
    assert all(len(stem.encode("utf-8", "surrogateescape")) <= 250 for stem in (name.stem, *name.takes))
    assert "too long" in name.note
    assert is_short_for(name.stem, long)
    assert not is_short_for(name.stem, f"{long}b")
    assert len(set(stems(long, f"{long}b"))) == 2


def test_the_second_of_a_name_that_just_fits_is_shortened_too():
    assert [len(stem) for stem in stems("a" * 250, "A" * 250)] == [250, 250]


def test_a_hidden_name_is_seen():
    (name,) = name_files([".hidden"], 250, windows=False)
    assert name.stem == "hidden"
    assert "hidden" in name.note


@pytest.mark.parametrize(
    ("name", "on_windows"),
    [
        ("what?", "what_"),
        ('a<b>:"c|d*', "a_b___c_d_"),
        ("CON", "_CON"),
        ("nul.x", "_nul.x"),
        ("com¹", "_com¹"),
        ("console", "console"),
    ],
)
def test_windows_gets_names_that_it_takes(name, on_windows):
    assert stems(name, windows=True) == [on_windows]


@given(
    st.lists(
        st.text(st.characters(exclude_characters="/\0", exclude_categories=()), min_size=1, max_size=300).filter(
            lambda text: not any("\ud800" <= c <= "\udc7f" or "\udd00" <= c <= "\udfff" for c in text)
        ),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 4),
)
def test_no_file_is_called_like_another(names, takes):
    found = [stem for name in name_files(names, 250, takes, windows=False) for stem in (name.stem, *name.takes)]
    assert len({same_name(stem) for stem in found}) == len(names) * takes
    assert all(0 < len(stem.encode("utf-8", "surrogateescape")) <= 250 for stem in found)


@given(st.text(st.characters(exclude_categories=())))
def test_what_is_shown_is_unicode_and_one_line(text):
    shown = on_one_line(text)
    assert len(f"{shown}x".splitlines()) == 1
    assert readable(text).encode("utf-8").decode("utf-8") == readable(text)
    assert json.dumps(as_unicode(text), ensure_ascii=False).encode("utf-8")
    assert as_unicode("ä 漢 🎨") == "ä 漢 🎨"


def test_escaped_characters_tell_what_they_were():
    assert on_one_line("caf\udce9\x1b[31m\n\r\ud800") == "caf\\xe9\\x1b[31m\\n\\r\\ud800"
