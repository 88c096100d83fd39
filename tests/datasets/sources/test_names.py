from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from art2mus_core.datasets.sources.names import (
    Work,
    hyphenated_key,
    match_names,
    name_key,
    parse_name,
    repair,
    without_suffix,
)

ACCENTED = st.text(st.sampled_from("abcxyzäöüéèñíøçşłžœßõàâ-_.'019"), max_size=24)
LATIN = "áàâäãåæçéèêëíìîïñóòôöõøúùûüýÿßÁÀÂÄÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØÚÙÛÜÝ"


def damaged(name: str, code: str = "latin-1") -> str:
    return name.encode().decode(code)


@pytest.mark.parametrize(
    ("name", "work"),
    [
        ("ada-blue_the-red-house-1908.jpg", Work("ada blue", "the red house", 1908)),
        ("ada-blue_the-red-house-1908(2).jpg", Work("ada blue", "the red house", 1908)),
        ("ada-blue_the-red-house-1908-3", Work("ada blue", "the red house", 1908)),
        ("ada-blue_house_with_tree(1).png", Work("ada blue", "house with tree", None)),
        ("ada-blue_not_detected_123456.jpg", Work("ada blue", None, None)),
        ("m.c.-escoffier_room-12.jpg", Work("m.c. escoffier", "room 12", None)),
        ("ada-blue_1984.jpg", Work("ada blue", "1984", None)),
        ("zoã«-blue_cafã©-1890.jpg", Work("zoë blue", "café", 1890)),
        ("ada blue.jpg", Work("ada blue", None, None)),
    ],
)
def test_artist_title_and_year_of_a_name(name: str, work: Work):
    assert parse_name(name) == work


def test_only_the_suffix_of_a_picture_is_left_out():
    assert without_suffix("m.c.-escoffier_room.JPG") == "m.c.-escoffier_room"
    assert without_suffix("m.c.-escoffier_room") == "m.c.-escoffier_room"


@pytest.mark.parametrize("letter", LATIN)
@pytest.mark.parametrize("code", ["latin-1", "cp437"])
def test_letters_that_were_read_in_another_code_are_restored(letter: str, code: str):
    name = f"ab{letter}c_d{letter}"
    assert repair(damaged(name, code)) == name
    if code == "latin-1":
        assert repair(damaged(name).lower()) == name
        assert repair(damaged(damaged(name), "cp437")) == repair(damaged(name))


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("caf%C3%A9_x", "café_x"),
        ("caf#U00e9_x", "café_x"),
        ("cafe\u0301_x", "café_x"),
        ("100%-wool_x", "100%-wool_x"),
        ("caf%E9_x", "caf%E9_x"),
        ("ã©tude-â€™_x", "étude-’_x"),
        ("adaâ\xa0_x", "ada\xa0_x"),
        ("são-paulo_à-x", "são-paulo_à-x"),
        ("x#Ud83d", "x#Ud83d"),
    ],
)
def test_other_ways_of_writing_a_letter(name: str, plain: str):
    assert repair(name) == plain


@given(ACCENTED)
def test_a_name_has_one_key_in_all_its_forms(name: str):
    key = name_key(name)
    for form in (unicodedata.normalize("NFD", name), name.upper(), name.replace("_", "-"), name + ".jpg", key):
        if "ß" not in name or form != name.upper():
            assert name_key(form) == key


@given(st.text(st.sampled_from("abcäöüéèñíçõàâ-_"), max_size=24))
def test_a_damaged_name_has_the_key_of_the_name(name: str):
    for form in (damaged(name), damaged(name).lower()):
        assert name_key(form) == name_key(name)
        assert hyphenated_key(form) == hyphenated_key(name)


@given(st.text(max_size=30))
def test_any_text_has_a_key_that_is_its_own(name: str):
    for key in (name_key, hyphenated_key):
        once = key(name)
        assert once == once.casefold()
        assert "_" not in once
        assert not once.startswith("-")
    assert repair(repair(name)) is not None


def test_the_number_of_a_copy_is_part_of_the_key():
    keys = {name_key(f"ada_house{end}.jpg") for end in ("", "(1)", "(2)", "-1", "-2")}
    assert keys == {"ada-house", "ada-house(1)", "ada-house(2)", "ada-house-1", "ada-house-2"}


def test_titles_in_other_scripts_are_not_all_the_same():
    assert len({name_key(name) for name in ("青い花", "赤い花", "дом", "σπίτι")}) == 4


def test_names_are_matched_from_the_surest_form_to_the_least_sure():
    present = ["ada_x", "zoã©_y", "é.l._w", "lã©a_v", "bob_ü"]
    matches = match_names(["ada_x", "zoe_y", "e-l_w", "l-a_v", "bob_u", "bob_ö", "eve_q"], present)
    assert matches.found == {
        "ada_x": "ada_x",
        "zoe_y": "zoã©_y",
        "e-l_w": "é.l._w",
        "l-a_v": "lã©a_v",
        "bob_u": "bob_ü",
    }
    assert matches.ambiguous == {}


def test_works_whose_names_become_equal_are_not_merged():
    exact = match_names(["ada_1", "ada_-1"], ["ada_1"])
    assert exact.found == {"ada_1": "ada_1"}
    assert exact.ambiguous == {"ada_-1": ("ada_1",)}
    several = match_names(["ada.b_x"], ["ada-b_x", "ada_b-x"])
    assert several.found == {}
    assert several.ambiguous == {"ada.b_x": ("ada-b_x", "ada_b-x")}
    both = match_names(["ada-b_x", "ada.b_x"], ["ada_b_x"])
    assert both.found == {}
    assert both.ambiguous.keys() == {"ada-b_x", "ada.b_x"}
    assert match_names(["ada-b_x", "ada.b_x"], ["ada.b_x", "ada-b_x"]).found == {
        "ada-b_x": "ada-b_x",
        "ada.b_x": "ada.b_x",
    }


def test_two_names_that_fit_one_in_different_ways_share_it_and_are_told():
    shared = match_names(["lea_v", "l-a_v"], ["lã©a_v"])
    assert shared.found == {}
    assert shared.ambiguous == {"lea_v": ("lã©a_v",), "l-a_v": ("lã©a_v",)}


@given(st.lists(ACCENTED, max_size=9), st.lists(ACCENTED, max_size=9))
def test_no_two_names_have_one_match(wanted: list[str], present: list[str]):
    matches = match_names(wanted, present)
    assert len(set(matches.found.values())) == len(matches.found)
    assert set(matches.found.values()) <= set(present)
    assert not matches.found.keys() & matches.ambiguous.keys()
    assert all(matches.found[name] == name for name in set(wanted) & set(present))


def test_letters_that_differ_are_not_made_equal_by_their_hyphens():
    assert match_names(["bob_ö"], ["bob_ü"]).found == {}
    assert match_names(["bob_x-y"], ["bob_xöy"]).found == {"bob_x-y": "bob_xöy"}
    assert match_names(["bob_xöy"], ["bob_x-y"]).found == {"bob_xöy": "bob_x-y"}
