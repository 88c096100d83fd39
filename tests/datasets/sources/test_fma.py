from __future__ import annotations

import json
from pathlib import Path

import pytest

from art2mus_core.datasets.items import Item
from art2mus_core.datasets.sources.fma import read_fma, track_path
from art2mus_core.datasets.sources.fma_lists import Genre, lineage, read_genres, read_missing
from art2mus_core.errors import DatasetError

HEAD = (
    ",album,artist,set,set,track,track,track,track,track,track\n"
    ",title,name,split,subset,bit_rate,duration,genre_top,genres,license,title\n"
    "track_id,,,,,,,,,,\n"
)
ROWS = {
    2: '2,Home,Ada,training,small,256000,168,Rock,"[12, 25]",CC BY 4.0,"Red, red"\n',
    7: "7,Home,Bo,validation,medium,1,999,,[31],,Blue\n",
    140: "140,Out,Ada,test,large,1,1,Rock,[],CC0,\n",
    10425: "10425,Out,,training,large,1,1,,[],,Green\n",
}
GENRES = "genre_id,#tracks,parent,title,top_level\n12,9,0,Rock,12\n25,4,12,Punk,12\n31,0,25,Loud,12\n"


def dataset(folder: Path, tracks: str = HEAD + "".join(ROWS.values()), *places: str) -> Path:
    (folder / "fma_metadata").mkdir(parents=True)
    (folder / "fma_metadata" / "tracks.csv").write_text(tracks, encoding="utf-8")
    for place in places:
        (folder / place).mkdir(parents=True)
    return folder


def test_tracks_come_with_genres_licence_and_attribution(tmp_path: Path):
    folder = dataset(tmp_path)
    (folder / "fma_metadata" / "genres.csv").write_text(GENRES)
    tracks = list(read_fma(folder))
    assert tracks[0] == Item(
        id="2",
        path="fma_large/000/000002.mp3",
        creator="Ada",
        title="Red, red",
        genres=("Rock", "Punk"),
        licence="CC BY 4.0",
        attribution="Red, red by Ada (Free Music Archive, track 2)",
        split="train",
        seconds=30.0,
        texts=(("title", "Red, red by Ada, Rock, Punk"),),
    )
    assert [(track.genres, track.split, track.licence) for track in tracks[1:3]] == [
        (("Rock", "Punk", "Loud"), "validation", None),
        (("Rock",), "test", "CC0"),
    ]
    assert (tracks[2].title, tracks[2].attribution) == (None, "untitled by Ada (Free Music Archive, track 140)")
    assert (tracks[3].path, tracks[3].creator) == ("fma_large/010/010425.mp3", None)


def test_a_subset_has_the_smaller_ones_too(tmp_path: Path):
    folder = dataset(tmp_path)
    ids = {subset: [track.id for track in read_fma(folder, subset)] for subset in ("small", "medium", "large")}
    assert ids == {"small": ["2"], "medium": ["2", "7"], "large": ["2", "7", "140", "10425"]}
    with pytest.raises(DatasetError, match="subset 'huge' of FMA; expected one of small, medium, large"):
        list(read_fma(folder, "huge"))


@pytest.mark.parametrize(
    ("places", "subset", "path", "seconds"),
    [
        ((), "small", "fma_small/000/000002.mp3", 30.0),
        (("fma_large", "fma_full"), "small", "fma_large/000/000002.mp3", 30.0),
        (("fma_small", "fma_medium"), "medium", "fma_medium/000/000002.mp3", 30.0),
        (("fma_small", "fma_full"), "large", "fma_full/000/000002.mp3", None),
    ],
)
def test_the_folder_that_exists_is_used(tmp_path: Path, places, subset: str, path: str, seconds: float | None):
    first = next(read_fma(dataset(tmp_path, HEAD + ROWS[2], *places), subset))
    assert (first.path, first.seconds) == (path, seconds)


def test_the_folder_of_the_sound_itself_is_read(tmp_path: Path):
    folder = dataset(tmp_path, HEAD + ROWS[2], "fma_small/000", "fma_full/000")
    first = next(read_fma(folder / "fma_small"))
    assert (first.path, first.seconds) == ("000/000002.mp3", 30.0)
    assert next(read_fma(folder / "fma_full")).seconds is None


