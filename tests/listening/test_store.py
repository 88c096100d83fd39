from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from contextlib import closing

import numpy as np
import pytest

from art2mus_core.audio.reading import read_audio, read_tags
from art2mus_core.errors import EvaluationError, SettingError
from art2mus_core.listening.answers import UnknownTokenError
from art2mus_core.listening.material import Material
from art2mus_core.listening.store import open_store
from art2mus_core.measure.sound.music import measure

from .going import go_through
from .making import ARTWORKS, SYSTEMS

GOOD = {"quality": 1, "relevance": 5, "expressiveness": 3}


def test_a_listener_goes_on_where_they_were(open_one, tmp_path):
    store, _ = open_one(rounds=1)
    listener = go_through(store, pages=2)
    store.close()
    with closing(open_store(tmp_path / "study.sqlite")) as again:
        done, total, page = again.turn(listener)
        assert (done, total) == (2, 5)
        again.answer(listener, page.token, GOOD, [0.8])
        assert again.turn(listener)[:2] == (3, 5)
        assert again.listeners() == {1: False}


def test_the_first_answer_to_a_page_stands(open_one):
    store, _ = open_one(rounds=1)
    listener = store.begin()
    token = store.turn(listener).page.token
    store.answer(listener, token, GOOD, [1])
    store.answer(listener, token, GOOD | {"quality": 5}, [1])
    assert {answer.question: answer.value for answer in store.answers()} == GOOD
    assert store.turn(listener).done == 1


NO_ANSWERS = [
    ({}, [1]),
    (GOOD | {"loudness": 1}, [1]),
    ({"quality": 1, "relevance": 5}, [1]),
    *((GOOD | {"quality": value}, [1]) for value in (0, 6, 2.0, True, "2", None)),
    *((GOOD, heard) for heard in ([], [1, 1], [0.79], [float("nan")], ["1"], [True])),
]


def test_what_is_no_answer_is_refused_and_nothing_of_it_stored(open_one):
    store, _ = open_one(rounds=1)
    listener = store.begin()
    for values, heard in NO_ANSWERS:
        with pytest.raises(EvaluationError):
            store.answer(listener, store.turn(listener).page.token, values, heard)
    assert store.answers() == []
    assert store.turn(listener).done == 0


def test_nobody_answers_for_another(open_one):
    store, _ = open_one(rounds=1)
    one, other = store.begin(), store.begin()
    token = store.turn(one).page.token
    for listener, page in ((other, token), ("nobody", token), (one, "nothing")):
        with pytest.raises(UnknownTokenError):
            store.answer(listener, page, GOOD, [1])
    with pytest.raises(UnknownTokenError):
        store.turn("nobody")


def test_over_listeners_every_piece_is_heard_equally_often(open_one):
    store, _ = open_one(mode="both", rounds=2)
    for _ in range(5):
        go_through(store)
    mains = [answer for answer in store.answers() if answer.kind == "main"]
    rated = Counter((answer.artwork, answer.systems) for answer in mains if answer.question == "quality")
    assert len(rated) == len(ARTWORKS) * len(SYSTEMS)
    assert set(rated.values()) <= {1, 2, 3}
    assert set(store.listeners().values()) == {True}


def test_takes_are_heard_by_listeners_in_turn(music, open_one, tmp_path):
    folder = shutil.copytree(music, tmp_path / "takes")
    for artwork in ARTWORKS:
        shutil.copy(folder / SYSTEMS[1] / f"{artwork}.flac", folder / SYSTEMS[0] / f"{artwork}--2.flac")
    store, _ = open_one(folder, rounds=1)
    for _ in range(2):
        go_through(store)
    heard = {(answer.listener, store.sounds[answer.sounds[0]].take) for answer in store.answers()}
    assert heard == {(1, ""), (1, "2"), (2, "")}


def test_systems_are_matched_by_one_gain_each(open_one, tmp_path):
    """They were written 6 dB apart; the quietest stays as it is."""
    store, sounds = open_one()
    gains = {sound.system: sound.gain for sound in store.sounds.values()}
    assert gains == pytest.approx({SYSTEMS[0]: 0, SYSTEMS[1]: -6.02, SYSTEMS[2]: -12}, abs=0.15)
    (tmp_path / "copies").mkdir()
    material = Material({}, sounds, tmp_path / "copies")
    for sound in store.sounds.values():
        (tmp_path / "heard.flac").write_bytes(material.sound(sound))
        before, after = read_audio(sounds[sound.key]), read_audio(tmp_path / "heard.flac")
        turned = measure(after).loudness - measure(before).loudness
        assert turned == pytest.approx(sound.gain, abs=0.02)
        assert "artist" not in read_tags(tmp_path / "heard.flac")
        expected = before.samples.numpy() * 10 ** (sound.gain / 20)
        np.testing.assert_allclose(after.samples.numpy(), expected, atol=2**-15)


def test_unmatched_sounds_are_bit_identical(open_one, tmp_path):
    store, sounds = open_one(matched=False)
    material = Material({}, sounds, tmp_path)
    sound = next(iter(store.sounds.values()))
    (tmp_path / "heard.flac").write_bytes(material.sound(sound))
    assert (read_audio(tmp_path / "heard.flac").samples == read_audio(sounds[sound.key]).samples).all()


def test_settings_hold_for_the_whole_study(open_one):
    open_one(mode="ab", rounds=2, seed=3)[0].close()
    store, _ = open_one(seed=3)
    assert (store.design.mode, store.design.rounds, store.design.seed) == ("ab", 2, 3)
    with pytest.raises(SettingError, match="rounds 1"):
        open_one(rounds=1)


def test_the_music_must_stay_what_it_was(music, open_one, tmp_path):
    folder = shutil.copytree(music, tmp_path / "changing")
    open_one(folder)[0].close()
    shutil.copy(folder / SYSTEMS[0] / "dawn.flac", folder / SYSTEMS[0] / "dusk.flac")
    with pytest.raises(EvaluationError, match=f"{SYSTEMS[0]} for dusk"):
        open_one(folder)


def test_some_systems_and_some_artworks(open_one):
    store, _ = open_one(systems=SYSTEMS[:2], artworks=3, rounds=1)
    assert store.systems == sorted(SYSTEMS[:2])
    assert len(store.artworks) == 3
    store.close()
    assert open_one()[0].systems == sorted(SYSTEMS[:2])


def test_real_music_is_heard_when_it_is_named(music, open_one, tmp_path):
    folder = shutil.copytree(music, tmp_path / "real")
    (folder / SYSTEMS[0]).rename(folder / "reference")
    store, _ = open_one(folder, systems=(SYSTEMS[1], "reference"), rounds=1)
    assert store.systems == ["reference", SYSTEMS[1]]


@pytest.mark.parametrize("content", [b"", b"no database", "other"])
def test_other_files_are_refused(content, tmp_path):
    path = tmp_path / "study.sqlite"
    if content == "other":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE song (name TEXT)")
    else:
        path.write_bytes(content)
    with pytest.raises(EvaluationError, match="is not a listening test"):
        open_store(path)
    with pytest.raises(EvaluationError, match="does not exist"):
        open_store(tmp_path / "nothing.sqlite")


def test_bad_material_is_refused(music, open_one, tmp_path):
    with pytest.raises(EvaluationError, match="no system swan"):
        open_one(systems=("swan",))
    folder = shutil.copytree(music, tmp_path / "blind")
    shutil.rmtree(folder / "artworks")
    with pytest.raises(EvaluationError, match="--artworks"):
        open_one(folder)
    assert not (tmp_path / "study.sqlite").exists()
