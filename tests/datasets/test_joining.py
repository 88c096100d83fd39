from __future__ import annotations

from pathlib import Path

import pytest

from art2mus_core.datasets.joining import read_rows
from art2mus_core.datasets.tables import ARTWORKS, MUSIC, PAIRS, ArtworkRow, MusicRow, PairRow
from art2mus_core.errors import DatasetError

GOOD = PairRow("0", "a", "b", "train", 0.5, 1, "1" * 64, "2" * 64)


def dataset(folder: Path, *pairs: PairRow) -> Path:
    ARTWORKS.write(folder / ARTWORKS.file, [ArtworkRow("a", "a.png", file_sha256="1" * 64)])
    rows = [MusicRow("b", "b.wav", file_sha256="2" * 64), MusicRow("c", "c.wav", fault="silent: nothing")]
    MUSIC.write(folder / MUSIC.file, rows)
    PAIRS.write(folder / PAIRS.file, pairs)
    return folder


def test_a_pair_comes_with_its_rows(tmp_path):
    listed = PairRow("1", "a", "b", "test")
    rows = read_rows(dataset(tmp_path, GOOD, listed))
    assert [(row.pair, row.artwork.path, row.music.path) for row in rows] == [
        (GOOD, "a.png", "b.wav"),
        (listed, "a.png", "b.wav"),
    ]


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        (PairRow("1", "x", "b", "train"), "pair 1 names 'x', which is not there"),
        (PairRow("1", "a", "c", "train"), "which has a fault"),
        (PairRow("1", "a", "b", "train", 0.5, 1, "3" * 64, "2" * 64), "names 'a', of which the file has changed"),
        (PairRow("1", "a", "b", "train", 0.5, 1, "1" * 64, "3" * 64), "names 'b', of which the file has changed"),
        (PairRow("1", "a", "b", "dev"), "is in split 'dev'"),
        (PairRow("1", "a", "b", "train", float("nan")), "has similarity nan"),
        (PairRow("0", "a", "b", "test"), "pair 0 comes twice"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_with_a_pair_is_told(pair, told, tmp_path):
    with pytest.raises(DatasetError, match=told):
        read_rows(dataset(tmp_path, GOOD, pair))
