from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from art2mus_core.datasets.articaps import TEXT_PAIRS, TextPairRow, write_published
from art2mus_core.datasets.items import Text
from art2mus_core.datasets.matching import MATCHING, TextRule, match, read_texts
from art2mus_core.datasets.sources.articaps import read_articaps
from art2mus_core.datasets.text_embedding import embed_texts
from art2mus_core.datasets.workers import spread
from art2mus_core.encoders.sentences import load_sentence_encoder
from art2mus_core.errors import CheckpointError, DatasetError, SettingError

from ..sentence_model import write_sentence_model

ALONE = partial(spread, workers=1)
WHOLE = TextRule(validation=0.0, test=0.0, hubs="keep")
FEELINGS = ("awe", "fear", "sadness")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not to be written to."""
    pytest.importorskip("sentence_transformers", reason="sentence-transformers, of the extra texts, is not installed")
    return write_sentence_model(tmp_path_factory.mktemp("sentences") / "tiny")


def words(seed: int) -> list[str]:
    """Distinct texts of one or two short words, for which the tiny model is not too short."""
    drawn = np.random.default_rng(seed)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    return ["".join(drawn.choice(letters, 5)) + " " + "".join(drawn.choice(letters, 4)) for _ in range(40)]


SAID = [
    Text(f"Style/{place // 3}/{place % 3}", f"Style/{place // 3}", text, emotion=FEELINGS[place % 3])
    for place, text in enumerate(words(1)[:23])
]
HEARD = [
    Text(
        f"v{place // 2}_{place}",
        f"v{place // 2}_{place}",
        text,
        None,
        ("slow", f"k{place}"),
        ("/m/1",),
        None,
        f"v{place // 2}",
    )
    for place, text in enumerate(words(2)[:31])
]


def matched(folder: Path, model: Path, rule: TextRule = WHOLE, said=SAID, heard=HEARD, **more) -> list[TextPairRow]:
    match(folder, said, heard, model, rule, spread=ALONE, **more)
    return list(TEXT_PAIRS.read(folder / TEXT_PAIRS.file))


def test_each_utterance_gets_the_most_similar_caption(model: Path, tmp_path: Path):
    rows = matched(tmp_path, model)
    encoder = load_sentence_encoder(model)
    cosines = encoder.encode([each.text for each in SAID]) @ encoder.encode([each.text for each in HEARD]).T
    assert [row.caption for row in rows] == [HEARD[best].id for best in cosines.argmax(1)]
    assert [row.similarity for row in rows] == pytest.approx(cosines.max(1), abs=2e-6)
    assert {row.rank for row in rows} == {1}
    first = rows[4]
    heard = next(each for each in HEARD if each.id == first.caption)
    assert first == TextPairRow(
        *("000004", SAID[4].id, "Style/1", SAID[4].text, "fear"),
        *(heard.id, heard.about, heard.text, heard.keywords, heard.labels),
        *("train", first.similarity, 1),
    )
    assert first.similarity == round(first.similarity, 6)


def test_what_was_found_is_told(model: Path, tmp_path: Path):
    told = match(tmp_path, SAID, HEARD, model, WHOLE, spread=ALONE)
    assert json.loads((tmp_path / MATCHING).read_text(encoding="utf-8"))["best"] == told["best"]
    assert told["utterances"] == {"rows": 23, "distinct": 23, "vectors": 23}
    assert told["emotions"] == {"awe": 8, "fear": 8, "sadness": 7}
    assert told["splits"]["train"]["pairs"] == 23
    quantiles = told["similarity"]
    assert quantiles["random pairs"]["0.5"] < quantiles["pairs"]["0.5"]
    assert told["best"][0]["similarity"] == quantiles["pairs"]["1"] >= told["best"][1]["similarity"]
    assert told["worst"][0]["similarity"] == quantiles["pairs"]["0"] <= told["worst"][1]["similarity"]


def test_no_word_of_a_caption_gets_into_what_a_model_reads(model: Path, tmp_path: Path):
    def inputs(rows: list[TextPairRow]) -> list[list]:
        names = [each.name for each in fields(TextPairRow) if each.name.startswith("input_")]
        assert len(names) == 3
        return [[getattr(row, name) for name in names] for row in rows]

    before = matched(tmp_path, model)
    others = [
        replace(each, text=text, keywords=("new",), labels=()) for each, text in zip(HEARD, words(3), strict=False)
    ]
    after = matched(tmp_path, model, heard=others)
    assert [row.caption for row in before] != [row.caption for row in after]
    assert inputs(before) == inputs(after) == [[each.about, each.text, each.emotion] for each in SAID]


def test_floor_and_caps(model: Path, tmp_path: Path):
    every = matched(tmp_path, model)
    floor = float(np.median([row.similarity for row in every]))
    kept = matched(tmp_path, model, replace(WHOLE, floor=floor))
    assert kept == [
        replace(row, id=f"{place:06d}") for place, row in enumerate(r for r in every if r.similarity >= floor)
    ]
    rule = replace(WHOLE, candidates=31, per_artwork=2, per_clip=1, per_emotion=4)
    rows = matched(tmp_path, model, rule)
    for name, most in (("input_artwork", 2), ("target_clip", 1), ("input_emotion", 4)):
        assert max(Counter(getattr(row, name) for row in rows).values()) == most
    assert len(rows) == 12
    with pytest.raises(DatasetError, match=r"no pair among 23 utterances and 31 captions.*Lower --floor"):
        match(tmp_path, SAID, HEARD, model, replace(WHOLE, floor=1.0), spread=ALONE)
    assert list(TEXT_PAIRS.read(tmp_path / TEXT_PAIRS.file)) == rows


def test_one_to_one_uses_no_caption_twice(model: Path, tmp_path: Path):
    rows = matched(tmp_path, model, replace(WHOLE, mode="one-to-one"))
    assert len({row.caption for row in rows}) == len(rows) == 23


def test_equal_texts_are_embedded_once_and_the_first_caption_is_taken(model: Path, tmp_path: Path):
    text = HEARD[7].text
    said = [Text("a/1", "a", text), Text("a/2", "a", text), *SAID]
    heard = [*HEARD, Text("again", "again", text)]
    rows = matched(tmp_path, model, said=said, heard=heard)
    assert [row.caption for row in rows[:2]] == [HEARD[7].id] * 2
    assert json.loads((tmp_path / MATCHING).read_text(encoding="utf-8"))["utterances"] == {
        "rows": 25,
        "distinct": 24,
        "vectors": 24,
    }


def test_a_text_that_the_model_would_cut_is_left_out_and_counted(model: Path, tmp_path: Path):
    said = [*SAID, Text("long/1", "long", "far too many words for it")]
    told = match(tmp_path, said, HEARD, model, WHOLE, spread=ALONE)
    assert told["utterances"] == {"rows": 24, "distinct": 24, "vectors": 23, "long": 1}
    with pytest.raises(DatasetError, match=r"none of 1 utterances can be embedded \(long\)"):
        match(tmp_path, said[-1:], HEARD, model, WHOLE, spread=ALONE)


def test_nothing_straddles_the_splits(model: Path, tmp_path: Path):
    said = [*SAID, Text("other/1", "other", SAID[0].text.upper() + "!")]
    rule = replace(WHOLE, validation=0.25, test=0.25, seed=3)
    rows = matched(tmp_path, model, rule, said=said, duplicates=[["Style/1", "nowhere", "Style/4"]])
    splits = {row.input_artwork: row.split for row in rows}
    assert set(splits.values()) == {"train", "validation", "test"}
    assert len({(row.input_artwork, row.split) for row in rows}) == len(splits) == 9
    assert splits["Style/1"] == splits["Style/4"]
    assert splits["Style/0"] == splits["other"]
    videos = {(row.target_clip.partition("_")[0], row.split) for row in rows}
    assert len({video for video, _ in videos}) == len(videos)
    united = json.loads((tmp_path / MATCHING).read_text(encoding="utf-8"))["united"]["utterances"]
    assert united == {
        "about works listed as duplicates": [["Style/1/0", "Style/4/0"]],
        "the same words": [["Style/0/0", "other/1"]],
    }


class Stopped(Exception):  # noqa: N818  no error
    pass


def test_an_interrupted_run_resumes_and_ends_with_the_same_bytes(model: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("art2mus_core.datasets.shards.SIZE", 5)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    matched(whole, model)

    def stop(step):
        if step.stage == "embed captions" and step.done >= 10:
            raise Stopped

    with pytest.raises(Stopped):
        matched(broken, model, on_step=stop)
    kept = {path: path.stat().st_mtime_ns for path in broken.rglob("*.parquet")}
    assert 5 < len(kept) < 12
    matched(broken, model)
    assert all(path.stat().st_mtime_ns == time for path, time in kept.items())
    files = {path.relative_to(whole) for path in whole.rglob("*") if path.is_file()}
    assert files == {path.relative_to(broken) for path in broken.rglob("*") if path.is_file()}
    assert all((whole / path).read_bytes() == (broken / path).read_bytes() for path in files)


def test_another_model_embeds_again(model: Path, tmp_path: Path):
    texts = [each.text for each in SAID]
    other = Path(shutil.copytree(model, tmp_path / "other"))
    first = embed_texts(tmp_path, "utterances", texts, other, ALONE).vectors
    write_sentence_model(other, seed=1)
    second = embed_texts(tmp_path, "utterances", texts, other, ALONE).vectors
    assert first.keys() == second.keys() == set(texts)
    assert not any(np.allclose(first[text], second[text], atol=1e-3) for text in texts)


def test_a_folder_without_a_model_is_refused_at_once(tmp_path: Path):
    with pytest.raises(CheckpointError, match="is no sentence encoder; expected a folder"):
        match(tmp_path / "data", SAID, HEARD, tmp_path, WHOLE, spread=ALONE)
    assert not (tmp_path / "data").exists()
    with pytest.raises(SettingError, match="mode 'best'"):
        match(tmp_path / "data", SAID, HEARD, tmp_path, replace(WHOLE, mode="best"), spread=ALONE)


HEADER = "art_style,painting,emotion,utterance,repetition\n"


def test_texts_come_from_a_folder_or_a_table_of_any_name(tmp_path: Path):
    table = tmp_path / "mine.csv"
    table.write_text(HEADER + "Cubism,a_b,awe,so blue,1\n", encoding="utf-8")
    expected = [Text("Cubism/a_b/1", "Cubism/a_b", "so blue", "awe")]
    assert read_texts(table, "artemis") == expected
    shutil.copy(table, tmp_path / "artemis.csv")
    assert read_texts(tmp_path, "artemis") == expected
    with pytest.raises(SettingError, match="a source 'genius' of texts"):
        read_texts(table, "genius")
    with pytest.raises(DatasetError, match="without the columns"):
        read_texts(table, "musiccaps")
    table.write_text(HEADER, encoding="utf-8")
    with pytest.raises(DatasetError, match="no texts in"):
        read_texts(table, "artemis")


PAIR = TextPairRow(
    *("0", "u", "Cubism/a_b", 'so "blue",\nso', "awe", "c", "-v_1_11", "A, B", ("slow", "it's, low"), ("/m/1", "/t/2")),
    *("train", 0.25),
)


def test_the_published_form_is_read_back(tmp_path: Path):
    bare = replace(PAIR, input_text="hm", input_emotion=None, target_keywords=(), target_labels=())
    rows = [PAIR, replace(PAIR, id="1", input_emotion="fear"), bare, replace(PAIR, target_clip="w")]
    write_published(tmp_path / "articaps.csv", rows)
    first, second, third = read_articaps(tmp_path)
    assert (first.artwork, first.music, third.music) == ("Cubism/a_b.jpg", "-v_1_11.npy", "w.npy")
    assert (first.artwork_text.text, first.artwork_text.emotion) == (PAIR.input_text, "awe")
    assert (first.music_text.keywords, first.music_text.labels) == (PAIR.target_keywords, PAIR.target_labels)
    assert (second.artwork_text.text, second.artwork_text.emotion, second.music_text.labels) == ("hm", None, ())