def test_what_was_not_found_has_a_problem(tmp_path: Path):
    folder = dataset(tmp_path)
    lists = {"tracks": [1], "albums": [], "artists": [], "audio": [2], "clips": [7]}
    (folder / "fma_metadata" / "fma_not_found.json").write_text(json.dumps(lists))
    assert [track.problem for track in read_fma(folder)] == ["no audio", "no clip", None, None]
    (folder / "fma_full").mkdir()
    assert [track.problem for track in read_fma(folder)] == ["no audio", None, None, None]


def test_paths_have_six_digits():
    assert [track_path(track) for track in (2, 10425, 155066)] == ["000/000002.mp3", "010/010425.mp3", "155/155066.mp3"]


@pytest.mark.parametrize(
    ("tracks", "told"),
    [
        (HEAD + ROWS[2] + ROWS[2], r"track '2' twice in .*tracks.csv: row 4 and row 5"),
        (HEAD + ROWS[2].replace("[12, 25]", "[12, 25"), r"row 4 of .* has '\[12, 25'; expected a list in brackets"),
        (HEAD + ROWS[2].replace("[12, 25]", "['a', 1]"), r"row 4 of .* has genres"),
        (HEAD + ROWS[2].replace("small", "huge"), r"row 4 of .* is in subset 'huge'"),
        (HEAD + ROWS[2].replace("training", "rest"), r"row 4 of .* is in split 'rest'"),
        (HEAD + ROWS[2].replace("2,Home", "two,Home", 1), r"row 4 of .* has 'two'; expected a whole number"),
        (HEAD + "7,Home,Bo\n", r"row 4 of .* with 3 cells; expected 11"),
        (HEAD.replace("license", "licence"), r"without the column track.license; it resembles no known table"),
        (GENRES, r"without the columns track_id, artist.name.*it seems to be the table of FMA's genres"),
        ("", r"without the columns.*it is empty"),
        (HEAD + '2,"Home', r"cannot be read after row 3"),
    ],
)
def test_tracks_that_do_not_hold_are_refused(tmp_path: Path, tracks: str, told: str):
    with pytest.raises(DatasetError, match=told):
        list(read_fma(dataset(tmp_path, tracks)))


RAW = "genre_id,genre_color,genre_handle,genre_parent_id,genre_title\n1,#000,Rock,,Rock\n763,#000,holiday,763,Holiday\n5,#0,x,763,Snow\n"


def test_genres_are_a_tree_and_climbing_ends(tmp_path: Path):
    (tmp_path / "genres.csv").write_text(GENRES)
    (tmp_path / "raw_genres.csv").write_text(RAW)
    genres = read_genres(tmp_path / "genres.csv")
    assert genres == {12: Genre("Rock", None), 25: Genre("Punk", 12), 31: Genre("Loud", 25)}
    assert lineage(genres, 31) == ("Rock", "Punk", "Loud")
    raw = read_genres(tmp_path / "raw_genres.csv")
    assert [lineage(raw, genre) for genre in (1, 5, 763, 9)] == [("Rock",), ("Holiday", "Snow"), ("Holiday",), ()]
    circle = {1: Genre("a", 2), 2: Genre("b", 1)}
    assert lineage(circle, 1) == ("b", "a")


@pytest.mark.parametrize(
    ("genres", "told"),
    [
        (GENRES + "12,1,0,Rock,12\n", r"genre '12' twice in .*: row 2 and row 5"),
        (GENRES.replace("4,12", "4,top"), r"row 3 of .* has 'top'"),
        ("ytid,start_s\n", r"the table of FMA's genres"),
    ],
)
def test_genres_that_do_not_hold_are_refused(tmp_path: Path, genres: str, told: str):
    (tmp_path / "genres.csv").write_text(genres)
    with pytest.raises(DatasetError, match=told):
        read_genres(tmp_path / "genres.csv")


@pytest.mark.parametrize(
    "content", ["[]", "{}", '{"audio": [1], "clips": ["2"]}', '{"audio": [1], "clips": 2}', '{"audio']
)
def test_another_list_of_what_is_missing_is_refused(tmp_path: Path, content: str):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(DatasetError, match="expected FMA's list of what is missing"):
        read_missing(tmp_path / "x.json")
