from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from art2mus_core.datasets.manifest import MANIFEST, Pair, read_manifest, write_manifest
from art2mus_core.datasets.reading import read_pairs
from art2mus_core.errors import DatasetError

PLAIN = Pair(
    id="0001",
    split="train",
    artwork="artworks/0001.png",
    artwork_sha256="ab" * 32,
    music="music/0001.flac",
    seconds=10.0,
    sample_rate=16000,
    source="synthetic",
    licence="CC0-1.0",
)
FULL = replace(
    PLAIN,
    id="Käthe 2",
    split="test",
    artwork="Bilder mit Umlauten ä/ü.png",
    seed=2**40 + 1,
    artwork_caption="ein Haus\nam See",
    music_caption="slow, sparse",
    statistics={"lightness": 0.25, "hue": -3.0},
    character={"arousal": 0.5, "tonic": 11.0},
    tempo=93.25,
    beats_per_bar=3,
    mode="aeolian",
    band="jazz trio",
    comments=("Wie schön!", "not a leaf stirs"),
)


def test_pairs_come_back_as_they_were(tmp_path: Path):
    assert write_manifest(tmp_path, [PLAIN, FULL]) == tmp_path / MANIFEST
    assert read_manifest(tmp_path) == [PLAIN, FULL]


def test_without_comments_there_is_no_column_of_them(tmp_path: Path):
    silent = replace(FULL, comments=())
    path = write_manifest(tmp_path, [PLAIN, silent])
    assert "comments" not in parquet.read_schema(path).names
    assert read_manifest(tmp_path) == [PLAIN, silent]


def test_a_manifest_without_the_composers_columns_is_read(tmp_path: Path):
    path = write_manifest(tmp_path, [FULL])
    table = parquet.read_table(path)
    parquet.write_table(table.drop_columns(["tempo", "beats_per_bar", "mode", "band"]), path)
    assert read_manifest(tmp_path) == [replace(FULL, tempo=None, beats_per_bar=None, mode=None, band=None)]


def test_a_failed_write_leaves_the_old_manifest_and_no_crumbs(tmp_path: Path):
    write_manifest(tmp_path, [PLAIN])
    with pytest.raises((OverflowError, pa.ArrowInvalid)):
        write_manifest(tmp_path, [FULL, replace(PLAIN, seed=2**70)])
    assert read_manifest(tmp_path) == [PLAIN]
    assert [path.name for path in tmp_path.iterdir()] == [MANIFEST]


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path):
    with pytest.raises(
        DatasetError, match=r"no pairs\.parquet or articaps\.parquet or manifest\.parquet .* `art2mus synthesize`"
    ):
        read_pairs(tmp_path)


def test_a_damaged_manifest_is_refused(tmp_path: Path):
    whole = write_manifest(tmp_path, [PLAIN, FULL]).read_bytes()
    (tmp_path / MANIFEST).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="cannot be read"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("metadata", [{"art2mus_manifest": "2"}, {"other": "1"}, None])
def test_another_version_is_refused(tmp_path: Path, metadata: dict[str, str] | None):
    path = write_manifest(tmp_path, [PLAIN])
    parquet.write_table(parquet.read_table(path).replace_schema_metadata(metadata), path)
    with pytest.raises(DatasetError, match="expected version 1"):
        read_manifest(tmp_path)


def test_other_columns_are_refused(tmp_path: Path):
    path = write_manifest(tmp_path, [PLAIN])
    parquet.write_table(parquet.read_table(path).drop_columns(["licence"]), path)
    with pytest.raises(DatasetError, match="columns id, split"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("place", ["/etc/passwd", "../outside.png", "artworks/../../outside.png", "artworks\\a.png"])
@pytest.mark.parametrize("column", ["artwork", "music"])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, column: str, place: str):
    write_manifest(tmp_path, [PLAIN, replace(FULL, **{column: place})])
    with pytest.raises(DatasetError, match=r"pair Käthe 2 points to .* a path inside the folder"):
        read_pairs(tmp_path)


def test_an_unknown_split_is_refused(tmp_path: Path):
    write_manifest(tmp_path, [replace(PLAIN, split="tset")])
    with pytest.raises(DatasetError, match="split 'tset'"):
        read_pairs(tmp_path)


def rewrite(path: Path, **columns: pa.Array) -> None:
    """Replace columns of a manifest, or drop those given as None."""
    table = parquet.read_table(path)
    for name, values in columns.items():
        place = table.schema.names.index(name)
        table = table.remove_column(place)
        if values is not None:
            table = table.append_column(name, values)
    parquet.write_table(table, path)


def test_what_a_dataset_does_not_know_may_be_left_out_or_null(tmp_path: Path):
    """A manifest of other people's data: no character, no words, columns in another order."""
    path = write_manifest(tmp_path, [PLAIN, FULL])
    unknown = pa.array([None, None], pa.map_(pa.string(), pa.float64()))
    rewrite(path, character=None, seed=None, music_caption=None, statistics=unknown, id=pa.array(["a", "b"]))
    full = replace(FULL, id="b", seed=None, music_caption=None, statistics={}, character={})
    assert read_manifest(tmp_path) == [replace(PLAIN, id="a"), full]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"seconds": pa.array([10.0, None])}, "pair Käthe 2 has no seconds"),
        ({"music": pa.array([None, "a.flac"], pa.string())}, "pair 0001 has no music"),
        ({"seconds": pa.array(["ten", "10"])}, "a column of another type"),
        ({"character": pa.array(["calm", "wild"])}, "a column of another type"),
    ],
)
def test_values_that_every_pair_has_are_asked_for_in_words(tmp_path: Path, columns: dict[str, pa.Array], told: str):
    rewrite(write_manifest(tmp_path, [PLAIN, FULL]), **columns)
    with pytest.raises(DatasetError, match=told) as refused:
        read_manifest(tmp_path)
    assert "\n" not in str(refused.value)
