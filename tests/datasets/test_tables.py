from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from art2mus_core.datasets.articaps import TEXT_PAIRS, TextPairRow
from art2mus_core.datasets.items import Item
from art2mus_core.datasets.tables import (
    ARTWORKS,
    ITEMS,
    MUSIC,
    PAIRS,
    ROWS,
    ArtworkRow,
    MusicRow,
    PairRow,
    Table,
    batches,
)
from art2mus_core.errors import DatasetError

ARTWORK = ArtworkRow(
    id="Realism/jan-vermeer_the-art-of-painting",
    path="Realism/jan-vermeer_the-art-of-painting.jpg",
    creator="jan vermeer",
    genres=("Realism", "interior"),
    texts=(("title", "The Art of Painting, by Jan Vermeer"), ("mine", "Ein Maler,\nvon hinten")),
    file_sha256="ab" * 32,
    notes=("ends early",),
    width=3,
    height=4_000_000_000,
)
PIECE = MusicRow("2", "fma_large/000/000002.mp3", seconds=30.0, samples=1_321_967, sample_rate=44_100, channels=2)
PAIR = PairRow("0", ARTWORK.id, PIECE.id, "train", 0.25, 1)
TEXTS = TextPairRow("0", "u", "a", "so blue", None, "c", "v_1_11", "slow", ("low",), (), "test", 0.5)
KINDS = [(ITEMS, Item("1", "1.png")), (ARTWORKS, ARTWORK), (MUSIC, PIECE), (PAIRS, PAIR), (TEXT_PAIRS, TEXTS)]


@pytest.mark.parametrize(("table", "row"), KINDS, ids=lambda value: getattr(value, "file", ""))
def test_rows_come_back(table: Table, row, tmp_path: Path):
    path = tmp_path / "new" / table.file
    assert table.write(path, [row, row]) == 2
    assert list(table.read(path)) == [row, row]
    assert table.count(path) == 2
    assert [each.name for each in path.parent.iterdir()] == [table.file]


def test_a_piece_knows_its_decoded_length():
    assert PIECE.length == pytest.approx(29.9766, abs=1e-4)
    assert MusicRow("1", "1.mp3").length == 0


def test_only_some_columns_are_read(tmp_path: Path):
    ARTWORKS.write(tmp_path / "a", [ARTWORK])
    assert list(ARTWORKS.read(tmp_path / "a", ["id", "path", "width"])) == [
        ArtworkRow(ARTWORK.id, ARTWORK.path, width=3)
    ]


def test_an_empty_table_is_one(tmp_path: Path):
    assert PAIRS.write(tmp_path / "a", []) == 0
    assert list(PAIRS.read(tmp_path / "a")) == []


def test_the_same_rows_are_the_same_bytes(tmp_path: Path):
    for name in "ab":
        ARTWORKS.write(tmp_path / name, [ARTWORK] * 3)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_table_that_fails_halfway_is_not_there(tmp_path: Path):
    def rows() -> Iterator[PairRow]:
        yield from [PAIR] * (ROWS + 1)
        raise KeyboardInterrupt

    PAIRS.write(tmp_path / "a", [PAIR])
    with pytest.raises(KeyboardInterrupt):
        PAIRS.write(tmp_path / "a", rows())
    assert list(PAIRS.read(tmp_path / "a")) == [PAIR]
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_a_missing_value_is_refused_where_it_is_needed(tmp_path: Path):
    assert not PAIRS.schema().field("music").nullable
    assert PAIRS.schema().field("score").nullable
    assert [field.name for field in fields(PairRow)] == PAIRS.schema().names


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "cannot be read"),
        (b"PAR1 and no more", "cannot be read"),
    ],
)
def test_what_is_no_table_is_refused(content: bytes, told: str, tmp_path: Path):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(DatasetError, match=rf"a {told}.*a Parquet table"):
        list(PAIRS.read(tmp_path / "a"))
    with pytest.raises(DatasetError, match=r"no nowhere in .*art2mus dataset"):
        PAIRS.count(tmp_path / "nowhere")


def test_another_kind_of_rows_is_refused(tmp_path: Path):
    ARTWORKS.write(tmp_path / "a", [ARTWORK])
    with pytest.raises(DatasetError, match=r"rows ArtworkRow .*expected version 2 and rows MusicRow"):
        list(MUSIC.read(tmp_path / "a"))


@pytest.mark.parametrize(("version", "remedy"), [("3", "Install a newer release"), ("1", "Make it again")])
def test_another_version_is_refused(version: str, remedy: str, tmp_path: Path):
    stored = PAIRS.schema().with_metadata({"art2mus_manifest": version, "art2mus_rows": "PairRow"})
    parquet.write_table(pa.Table.from_pylist([vars(PAIR)], schema=stored), tmp_path / "a")
    with pytest.raises(DatasetError, match=rf"manifest version {version}.*{remedy}"):
        list(PAIRS.read(tmp_path / "a"))


def test_a_table_with_other_columns_is_refused(tmp_path: Path):
    less = PAIRS.schema().remove(5)
    parquet.write_table(
        pa.Table.from_pylist([{"id": "1", "artwork": "a", "music": "b", "split": "test"}], schema=less), tmp_path / "a"
    )
    with pytest.raises(DatasetError, match="columns id, artwork, music, split, score"):
        list(PAIRS.read(tmp_path / "a"))


def test_batches_hold_everything_once():
    assert list(batches(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(batches([], 3)) == []
