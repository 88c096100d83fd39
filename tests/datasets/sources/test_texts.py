"""ArtEmis, MusicCaps with AudioSet's ontology, and the two lists of pairs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from art2mus_core.datasets.items import Match, Text
from art2mus_core.datasets.sources.art2mus2024 import read_art2mus2024
from art2mus_core.datasets.sources.artemis import EMOTIONS, read_artemis, read_duplicates
from art2mus_core.datasets.sources.articaps import read_articaps
from art2mus_core.datasets.sources.musiccaps import Label, below, read_musiccaps, read_ontology
from art2mus_core.datasets.sources.tables import TABLES
from art2mus_core.errors import DatasetError

SAID = "art_style,painting,emotion,utterance,repetition\n"
HEARD = ",".join(TABLES["MusicCaps"]) + "\n"
CLIP = '-a_b,30,40,"/m/1,/t/2","[\'calm\', \'piano\', \'calm \']","A calm\npiano, ""slow"".",4,False,True\n'
PAIRED = ",".join(TABLES["Art2Music's pairs"]) + "\n"


def table(folder: Path, name: str, content: str) -> Path:
    (folder / name).write_text(content, encoding="utf-8", newline="")
    return folder


def test_utterances_name_the_painting_and_are_counted_on_it(tmp_path: Path):
    rows = 'Cubism,ada_x,awe,"so, blue",1\nPop_Art,m.c.-bo_y,something else,hm,2\nCubism,ada_x.jpg,fear,dark,1\n'
    folder = table(tmp_path, "artemis_dataset_release_v0.csv", SAID + rows)
    assert list(read_artemis(folder)) == [
        Text(id="Cubism/ada_x/1", about="Cubism/ada_x", text="so, blue", emotion="awe"),
        Text(id="Pop_Art/m.c.-bo_y/1", about="Pop_Art/m.c.-bo_y", text="hm", emotion="something else"),
        Text(id="Cubism/ada_x/2", about="Cubism/ada_x", text="dark", emotion="fear"),
    ]
    assert len(EMOTIONS) == 9


def test_a_preprocessed_table_has_splits(tmp_path: Path):
    folder = table(tmp_path, "own.csv", SAID.replace("\n", ",split\n") + "Cubism,ada_x,awe,blue,1,val\n")
    assert next(read_artemis(folder, folder / "own.csv")).split == "validation"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (
            "Cubism,ada_x,joy,blue,1\n",
            r"row 2 of .* has the emotion 'joy'; expected one of amusement, .*, something else",
        ),
        ("Cubism,ada_x,awe, ,1\n", r"row 2 of .* has no utterance"),
        ("Cubism,../x,awe,blue,1\n", r"row 2 of .* points to 'Cubism/../x'"),
        ("..,x,awe,blue,1\n", r"points to '../x'"),
        ("Cubism,,awe,blue,1\n", r"row 2 of .* has style 'Cubism' and painting ''"),
        ("Cubism/x,y,awe,blue,1\n", r"has style 'Cubism/x'"),
    ],
)
def test_utterances_that_do_not_hold_are_refused(tmp_path: Path, row: str, told: str):
    with pytest.raises(DatasetError, match=told):
        list(read_artemis(table(tmp_path, "artemis.csv", SAID + row)))


def test_duplicates_are_groups_of_ids(tmp_path: Path):
    path = tmp_path / "dups.json"
    path.write_text(json.dumps([[["Cubism", "a_b"], ["Pop_Art", "a_b"]], [["X", "c"], ["X", "d"], ["Y", "c"]]]))
    assert read_duplicates(path) == [("Cubism/a_b", "Pop_Art/a_b"), ("X/c", "X/d", "Y/c")]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[[",
        "{}",
        "[1]",
        '[[["a", "b"]]]',
        '[[["a", "b"], ["a"]]]',
        '[[["a", "b"], ["a", 1]]]',
        '[[["..", "b"], ["a", "c"]]]',
    ],
)
def test_other_lists_of_duplicates_are_refused(tmp_path: Path, content: str):
    path = tmp_path / "dups.json"
    path.write_text(content)
    with pytest.raises(DatasetError):
        read_duplicates(path)


def test_captions_keep_their_line_breaks_and_aspects_come_once(tmp_path: Path):
    folder = table(
        tmp_path, "musiccaps-public.csv", HEARD + CLIP + CLIP.replace("30,40", "40,50").replace("True", "False")
    )
    first, second = read_musiccaps(folder)
    assert first == Text(
        id="-a_b_30_40",
        about="-a_b_30_40",
        text='A calm\npiano, "slow".',
        keywords=("calm", "piano"),
        labels=("/m/1", "/t/2"),
        split="test",
        part_of="-a_b",
    )
    assert (second.id, second.split) == ("-a_b_40_50", "train")
    (tmp_path / "ontology.json").write_text(json.dumps([{"id": "/m/1", "name": "Piano", "child_ids": []}]))
    assert next(read_musiccaps(folder)).labels == ("Piano", "/t/2")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (CLIP + CLIP, r"clip '-a_b_30_40' twice in .*: row 2 and row 3"),
        (CLIP.replace("'calm',", "'calm,"), r"row 2 of .*; expected a list in brackets"),
        (CLIP.replace("True", "yes"), r"row 2 of .* has 'yes'; expected True or False"),
        (CLIP.replace("30", "x"), r"row 2 of .* has 'x'; expected a whole number"),
        (CLIP.replace("-a_b", ""), r"row 2 of .* without a video or a caption"),
        (CLIP[:-30], r"row 2 of .* with|cannot be read after row 1"),
    ],
)
def test_captions_that_do_not_hold_are_refused(tmp_path: Path, rows: str, told: str):
    with pytest.raises(DatasetError, match=told):
        list(read_musiccaps(table(tmp_path, "musiccaps.csv", HEARD + rows)))


NODES = [
    {"id": "m", "name": "Music", "child_ids": ["p", "g"]},
    {"id": "p", "name": "Piano", "child_ids": ["e"]},
    {"id": "g", "name": "Keys", "child_ids": ["e"]},
    {"id": "e", "name": "Electric piano", "child_ids": ["p"]},
    {"id": "x", "name": "Rain", "child_ids": []},
]


def test_a_class_may_be_below_several(tmp_path: Path):
    path = tmp_path / "ontology.json"
    path.write_text(json.dumps(NODES))
    labels = read_ontology(path)
    assert labels["e"] == Label("Electric piano", ("p", "g"), ("p",))
    assert below(labels, "Music") == {"p", "g", "e"}
    assert below(labels, "Rain") == below(labels, "Noise") == set()


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        (NODES[:3], "without the class e, which is below another"),
        ([*NODES, NODES[0]], "class 'm' twice in .*: number 1 and number 6"),
        ({}, "no class as number 1"),
        ([*NODES, {"id": "y"}], "no class as number 6"),
        ([{"id": 3, "name": "x", "child_ids": []}], "no class as number 1"),
    ],
)
def test_another_ontology_is_refused(tmp_path: Path, nodes, told: str):
    path = tmp_path / "ontology.json"
    path.write_text(json.dumps(nodes))
    with pytest.raises(DatasetError, match=told):
        read_ontology(path)


def test_pairs_by_columns_are_read_with_fmas_own_paths(tmp_path: Path):
    content = {
        "Image": {"0": "ada_x.jpg", "3": "bo_y.jpg"},
        "Audio": {"0": "some-copy/fma_large/010/010425.mp3", "3": "plain/1.mp3"},
    }
    folder = table(tmp_path, "image_audio_subset_df.json", json.dumps(content))
    assert list(read_art2mus2024(folder)) == [
        Match("ada_x.jpg", "fma_large/010/010425.mp3"),
        Match("bo_y.jpg", "plain/1.mp3"),
    ]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"Image": {"0": "a.jpg"', "cannot be read"),
        ("", "cannot be read"),
        ("[]", r"with list; expected the pairs of Art2Mus, \{"),
        ("{}", "with nothing; expected"),
        ('{"image": {}, "Audio": {}}', "with image, Audio; expected"),
        ('{"Image": ["a.jpg"], "Audio": ["b.mp3"]}', "with Image, Audio; expected"),
        ('{"Image": {"0": "a"}, "Audio": {"0": "b", "1": "c"}}', "has row 1 in one column only"),
        ('{"Image": {"0": null}, "Audio": {"0": "b"}}', "row 0 of .* has None and 'b'"),
        ('{"Image": {"0": "../a"}, "Audio": {"0": "b"}}', "row 0 of .* points to '../a'"),
        ('{"Image": {"0": "a"}, "Audio": {"0": "/b"}}', "row 0 of .* points to '/b'"),
        (
            '{"Image": {"0": "a", "1": "a"}, "Audio": {"0": "b", "1": "b"}}',
            "pair 'a and b' twice in .*: row 0 and row 1",
        ),
    ],
)
def test_pairs_that_do_not_hold_are_refused(tmp_path: Path, content: str, told: str):
    with pytest.raises(DatasetError, match=told):
        list(read_art2mus2024(table(tmp_path, "art2mus_pairs.json", content)))


def test_what_is_said_of_the_painting_stays_apart_from_the_clip(tmp_path: Path):
    rows = "so blue,awe,Piano,\"slow, calm, slow\",art/a.jpg,mel/1.npy\nhm,fear,\"['Rain', 'Wind']\",'[',b.jpg,2.npy\n"
    folder = table(tmp_path, "articaps.csv", PAIRED + rows)
    first, second = read_articaps(folder)
    assert first == Match(
        artwork="art/a.jpg",
        music="mel/1.npy",
        artwork_text=Text(id="utterance/2", about="art/a.jpg", text="so blue", emotion="awe"),
        music_text=Text(
            id="caption/2", about="mel/1.npy", text="slow, calm", keywords=("slow", "calm"), labels=("Piano",)
        ),
    )
    assert second.music_text.labels == ("Rain", "Wind")
    assert "Piano" not in first.artwork_text.text


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("a,awe,P,k,a.jpg,1.npy\n" * 2, r"twice in .*: row 2 and row 3"),
        ("a,awe,P,k,../a.jpg,1.npy\n", r"row 2 of .* points to '../a.jpg'"),
        ("a,awe,P,k,a.jpg,C:\\1.npy\n", r"row 2 of .* points to 'C:"),
        ("a,awe,P,\"['k'\",a.jpg,1.npy\n", r"expected a list in brackets"),
        ("a,awe,P,k,a.jpg\n", r"row 2 of .* with 5 cells"),
    ],
)
def test_art2musics_pairs_that_do_not_hold_are_refused(tmp_path: Path, rows: str, told: str):
    with pytest.raises(DatasetError, match=told):
        list(read_articaps(table(tmp_path, "articaps.csv", PAIRED + rows)))
