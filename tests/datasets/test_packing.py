from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from art2mus_core.datasets import packing
from art2mus_core.datasets.captions import describe_row
from art2mus_core.datasets.columns import COLUMNS, schema_of
from art2mus_core.datasets.joining import read_rows
from art2mus_core.datasets.packing import Media, _runs, packs_of
from art2mus_core.datasets.reporting import captions_by_kind
from art2mus_core.errors import DatasetError

from .released import HOSTILE, contents, make


@given(st.lists(st.integers(0, 20), max_size=40), st.integers(0, 30), st.integers(1, 8))
def test_runs_are_as_long_as_they_may_be_and_leave_nothing_out(sizes, most, rows):
    runs = list(_runs(sizes, most, rows))
    assert [place for run in runs for place in range(*run)] == list(range(len(sizes)))
    for start, end in runs:
        assert 1 <= end - start <= rows
        assert sum(sizes[start:end]) <= most or end - start == 1
    for (start, end), _ in pairwise(runs):
        assert end - start == rows or sum(sizes[start : end + 1]) > most


def test_files_and_row_groups_have_a_size_and_the_media_are_in_them(tmp_path: Path, monkeypatch):
    data = make(tmp_path / "data")
    rows, media = read_rows(data), Media()
    sizes = [media.size(row) for row in rows]
    monkeypatch.setattr(packing, "LARGEST", sum(sizes[:5]))
    monkeypatch.setattr(packing, "GROUP", min(sizes))
    packs = packs_of(rows, media)
    names = [f"{name}.parquet" for name in ("train-00000-of-00002", "train-00001-of-00002", "test-00000-of-00001")]
    assert [pack.name for pack in packs] == names
    told, found = [], []
    for pack in packs:
        pack.write(tmp_path / pack.name, captions_by_kind(data, pack.rows), lambda: told.append(1))
        file = parquet.ParquetFile(tmp_path / pack.name)
        assert file.num_row_groups == len(pack.rows)
        found += file.read().to_pylist()
    assert len(told) == len(found) == len(rows)
    for row, record in zip(rows, found, strict=True):
        assert list(record) == list(COLUMNS)
        for name, kind, item in (("image", "artworks", row.artwork), ("audio", "music", row.music)):
            assert record[name] == {"bytes": (data / kind / item.path).read_bytes(), "path": Path(item.path).name}
        texts = (("metadata", describe_row(row.artwork)), *row.artwork.texts)
        assert record["artwork_captions"] == [{"origin": name, "text": text} for name, text in texts]
        assert (record["music_licence"], record["music_genres"]) == (row.music.licence, list(row.music.genres))
        assert (record["similarity"], record["music_seconds"]) == (row.pair.score, row.music.length)
    assert any(caption["text"] == HOSTILE for record in found for caption in record["music_captions"])


def test_what_is_there_is_kept_if_it_was_made_from_the_same(tmp_path: Path):
    data = make(tmp_path / "data")
    media = Media()
    *_, pack = packs_of(read_rows(data), media)
    path, captions, told = tmp_path / pack.name, captions_by_kind(data, pack.rows), []
    pack.write(path, captions, lambda: None)
    first = path.read_bytes()
    made = path.stat().st_mtime_ns
    pack.write(path, captions, lambda: told.append(1))
    assert path.stat().st_mtime_ns == made
    assert len(told) == len(pack.rows)
    pack.write(path, {**captions, "music": {}}, lambda: None)
    assert path.read_bytes() != first
    path.write_bytes(first[:-1])
    pack.write(path, captions, lambda: None)
    assert path.read_bytes() == first
    *_, bare = packs_of(read_rows(data), None)
    bare.write(path, captions, lambda: None)
    assert [name for name in COLUMNS if name not in parquet.read_schema(path).names] == ["image", "audio"]


@pytest.mark.parametrize("change", ["other", "gone", "directory"])
def test_a_file_that_is_not_what_was_scanned_is_named_and_nothing_is_written(tmp_path: Path, change):
    data = make(tmp_path / "data")
    *_, pack = packs_of(read_rows(data), Media())
    file = data / "music" / pack.rows[-1].music.path
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.unlink()
    if change == "other":
        file.write_bytes(content)
        assert hashlib.sha256(content).hexdigest() != pack.rows[-1].music.file_sha256
    if change == "directory":
        file.mkdir()
    out = tmp_path / "out" / pack.name
    with pytest.raises(DatasetError, match=file.name):
        pack.write(out, captions_by_kind(data, pack.rows), lambda: None)
    assert contents(tmp_path / "out") == {}


def test_a_missing_or_very_large_file_is_told_before_anything_is_written(tmp_path: Path, monkeypatch):
    data = make(tmp_path / "data")
    rows = read_rows(data)
    monkeypatch.setattr(packing, "COLUMN", 300)
    with pytest.raises(DatasetError, match=r"bytes; expected at most 300"):
        packs_of(rows, Media())
    monkeypatch.undo()
    (data / "artworks" / rows[0].artwork.path).unlink()
    with pytest.raises(DatasetError, match="is not there"):
        packs_of(rows, Media())
    assert len(packs_of(rows, None)) == 2


def test_columns_have_the_types_that_the_library_expects():
    schema = schema_of(embed=True, made_from="")
    assert (
        schema.field("image").type
        == schema.field("audio").type
        == pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    )
    assert schema.names == list(COLUMNS)
    assert {str(schema.field(name).type) for name in ("rank", "artwork_year", "music_sample_rate")} == {"int64"}
    assert str(schema.field("artwork_sha256").type) == "string"
