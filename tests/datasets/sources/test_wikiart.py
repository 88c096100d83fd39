from __future__ import annotations

from pathlib import Path

import pytest

from art2mus_core.datasets.items import Item
from art2mus_core.datasets.sources.wikiart import DAMAGED, LICENCE, read_wikiart
from art2mus_core.datasets.sources.wikiart_lists import find_list, read_classes, read_list
from art2mus_core.errors import DatasetError

STYLES = {
    "style_train.csv": "Cubism/ada-blue_the-house-1911.jpg,7\r\nPop_Art/bo_red.jpg,19\r\nCubism/zoã«_q.jpg,7\r\n",
    "style_val.csv": "Pop_Art/ada-blue_the-house-1911.jpg,19\r\nCubism/ada_not_detected_12.jpg,7\r\n",
    "genre_train.csv": "Cubism/ada-blue_the-house-1911.jpg,1\nCubism/late_x.jpg,0\n",
    "genre_val.csv": "Cubism/ada-blue_the-house-1911.jpg,0\n",
    "genre_class": "0 cityscape\n1 still_life\n",
    "artist_train": "(Path to image),, (Groundtruth class) \n\nCubism/ada-blue_the-house-1911.jpg,,22\n",
}
FILES = ("Cubism/ada-blue_the-house-1911.jpg", "Pop_Art/ada-blue_the-house-1911.jpg", "Pop_Art/bo_red.jpg")


def archive(folder: Path, lists: dict[str, str], *files: str) -> Path:
    for name, content in lists.items():
        (folder / name).write_text(content, encoding="utf-8", newline="")
    for file in files:
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_bytes(b"")
    return folder


def test_works_come_with_style_genres_and_split(tmp_path: Path):
    works = list(read_wikiart(archive(tmp_path, STYLES)))
    assert works[0] == Item(
        id="Cubism/ada-blue_the-house-1911",
        path="Cubism/ada-blue_the-house-1911.jpg",
        creator="ada blue",
        title="the house",
        genres=("Cubism", "still life", "cityscape"),
        licence=LICENCE,
        attribution="the house by ada blue (WikiArt)",
        split="train",
        year=1911,
    )
    assert [(work.id, work.split) for work in works[1:]] == [
        ("Pop_Art/bo_red", "train"),
        ("Cubism/zoã«_q", "train"),
        ("Pop_Art/ada-blue_the-house-1911", "validation"),
        ("Cubism/ada_not_detected_12", "validation"),
        ("Cubism/late_x", "train"),
    ]
    assert [work.creator for work in works[1:3]] == ["bo", "zoë"]
    assert (works[4].title, works[4].attribution) == (None, "untitled by ada (WikiArt)")
    assert works[1].genres == ("Pop Art",)


def test_without_lists_the_folders_are_read(tmp_path: Path):
    works = list(read_wikiart(archive(tmp_path, {}, *FILES, "Cubism/readme.txt", "Pop_Art/eve_x.png")))
    assert [work.id for work in works] == [
        "Cubism/ada-blue_the-house-1911",
        "Pop_Art/ada-blue_the-house-1911",
        "Pop_Art/bo_red",
        "Pop_Art/eve_x",
    ]
    assert {work.split for work in works} == {None}


def test_names_of_lists_and_files_are_matched_in_each_style(tmp_path: Path):
    lists = tmp_path / "lists"
    lists.mkdir()
    archive(lists, STYLES)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    archive(pictures, {}, *FILES, "Cubism/zoë_q.jpg", "Cubism/more.jpg", "Cubism/late_-x.jpg", "Cubism/late-x.jpg")
    works = {work.id: work for work in read_wikiart(pictures, lists)}
    assert works["Cubism/zoã«_q"].path == "Cubism/zoë_q.jpg"
    assert works["Cubism/zoã«_q"].problem is None
    assert works["Cubism/ada_not_detected_12"].problem == "no file of this name"
    assert works["Cubism/late_x"].problem == "its name fits late-x, late_-x"
    assert works["Cubism/late_x"].path == "Cubism/late_x.jpg"
    assert works["Cubism/more"].split is None
    assert len({work.path for work in works.values()}) == len(works) == 9


def test_files_that_are_damaged_in_the_archive_have_a_problem(tmp_path: Path):
    works = list(read_wikiart(archive(tmp_path, {}, *(f"{work}.jpg" for work in DAMAGED), "Baroque/x_y.jpg")))
    assert [work.problem for work in works] == [
        "damaged in the published archive",
        None,
        "damaged in the published archive",
    ]


def test_lists_are_read_with_and_without_suffixes(tmp_path: Path):
    folder = archive(tmp_path, STYLES)
    assert list(read_list(find_list(folder, "artist_train"))) == [(3, "Cubism/ada-blue_the-house-1911.jpg", 22)]
    assert read_classes(folder, "genre") == {0: "cityscape", 1: "still life"}
    archive(folder, {"style_class.txt": "3 Art_Nouveau\n", "style_train.txt": "Cubism/a,b_c.jpg,3\n"})
    assert read_classes(folder, "style") == {3: "Art Nouveau"}
    assert list(read_list(folder / "style_train.txt")) == [(1, "Cubism/a,b_c.jpg", 3)]
    assert find_list(folder, "artist_val") is None


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "style_val.csv",
            "Pop_Art/bo_red.jpg,19\n",
            r"'Pop_Art/bo_red' twice in .*: row 2 of style_train.csv and row 1 of",
        ),
        ("style_val.csv", "../x/y.jpg,1\n", r"row 1 of .*points to '../x/y.jpg'; expected a path inside the folder"),
        ("style_val.csv", "/Cubism/y.jpg,1\n", r"points to '/Cubism/y.jpg'"),
        ("style_val.csv", "y.jpg,1\n", r"row 1 of .* has 'y.jpg'; expected STYLE/name.jpg"),
        ("style_val.csv", "Cubism/y.jpg,one\n", r"row 1 of .* has 'one'; expected a whole number"),
        ("style_val.csv", "Cubism/y.jpg\n", r"row 1 of .*points to ''"),
        ("style_val.csv", 'Cubism/"y.jpg,1\n"Cubism', r"cannot be read"),
        ("genre_val.csv", "Cubism/y.jpg,9\n", r"row 1 of .* has genre 9; expected one of 0, 1"),
        ("genre_class", "0 cityscape\n0 sketch\n", r"row 2 of .*genre_class has 0 'sketch'; expected each number once"),
        ("genre_class", "cityscape\n", r"row 1 of .* has 'cityscape'"),
    ],
)
def test_lists_that_do_not_hold_are_refused(tmp_path: Path, name: str, content: str, told: str):
    folder = archive(tmp_path, {**STYLES, name: content})
    with pytest.raises(DatasetError, match=told):
        list(read_wikiart(folder))


def test_genres_without_names_and_files_of_one_name_are_refused(tmp_path: Path):
    folder = archive(tmp_path, {name: text for name, text in STYLES.items() if name != "genre_class"})
    with pytest.raises(DatasetError, match=r"has lists of genres without genre_class.txt"):
        list(read_wikiart(folder))
    (folder / "genre_class").write_text("0 a\n1 b\n")
    archive(folder, {}, "Cubism/a_b.jpg", "Cubism/a_b.png")
    with pytest.raises(DatasetError, match=r"'Cubism/a_b' twice in .*: Cubism/a_b.jpg and Cubism/a_b.png"):
        list(read_wikiart(folder))
