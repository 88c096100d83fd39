"""Artworks that are called as people, cameras and other systems call them."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from art2mus_core.audio.reading import read_tags

from .saying import one_line, written

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="other file systems refuse such names")
NAMES = {
    "latin-1": "caf\udce9",
    "251 bytes": "d" * 251,
    "251 bytes of many-byte letters": "漢" * 83 + "dd",
    "line break": "two\nlines",
    "escape": "red\x1b[31m",
    "dash": "-dash",
    "hidden": ".hidden",
    "colon": "Impression: soleil levant",
    "dots and spaces": "dawn. .",
    "take": "dawn--2",
    "quotes": '"it\'s"',
    "emoji": "🎨" * 60,
}


@LINUX
def test_any_name_becomes_music_with_tags(art2mus, paintings):
    pictures = [paintings / f"{name}.png" for name in NAMES.values()]
    for picture in pictures:
        shutil.copy(paintings / "dawn.png", picture)
    code, said, err = art2mus("compose", *pictures, "--seconds", "1", "--steps", "1", "--json")
    assert (code, err) == (0, "")
    pieces = json.loads(said)["pieces"]
    assert json.dumps(pieces, ensure_ascii=False).encode("utf-8")
    assert len(written()) == len(pieces) == len(NAMES)
    titles = [read_tags(Path(file))["title"] for file in written()]
    assert {name for name in NAMES.values() if name.isprintable()} <= set(titles)
    assert all(title.encode("utf-8") for title in titles)
    noted = [name for name, piece in zip(NAMES, pieces, strict=True) if piece["notes"]]
    assert noted == ["251 bytes", "251 bytes of many-byte letters", "hidden"]


@LINUX
def test_a_name_that_is_no_text_in_a_file_of_any_kind(art2mus, paintings):
    for suffix in (".wav", ".mp3", ".opus"):
        picture = shutil.copy(paintings / "dawn.png", paintings / "caf\udce9.png")
        assert art2mus("compose", picture, "-o", f"caf\udce9{suffix}", "--seconds", "1", "--steps", "1")[0] == 0
        assert read_tags(Path(f"caf\udce9{suffix}"))["title"] == "caf\\xe9"


@LINUX
def test_names_are_said_in_one_line_each_whatever_the_terminal_writes(art2mus, paintings, capsys):
    for name in NAMES.values():
        shutil.copy(paintings / "dawn.png", paintings / f"{name}.png")
    code, out, err = art2mus("compose", paintings, "-o", "out", "--seconds", "1", "--steps", "1")
    assert (code, err) == (0, "")
    assert len(out.splitlines()) - 2 == len(written()) == len(NAMES) + 2  # two notes; hidden files are left alone
    assert "caf\\xe9.flac" in out
    assert "two\\nlines.flac" in out
    assert "\x1b" not in out
    assert "its own name is too long" in out


@LINUX
def test_a_bad_picture_of_any_name_is_one_line(art2mus, paintings):
    for name in NAMES.values():
        (paintings / f"{name}.png").write_bytes(b"no picture")
    code, out, err = art2mus("compose", paintings, "-o", "out", "--seconds", "1", "--steps", "1")
    assert code == 2
    assert one_line(err)
    assert "caf\\xe9.png" in err
    assert "\x1b" not in err
    assert len(out.splitlines()) == 3


@LINUX
def test_candidates_of_an_artwork_that_is_called_like_a_take(art2mus, paintings):
    shutil.copy(paintings / "dusk.png", paintings / "dawn--2.png")
    artworks = (paintings / "dawn.png", paintings / "dawn--2.png")
    arguments = ("--seconds", "1", "--steps", "1", "--candidates", "2", "--keep-all")
    assert art2mus("compose", *artworks, *arguments)[0] == 0
    assert written() == ["dawn--2--2.flac", "dawn--2.flac", "dawn--3.flac", "dawn.flac"]
    assert [read_tags(Path(name))["artwork"] for name in written()] == ["dawn--2", "dawn--2", "dawn", "dawn"]


def test_a_file_for_the_music_that_no_disk_takes_is_one_line(art2mus, paintings):
    for out in ("x" * 251 + ".flac", "y/" * 3000 + "a.flac", "漢" * 90 + ".flac"):
        code, said, err = art2mus("compose", paintings / "dawn.png", "-o", out, "--seconds", "1")
        assert (code, said) == (2, "")
        assert one_line(err)
        assert written() == []
