"""Which captions a work has, and where they are from."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from art2mus_core.datasets.captions import CAPTIONS, CaptionRow, describe_row, read_captions
from art2mus_core.datasets.joining import caption_of, read_joined
from art2mus_core.datasets.tables import ARTWORKS, MUSIC, PAIRS, ArtworkRow, MusicRow, PairRow
from art2mus_core.errors import DatasetError

LILIES = ArtworkRow(
    "monet/lilies",
    "monet/lilies.jpg",
    creator="Claude Monet",
    title="Water Lilies",
    genres=("Impressionism", "landscape"),
    year=1908,
    file_sha256="a" * 64,
)
PLAIN = ArtworkRow("plain", "plain.png", file_sha256="b" * 64)
SONG = MusicRow(
    "song",
    "song.mp3",
    title="Rain",
    texts=(("title", "Rain by nobody"),),
    file_sha256="c" * 64,
    samples=9,
    sample_rate=3,
)


def store(data: Path, origin: str, *shards: list[CaptionRow]) -> None:
    for number, rows in enumerate(shards):
        CAPTIONS.write(data / "captions" / origin / f"{number:06d}.parquet", rows)
        (data / "captions" / origin / f"{number:06d}.json").write_text('{"rows": 1}', encoding="utf-8")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    fault = ArtworkRow("torn", "torn.jpg", title="Torn", fault="damaged: it is torn")
    ARTWORKS.write(tmp_path / ARTWORKS.file, [LILIES, PLAIN, fault])
    MUSIC.write(tmp_path / MUSIC.file, [SONG])
    PAIRS.write(
        tmp_path / PAIRS.file, [PairRow("1", "monet/lilies", "song", "train"), PairRow("2", "plain", "song", "test")]
    )
    return tmp_path


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, 'A painting called "Water Lilies" by Claude Monet from 1908: Impressionism, landscape.'),
        ({"year": None, "genres": ()}, 'A painting called "Water Lilies" by Claude Monet.'),
        ({"title": None, "year": None, "genres": ()}, "A painting by Claude Monet."),
        ({"title": None, "creator": None, "year": None}, "A painting: Impressionism, landscape."),
        ({"title": None, "creator": None, "genres": ()}, "A painting from 1908."),
        ({"title": " Two\nlines ", "creator": None, "year": None, "genres": ()}, 'A painting called " Two lines ".'),
        ({"title": None, "creator": None, "year": None, "genres": ()}, None),
    ],
    ids=["all", "no year", "painter", "styles", "year", "line break", "nothing"],
)
def test_what_a_table_says_becomes_a_sentence(fields, told):
    assert describe_row(dataclasses.replace(LILIES, **fields)) == told


def test_a_piece_of_music_is_called_one():
    assert describe_row(SONG) == 'A piece of music called "Rain".'


def test_captions_come_in_order_and_name_their_origin(data: Path):
    store(data, "artworks-blip", [CaptionRow("monet/lilies", "a" * 64, ("a pond",)), CaptionRow("plain", "b" * 64)])
    store(data, "artworks-artemis", [CaptionRow("monet/lilies", "a" * 64, ("calm", "I feel cold"))])
    store(data, "music-blip", [CaptionRow("song", "c" * 64, ("a wrong shelf",))])
    assert read_captions(data, "artworks") == {
        "monet/lilies": (
            ("metadata", describe_row(LILIES)),
            ("artemis", "calm"),
            ("artemis", "I feel cold"),
            ("blip", "a pond"),
        ),
        "plain": (),
    }
    assert read_captions(data, "music")["song"] == (
        ("metadata", 'A piece of music called "Rain".'),
        ("title", "Rain by nobody"),
        ("blip", "a wrong shelf"),
    )


def test_the_caption_of_a_pair_is_the_last_one(data: Path):
    assert [(pair.artwork_caption, pair.music_caption) for pair in read_joined(data)] == [
        (describe_row(LILIES), "Rain by nobody"),
        (None, "Rain by nobody"),
    ]
    store(data, "music-clap", [CaptionRow("song", "c" * 64, ("drops on a roof",))])
    assert {pair.music_caption for pair in read_joined(data)} == {"drops on a roof"}
    assert caption_of(()) is None


def test_captions_of_another_file_and_unfinished_ones_are_left_out(data: Path):
    store(
        data,
        "artworks-blip",
        [CaptionRow("plain", "f" * 64, ("what it was",))],
        [CaptionRow("plain", "b" * 64, ("x",))],
    )
    assert read_captions(data, "artworks")["plain"] == (("blip", "x"),)
    (data / "captions" / "artworks-blip" / "000001.json").unlink()
    assert read_captions(data, "artworks")["plain"] == ()


def test_a_damaged_shard_is_told(data: Path):
    store(data, "artworks-blip", [CaptionRow("plain", "b" * 64, ("x",))])
    (data / "captions" / "artworks-blip" / "000000.parquet").write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=r"000000\.parquet cannot be read"):
        read_captions(data, "artworks")
