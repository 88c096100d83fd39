from __future__ import annotations

import re
from dataclasses import astuple, fields
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from art2mus_core.character import CHARACTERS, Character
from art2mus_core.datasets.synthetic import wording
from art2mus_core.datasets.synthetic.bands import BANDS
from art2mus_core.datasets.synthetic.commenting import COUNT, NONE, PULL, Mood, comment, comments_for, draw_mood
from art2mus_core.datasets.synthetic.wording import FORMS, KINDS, clause, frames, phrases

OF_MUSIC = re.compile(
    r"\b(accords?|allegro|arousal|bands?|bars?|bass|beats?|bells?|bpm|brass|choirs?|chords?|danc\w+|detach\w+|drum\w*|energy"
    r"|fast\w*|flat|flutes?|guitars?|harmon\w+|hear|hears|hearing|heard|height|high|horns?|hum|humming|keys?|largo|legato|listen\w*"
    r"|loud\w*|low|lower|major|melod\w+|minor|modes?|music\w*|noise|noisy|notes?|octaves?|orchestr\w+|organ|pianos?|pipes?"
    r"|pitch|pleasure|pulsating|registers?|rhythm\w*|scales?|sharp|sing|singer|singing|slow\w*|songs?|sounds?|staccato"
    r"|strings?|swing|tempo|tension|timbre|tones?|tonic|treble|trumpets?|tunes?|valence|violins?|volume|waltz\w*|warm\w*"
    r"|whistl\w+)\b"
)
"""Words of music, and of what the music is composed for."""

MIDDLE = Character(0.5, 0.5, 0.5, 0.5, 0.5, 0.5, tonic=9)


def written(mood: Mood, count: int, kind: str | None = None) -> list[str]:
    rng = np.random.default_rng(5)
    return [comment(mood, rng, kind) for _ in range(count)]


def test_the_page_on_training_tells_how_many_comments_there_are():
    page = (Path(__file__).parents[2] / "docs" / "TRAINING.md").read_text(encoding="utf-8")
    assert (COUNT, round(7 * (1 - NONE))) == (8, 6)
    assert "Six of seven pairs then have eight comments" in page


def test_the_words_are_many_and_reach_every_corner():
    for kind in KINDS:
        rated = phrases(kind)
        assert len({phrase.text for phrase in rated}) >= 900
        ratings = np.array([phrase.rating for phrase in rated])
        assert ((ratings >= 0) & (ratings <= 1) | np.isnan(ratings)).all()
        assert not np.isnan(ratings).all(axis=1).any()
        for axis in range(3):
            levels = np.histogram(ratings[:, axis], bins=[0, 0.16, 0.4, 0.6, 0.84, 1])[0]
            assert levels.min() >= 20
        alone = ratings[np.isnan(ratings).sum(axis=1) == 2]
        assert (np.isfinite(alone).sum(axis=0) >= 80).all()
        for corner in np.ndindex(2, 2, 2):
            assert ((np.abs(ratings - corner) < 0.21) | np.isnan(ratings)).all(axis=1).sum() >= 60
            assert (np.abs(ratings - corner) < 0.21).all(axis=1).sum() >= 4
    sentences = [each for forms in (*FORMS.values(), ("unfelt", "unlike")) for form in forms for each in frames(form)]
    assert len(set(sentences)) >= 60
    assert all(each.count("{}") == 1 for each in sentences)


def test_no_word_of_music_is_said():
    """Neither in any comment nor in any words that a comment could have."""
    texts = [phrase.text for kind in KINDS for phrase in phrases(kind)]
    texts += [each for named in wording._data()["frames"] for each in frames(named)]
    texts += [each for seed in range(900) for each in comments_for(MIDDLE, seed)[0]]
    assert len(texts) > 3000
    found = {match for text in texts for match in OF_MUSIC.findall(text.lower())}
    assert not found
    names = {*BANDS, *(field.name for field in fields(Character))} - {"mallets"}
    assert not [text for text in texts if any(re.search(rf"\b{name}\b", text.lower()) for name in names)]


def test_comments_vary_and_half_of_them_say_what_is_seen(monkeypatch: pytest.MonkeyPatch):
    kinds = []

    def noted(kind: str, *arguments: object) -> tuple[str, np.ndarray]:
        kinds.append(kind)
        return clause(kind, *arguments)

    monkeypatch.setattr("art2mus_core.datasets.synthetic.commenting.clause", noted)
    rng, first, texts = np.random.default_rng(1), [], []
    for _ in range(2000):
        before = len(kinds)
        texts.append(comment(draw_mood(MIDDLE, rng), rng))
        assert len(set(kinds[before:])) <= 1
        first += kinds[before : before + 1]
    assert 0.46 < first.count("seen") / len(first) < 0.54
    assert len(set(texts)) > 1900
    assert len({word for text in texts for word in re.findall(r"[a-z']+", text.lower())}) > 2000
    lengths = [len(text.split()) for text in texts]
    assert min(lengths) <= 2
    assert max(lengths) >= 25


