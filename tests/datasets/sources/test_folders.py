from __future__ import annotations

import os
from pathlib import Path

import pytest

from art2mus_core.datasets.sources.folders import read_music, read_pictures
from art2mus_core.errors import DatasetError


def filled(folder: Path, *paths: str) -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"")
    return folder


def test_pictures_are_found_in_all_folders(tmp_path: Path):
    folder = filled(tmp_path, "b.jpg", "a.PNG", "deep/er/c.tif", "notes.txt", ".hidden/d.jpg", "deep/song.mp3")
    items = list(read_pictures(folder))
    assert [(item.id, item.path, item.title, item.creator) for item in items] == [
        ("a", "a.PNG", "a", None),
        ("b", "b.jpg", "b", None),
        ("deep/er/c", "deep/er/c.tif", "c", None),
    ]


def test_the_first_folder_names_the_musician(tmp_path: Path):
    folder = filled(
        tmp_path, "x.flac", "Ada/first/1.mp3", "Ada/2.Ogg", "Bo/3.wav", "Bo/cover.jpg", "Bo/.4.wav", "Bo/5.mid"
    )
    items = list(read_music(folder))
    assert [(item.id, item.creator) for item in items] == [
        ("x", None),
        ("Ada/2", "Ada"),
        ("Ada/first/1", "Ada"),
        ("Bo/3", "Bo"),
    ]
    assert {item.split for item in items} == {None}


def test_ids_are_unique(tmp_path: Path):
    folder = filled(tmp_path, "a.jpg", "a.png", "a.jpg.png", "b.jpg", "c/a.jpg")
    ids = {item.path: item.id for item in read_pictures(folder)}
    assert ids == {"a.jpg": "a.jpg", "a.png": "a.png", "a.jpg.png": "a.jpg.png", "b.jpg": "b", "c/a.jpg": "c/a"}


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege")
@pytest.mark.parametrize(("read", "suffix"), [(read_pictures, "jpg"), (read_music, "mp3")])
def test_links_are_followed_once_also_out_of_the_folder(tmp_path: Path, read, suffix: str):
    folder = filled(tmp_path / "in", f"one/a.{suffix}")
    filled(tmp_path / "out", f"b.{suffix}")
    (folder / "one" / "loop").symlink_to(folder)
    (folder / "self").symlink_to(folder / "self")
    (folder / f"gone.{suffix}").symlink_to(folder / "nowhere")
    (folder / "linked").symlink_to(tmp_path / "out")
    (folder / f"z.{suffix}").symlink_to(tmp_path / "out" / f"b.{suffix}")
    assert sorted(item.path for item in read(folder)) == [f"linked/b.{suffix}", f"one/a.{suffix}", f"z.{suffix}"]


@pytest.mark.parametrize("read", [read_pictures, read_music])
def test_no_folder_is_refused(tmp_path: Path, read):
    assert list(read(tmp_path)) == []
    for place in (tmp_path / "nowhere", filled(tmp_path, "file.jpg") / "file.jpg"):
        with pytest.raises(DatasetError, match="is no folder; expected a folder with files"):
            list(read(place))
