"""Comments that hardly are English, by the bundled vocabulary."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from art2mus_core.checkpoints.names import COMMENTED, PACKAGED
from art2mus_core.encoders.words import WordEncoder, load_word_encoder

COMMENTS = Path(__file__).parents[2] / "benchmarks" / "comments.csv"

GERMAN = (
    "Der Himmel sieht sehr bedrohlich aus.",
    "Ein ruhiger See im Morgennebel.",
    "Hier ist es einsam und kalt.",
    "Die Leute tanzen fröhlich auf der Wiese.",
    "Das Gemälde macht mich sehr traurig.",
    "Goldenes Licht über den Feldern.",
)
FRENCH = (
    "Le ciel nous semble menaçant.",
    "Un lac tranquille dans la brume du matin.",
    "Il fait froid et tout est désert.",
    "Les villageois dansent joyeusement dans le pré.",
    "Cette peinture me rend toujours triste.",
    "Une lumière dorée sur les champs.",
)
SPANISH = (
    "El cielo parece muy amenazador.",
    "Un lago tranquilo en la niebla de la mañana.",
    "Hace frío y todo está desierto.",
    "La gente baila alegremente en la pradera.",
    "Esta pintura me pone triste.",
    "Una luz dorada sobre los campos.",
)
LETTERS = ("qzx vwk", "asdf jkl qwer", "xkcd zzzt brrp", "poiuy trewq lkjh", "hhhhh kkkkk", "wqert zuiop")


@pytest.fixture(scope="module")
def encoder() -> WordEncoder:
    return load_word_encoder(PACKAGED / COMMENTED / "text_encoder")


def test_no_english_comment_is_taken_for_another_language(encoder: WordEncoder):
    with COMMENTS.open(encoding="utf-8", newline="") as file:
        comments = [row["text"] for row in csv.DictReader(file)]
    assert len(comments) == 60
    short = (
        "calm",
        "gloomy",
        "serene, gloomy",
        "a stormy, gloomy sea",
        "It feels serene, gloomy and joyful.",
        "Ugh!",
        "",
    )
    assert [text for text in (*comments, *short) if encoder.foreign(text)] == []


@pytest.mark.parametrize("texts", [GERMAN, FRENCH, SPANISH, LETTERS], ids=["German", "French", "Spanish", "letters"])
def test_most_of_what_is_not_english_is_told(encoder: WordEncoder, texts: tuple[str, ...]):
    assert sum(bool(encoder.foreign(text)) for text in texts) > len(texts) / 2


def test_the_words_are_told_as_they_were_written(encoder: WordEncoder):
    assert encoder.foreign("QZX  vwk!") == ["QZX", "vwk"]