def test_a_clause_speaks_of_the_moods_axes_only_and_near_them():
    rng = np.random.default_rng(2)
    by_text = {kind: {phrase.text: np.array(phrase.rating) for phrase in phrases(kind)} for kind in KINDS}
    for kind in KINDS:
        for said in ([0.1, np.nan, np.nan], [np.nan, 0.9, 0.2], [0.9, 0.1, np.nan]):
            mood, away = np.array(said), []
            for _ in range(60):
                words, told = clause(kind, mood, ~np.isnan(mood), rng)
                assert told.any()
                assert not (told & np.isnan(mood)).any()
                if words in by_text[kind]:  # without a frame
                    away.append(np.nanmax(np.abs(by_text[kind][words] - mood)))
            assert np.mean(away) < 0.15


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("axis", ["energy", "pleasure", "light"])
def test_opposite_moods_say_different_words(kind: str, axis: str):
    told = []
    for end in (0.02, 0.98):
        texts = " ".join(written(Mood(**{axis: end}), 150, kind)).lower()
        told.append({phrase.text for phrase in phrases(kind) if phrase.text.lower() in texts and len(phrase.text) > 6})
    assert min(map(len, told)) > 25
    assert len(told[0] & told[1]) < 0.1 * min(map(len, told))  # "nothing gloomy here" is said at the other end


def test_moods_follow_the_picture_partly_and_favour_extremes():
    rng = np.random.default_rng(3)
    seen = [Character(*rng.random(6), tonic=0) for _ in range(3000)]
    moods = np.array([[np.nan if v is None else v for v in astuple(draw_mood(each, rng))] for each in seen])
    assert np.nanmin(moods) >= 0
    assert np.nanmax(moods) <= 1
    for axis, name in enumerate(("arousal", "valence", "height")):
        spoken = ~np.isnan(moods[:, axis])
        assert 0.35 < spoken.mean() < 0.65
        values = moods[spoken, axis]
        together = np.corrcoef(values, np.array([getattr(each, name) for each in seen])[spoken])[0, 1]
        assert 0.25 < together < 0.6
        assert ((values < 0.25) | (values > 0.75)).mean() > 0.5


def test_the_music_lies_between_picture_and_words():
    assert Mood().blend(MIDDLE) == MIDDLE
    assert Mood(energy=1.0).character() == {"arousal": 1.0}
    assert Mood(light=0.0).character() == {"height": 0.0, "warmth": 0.9}
    assert Mood(light=1.0).character() == {"height": 1.0, "warmth": pytest.approx(0.1)}
    picture = Character(0.2, 0.4, 0.6, 0.8, 0.3, 0.7, tonic=11)
    blended = Mood(energy=1.0, light=0.0).blend(picture)
    wanted = {"arousal": 0.2 + PULL * 0.8, "valence": 0.4, "warmth": 0.6 + PULL * 0.3, "height": 0.8 - PULL * 0.8}
    assert {name: getattr(blended, name) for name in wanted} == pytest.approx(wanted)
    assert (blended.tension, blended.detachment, blended.tonic) == (0.3, 0.7, 11)


def test_the_seed_determines_comments_and_some_pairs_have_none():
    made = [comments_for(MIDDLE, seed) for seed in range(400)]
    assert made[:40] == [comments_for(MIDDLE, seed) for seed in range(40)]
    assert all(a != b for a, b in pairwise(made) if a[0])
    numbers = [len(comments) for comments, _ in made]
    assert set(numbers) == {0, COUNT}
    assert 0.1 < numbers.count(0) / 400 < 0.2
    assert all(cause == MIDDLE for comments, cause in made if not comments)
    assert sum(cause == MIDDLE for comments, cause in made if comments) < 40
    assert all(0 <= getattr(cause, name) <= 1 for _, cause in made for name in CHARACTERS)


def test_without_a_mood_it_is_chatter():
    told = [text.lower() for text in written(Mood(), 30)]
    assert sum(any(each.lower() in text for each in frames("chatter")) for text in told) > 20  # some are mistyped
    rated = [phrase.text for kind in KINDS for phrase in phrases(kind) if len(phrase.text) > 12]
    assert not [text for text in told if any(each.lower() in text for each in rated)]
