"""What lies in a folder, and what is said of what does not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from art2mus_core.errors import ArtworkError, EvaluationError
from art2mus_core.evaluation.collection import read_collection
from art2mus_core.evaluation.records import Subject


def lay(folder: Path, *names: str) -> Path:
    """Empty files: a collection is a listing, nothing is opened."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in {".png", ".jpg"}:
            Image.new("RGB", (3, 2)).save(path)
        else:
            path.touch()
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return lay(
        tmp_path / "study",
        *("artworks/dawn.png", "artworks/dusk.jpg", "ours/dawn.flac", "ours/dawn--2.flac", "ours/dusk.wav"),
        *("theirs/dawn.mp3", "theirs/dusk.flac", "reference/dawn.flac", "reference/dusk.flac", "background/any.flac"),
    )


def test_everything_is_found_by_id(folder: Path) -> None:
    found = read_collection(folder)
    assert list(found.artworks) == ["dawn", "dusk"]
    assert list(found.systems) == ["ours", "theirs"]
    assert [piece.name for piece in found.systems["ours"]] == ["dawn", "dawn--2", "dusk"]
    assert [piece.id for piece in found.systems["ours"]] == ["dawn", "dawn", "dusk"]
    assert found.reference["dusk"] == folder / "reference" / "dusk.flac"
    assert found.background == (folder / "background" / "any.flac",)
    assert found.groups == {"artworks": 2}
    assert not found.notes


def test_hidden_files_and_folders_are_no_music(folder: Path) -> None:
    lay(folder, ".features/dawn.flac", "ours/.dawn.flac", "notes/read.txt")
    assert list(read_collection(folder).systems) == ["ours", "theirs"]


def test_a_folder_of_sounds_is_one_system(tmp_path: Path) -> None:
    found = read_collection(lay(tmp_path / "mine", "dawn.flac", "dusk.flac"))
    assert list(found.systems) == ["mine"]
    assert not found.artworks
    assert list(found.subjects) == ["dawn", "dusk"]


def test_pictures_may_lie_beside_the_music_of_one_system(tmp_path: Path) -> None:
    found = read_collection(lay(tmp_path / "mine", "dawn.flac", "dawn.png"))
    assert list(found.artworks) == ["dawn"]


def test_pictures_and_music_may_lie_elsewhere(tmp_path: Path) -> None:
    music = lay(tmp_path / "music", "ours/dawn.flac")
    pictures, real = lay(tmp_path / "pictures", "dawn.jpg"), lay(tmp_path / "real", "dawn.ogg")
    found = read_collection(music, artworks=pictures, reference=real, background=real)
    assert found.artworks["dawn"] == pictures / "dawn.jpg"
    assert found.reference["dawn"] == found.background[0] == real / "dawn.ogg"


def test_an_id_may_hold_what_marks_a_take(tmp_path: Path) -> None:
    found = read_collection(lay(tmp_path / "x", "artworks/a--b.png", "ours/a--b.flac", "ours/a--b--2.flac"))
    assert [(piece.id, piece.take) for piece in found.systems["ours"]] == [("a--b", ""), ("a--b", "2")]


def test_items_tell_words_and_groups(folder: Path) -> None:
    (folder / "items.json").write_text(json.dumps({"dawn": {"caption": "a red sky", "group": "paintings"}}))
    found = read_collection(folder)
    assert replace(found.subjects["dawn"], path=None, music=None) == Subject("dawn", None, "paintings", "a red sky")
    assert found.groups == {"artworks": 1, "paintings": 1}


def test_a_system_may_lack_a_whole_group(folder: Path) -> None:
    lay(folder, "artworks/old.png", "ours/old.flac", "theirs/old.flac", "rebuilt/dawn.flac", "rebuilt/dusk.flac")
    (folder / "items.json").write_text(json.dumps({"old": {"group": "paintings"}}))
    found = read_collection(folder)
    assert len(found.systems["rebuilt"]) == 2
    assert "old" not in found.reference


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["ours/noon.flac"], r"ours has music without an artwork: noon \(1 in all\)"),
        (["artworks/noon.png"], r"ours has no music for: noon \(1 in all\)"),
        (["artworks/noon.png", "ours/noon.flac", "theirs/noon.flac"], "reference has no music"),
        (["ours/dawn.wav"], "two files for the id dawn: dawn.flac and dawn.wav"),
        (["artworks/dawn.jpg"], "two files for the id dawn"),
        (["lying.flac"], "contains both sound files and folders"),
    ],
)
def test_what_has_no_partner_is_refused(folder: Path, more: list[str], said: str) -> None:
    with pytest.raises(EvaluationError, match=said):
        read_collection(lay(folder, *more))


def test_what_has_no_partner_can_be_left_out(folder: Path) -> None:
    lay(folder, "artworks/noon.png", "ours/noon.flac", "ours/stray.flac")
    found = read_collection(folder, partial=True)
    assert list(found.artworks) == ["dawn", "dusk"]
    assert {piece.id for piece in found.systems["ours"]} == {"dawn", "dusk"}
    assert len(found.notes) == 3
    assert "stray" in found.notes[0]


def test_many_names_are_not_all_listed(tmp_path: Path) -> None:
    folder = lay(tmp_path / "x", "artworks/a.png", "ours/a.flac", *(f"ours/b{i}.flac" for i in range(9)))
    with pytest.raises(EvaluationError, match=r"b0, b1, b2, b3, b4 \.\.\. \(9 in all\)"):
        read_collection(folder)


def test_nothing_in_common_is_refused_even_then(tmp_path: Path) -> None:
    folder = lay(tmp_path / "x", "artworks/a.png", "ours/b.flac")
    with pytest.raises(EvaluationError, match="no piece of ours has all its partners"):
        read_collection(folder, partial=True)


@pytest.mark.parametrize(("names", "said"), [([], "contains no music"), (["artworks/a.png"], "contains no music")])
def test_an_empty_folder(tmp_path: Path, names: list[str], said: str) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(EvaluationError, match=said):
        read_collection(lay(tmp_path / "x", *names))


def test_folders_that_are_none(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="is not a folder"):
        read_collection(tmp_path / "nowhere")
    with pytest.raises(ArtworkError, match="cannot be listed"):
        read_collection(folder, artworks=tmp_path / "nowhere")
    with pytest.raises(EvaluationError, match="cannot be listed"):
        read_collection(folder, background=tmp_path / "nowhere")


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{",
        '{"dawn": {"colour": "red"}}',
        '{"dawn": 3}',
        '{"dawn": {"caption": 3}}',
        '{"dawn": {"music_caption": ["sea"]}}',
        '{"dawn": {"group": null}}',
        '{"dawn": {"group": ""}}',
        "[" * 100_000,
    ],
)
def test_items_that_are_none(folder: Path, content: str) -> None:
    (folder / "items.json").write_text(content)
    with pytest.raises(EvaluationError, match=r"items\.json cannot be read"):
        read_collection(folder)
