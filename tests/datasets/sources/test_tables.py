from __future__ import annotations

import csv
import gzip
import subprocess
import sys
from pathlib import Path

import pytest

from art2mus_core.datasets.sources import ARTWORK_SOURCES, MATCH_SOURCES, MUSIC_SOURCES, TEXT_SOURCES
from art2mus_core.datasets.sources.parsing import Unique, check_split, parse_integer, parse_list, read_json
from art2mus_core.datasets.sources.tables import TABLES, find_file, read_rows, read_table
from art2mus_core.errors import DatasetError

HEAD = "art_style,painting,emotion,utterance,repetition\n"
ROW = "Cubism,ada_blue,awe,so blue,3\n"


def written(folder: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    "content",
    [
        (HEAD + ROW).encode(),
        b"\xef\xbb\xbf" + (HEAD + ROW).encode(),
        (HEAD + ROW).replace("\n", "\r\n").encode(),
        (HEAD + "\n" + ROW).replace("art_style", " art_style ").encode(),
    ],
)
def test_tables_as_programs_write_them_are_read(tmp_path: Path, content: bytes):
    for path in (written(tmp_path, content), written(tmp_path, gzip.compress(content), "table.csv.gz")):
        ((number, row),) = read_table(path, "ArtEmis")
        assert number == 2 + (b"\n\n" in content)
        assert (row["art_style"], row["utterance"], row["repetition"]) == ("Cubism", "so blue", "3")


def test_rows_are_numbered_as_in_a_spreadsheet(tmp_path: Path):
    path = written(tmp_path, HEAD + 'Cubism,a,awe,"one\nline\r\nmore",1\n\n' + ROW)
    rows = list(read_table(path, "ArtEmis"))
    assert [number for number, _ in rows] == [2, 4]
    assert rows[0][1]["utterance"] == "one\nline\r\nmore"


def test_long_fields_are_read_and_the_limit_of_the_process_is_as_before(tmp_path: Path):
    path = written(tmp_path, HEAD + f"Cubism,a,awe,{'x' * 300_000},1\n" + ROW)
    before = csv.field_size_limit()
    rows = read_table(path, "ArtEmis")
    assert len(next(rows)[1]["utterance"]) == 300_000
    assert csv.field_size_limit() == before
    assert len(list(rows)) == 1


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_is_given_as_another_is_named(tmp_path: Path, name: str):
    path = written(tmp_path, ",".join(TABLES[name]) + "\n")
    other = next(each for each in TABLES if each != name)
    with pytest.raises(DatasetError, match=f"table.csv without the column.*it seems to be the table of {name};"):
        list(read_table(path, other))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", r"without the columns art_style, painting, emotion, utterance; it is empty; its columns are none"),
        (HEAD.replace("emotion", "feeling") + ROW, "without the column emotion; it resembles no known table; its col"),
        (HEAD.replace(",", ";") + ROW, "seems to be separated by something else than commas"),
        (HEAD.replace("repetition", "emotion") + ROW, "the column emotion twice"),
        (HEAD + ROW + "Cubism,ada\n", "row 3 of .* with 2 cells; expected 5"),
        (HEAD + ROW + 'Cubism,ada_blue,awe,"so', "cannot be read after row 2 .*Fetch the file again"),
        ((HEAD + ROW).encode("utf-16"), "cannot be read after row 0"),
        (HEAD.encode() + b"Cubism,\xff,awe,x,1\n", "cannot be read"),
    ],
)
def test_a_table_that_does_not_hold_is_refused_in_one_line(tmp_path: Path, content: str | bytes, told: str):
    with pytest.raises(DatasetError, match=told) as refused:
        list(read_table(written(tmp_path, content), "ArtEmis"))
    assert "\n" not in str(refused.value)


def test_a_gzipped_table_that_is_cut_or_none_is_refused(tmp_path: Path):
    whole = gzip.compress((HEAD + ROW * 999).encode())
    for content in (whole[:-20], b"no archive"):
        with pytest.raises(DatasetError, match="cannot be read after row"):
            list(read_rows(written(tmp_path, content, "table.csv.gz")))
    with pytest.raises(DatasetError, match="cannot be read after row 0"):
        list(read_rows(tmp_path / "nowhere.csv"))


def test_a_file_is_found_plain_or_packed(tmp_path: Path):
    assert find_file(tmp_path, "a.csv", "b.csv") is None
    packed = written(tmp_path, b"", "b.csv.gz")
    assert find_file(tmp_path, "a.csv", "b.csv") == packed
    plain = written(tmp_path, b"", "b.csv")
    assert find_file(tmp_path, "a.csv", "b.csv") == plain


def test_lists_are_literals_and_nothing_else(tmp_path: Path):
    assert parse_list(" ['calm', \"a 'q'\"] ", "row 2") == ["calm", "a 'q'"]
    for broken in ("['calm'", "calm", "{'a': 1}", "__import__('os').getcwd()", "", "[" * 10_000, "['a' for a in 'b']"):
        with pytest.raises(DatasetError, match=r"row 2 has .*; expected a list in brackets"):
            parse_list(broken, "row 2")


def test_numbers_and_splits_are_checked():
    assert parse_integer(" 012 ", "row 2") == 12
    for broken in ("", "-1", "1.5", "x", "²", "٣"):
        with pytest.raises(DatasetError, match=r"row 2 has .*; expected a whole number"):
            parse_integer(broken, "row 2")
    assert [check_split(name, "") for name in ("training", "Val", "test", "")] == ["train", "validation", "test", None]
    with pytest.raises(DatasetError, match="row 7 is in split 'rest'"):
        check_split("rest", "row 7")


def test_an_id_that_comes_twice_is_refused_with_both_places(tmp_path: Path):
    unique = Unique("track", tmp_path)
    assert unique.add("7", "row 4") == "7"
    with pytest.raises(DatasetError, match=r"track '7' twice in .*: row 4 and row 9"):
        unique.add("7", "row 9")


@pytest.mark.parametrize("content", ["", '{"a": 1', "[" * 100_000, b"\xff\xfe"])
def test_json_that_is_cut_is_refused(tmp_path: Path, content: str | bytes):
    with pytest.raises(DatasetError, match=r"x.json cannot be read .*; expected a list"):
        read_json(written(tmp_path, content, "x.json"), "a list")


def test_the_readers_import_nothing_heavy():
    heavy = {"torch", "numpy", "pandas", "pyarrow", "PIL", "av"}
    code = f"import sys, art2mus_core.datasets.sources; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("table", [ARTWORK_SOURCES, MUSIC_SOURCES, TEXT_SOURCES, MATCH_SOURCES])
def test_every_source_says_what_an_empty_folder_lacks(tmp_path: Path, table: dict):
    for name, read in table.items():
        if name != "folder":
            with pytest.raises(DatasetError, match="; expected"):
                list(read(tmp_path))
    for read in table.values():
        with pytest.raises(DatasetError, match="; expected"):
            list(read(tmp_path / "nowhere"))
