from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from art2mus_core.datasets.labelled import (
    BRIGHTNESS,
    CAST,
    LABELS,
    LARGEST_CROP,
    SMALLEST_CROP,
    LabelledPainting,
    read_labels,
    views,
)
from art2mus_core.errors import DatasetError
from art2mus_core.types import Artwork

TABLE = "file,part,artist,arousal,valence\nnoon.png,A,Nina,2,4.5\ndusk.png,B,Ola,5,1\ndawn.png,A,Pia,1,5\n"


@pytest.fixture
def labelled(paintings: Path) -> Callable[[str | bytes], Path]:
    """Writes the table of a folder of three pictures."""

    def write(table: str | bytes) -> Path:
        (paintings / LABELS).write_bytes(table if isinstance(table, bytes) else table.encode())
        return paintings

    return write


def test_paintings_come_in_the_order_of_the_table(labelled):
    folder = labelled(TABLE)
    assert read_labels(folder) == [
        LabelledPainting(folder / "noon.png", 2.0, 4.5),
        LabelledPainting(folder / "dusk.png", 5.0, 1.0),
        LabelledPainting(folder / "dawn.png", 1.0, 5.0),
    ]
    assert [each.path.stem for each in read_labels(folder, "A")] == ["noon", "dawn"]
    assert [each.path.stem for each in read_labels(folder, "B")] == ["dusk"]


@pytest.mark.parametrize(
    "table",
    [
        b"\xef\xbb\xbf" + TABLE.encode(),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.replace(",", " , ").encode(),
        TABLE.replace("noon.png", '"noon.png"').encode(),
    ],
)
def test_tables_as_spreadsheets_write_them_are_read(labelled, table: bytes):
    assert len(read_labels(labelled(table))) == 3


ROW = "noon.png,A,Nina,2,4.5"


@pytest.mark.parametrize(
    ("table", "part", "told"),
    [
        (
            TABLE.replace("arousal", "arosal"),
            None,
            r"LABELS.csv without the column arousal; its columns are .*; expected file, arousal, valence",
        ),
        (TABLE.replace("file,part", "datei,teil"), "A", "without the column file and part"),
        ("", None, "without the column file and arousal and valence"),
        ("file,arousal,valence\n", None, "without rows; expected one for each painting"),
        (TABLE, "C", "without rows of part 'C'"),
        (TABLE, "", "without rows of part ''"),
        (TABLE.replace(ROW, "noon.png,A,Nina,7,4.5"), None, r"'noon.png' with arousal '7' .* labels from 1 to 5"),
        (TABLE.replace(ROW, "noon.png,A,Nina,2,0.5"), None, "valence '0.5'"),
        (TABLE.replace(ROW, "noon.png,A,Nina,2,nan"), None, "valence 'nan'"),
        (TABLE.replace(ROW, "noon.png,A,Nina,nan,2"), None, "arousal 'nan'"),
        (TABLE.replace(ROW, "noon.png,A,Nina,2,"), None, "valence ''"),
        (TABLE.replace(ROW, "noon.png,A,Nina,2"), None, "valence None"),
        (TABLE.replace(ROW, "noon.png,A,Nina,high,2"), None, "arousal 'high'"),
        (TABLE.replace("noon.png", "none.png"), None, "'none.png' .* expected a file in the folder"),
        (TABLE.replace("noon.png", "../outside.png"), None, "'../outside.png'"),
        (TABLE.replace("noon.png", "../paintings/noon.png"), None, "'../paintings/noon.png'"),
        (TABLE.replace("noon.png", "sub/inside.png"), None, "'sub/inside.png'"),
        (TABLE.replace("noon.png", ""), None, "'' with arousal"),
        (TABLE.replace("noon.png", ".."), None, r"'\.\.' with arousal"),
        (TABLE.replace(",", ";"), None, r"its columns are file;part;artist;arousal;valence; expected .* by commas"),
        (TABLE.replace("artist", "valence"), None, "with a column twice: file | part | valence"),
        (TABLE.replace("noon.png", "./dusk.png"), None, "dusk.png twice in"),
        ("part,arousal,valence,file\nA,2,3\n", None, "None with arousal '2'"),
        (TABLE.replace("noon.png", "dusk.png"), None, "dusk.png twice in"),
        (b"file,arousal,valence\n\xff\xfe.png,1,1\n", None, "cannot be read"),
        (TABLE.encode("utf-16"), None, "cannot be read"),
    ],
)
def test_a_table_that_does_not_hold_is_refused_in_one_line(
    labelled, paintings: Path, table: str | bytes, part: str | None, told: str
):
    (paintings / "sub").mkdir()
    for name in ("sub/inside.png", "../outside.png"):
        (paintings / name).write_bytes((paintings / "noon.png").read_bytes())
    with pytest.raises(DatasetError, match=told) as refused:
        read_labels(labelled(table), part)
    assert "\n" not in str(refused.value)
    assert LABELS in str(refused.value)


def test_a_folder_without_a_table_is_refused(paintings: Path):
    for folder in (paintings, paintings / "nowhere"):
        with pytest.raises(DatasetError, match=r"LABELS.csv cannot be read .*; expected a table of labels"):
            read_labels(folder)


def artwork(height: int, width: int) -> Artwork:
    rng = np.random.default_rng(1)
    return Artwork(torch.from_numpy(rng.integers(60, 190, size=(3, height, width), dtype=np.uint8)), "noon")


def test_views_are_the_artwork_and_crops_of_it():
    whole = artwork(40, 90)
    first, second = (list(views(whole, 25, np.random.default_rng(7))) for _ in range(2))
    assert first[0] is whole
    assert len(first) == 26
    assert [view.sha256 for view in first] == [view.sha256 for view in second]
    assert len({view.sha256 for view in first}) == 26
    assert {view.name for view in first} == {"noon"}
    shares = np.array([view.pixels.shape[1:] for view in first[1:]]) / (40, 90)
    assert SMALLEST_CROP - 0.02 < shares.min() < 0.8 < shares.max() < LARGEST_CROP + 0.02
    assert np.abs(shares[:, 0] - shares[:, 1]).max() < 0.02
    other = list(views(whole, 25, np.random.default_rng(8)))
    assert other[1].sha256 != first[1].sha256


def test_views_are_places_of_the_painting_half_of_them_mirrored():
    """In a picture of a slope, a view's slope is the painting's times a factor, or minus that."""
    slope = torch.arange(60, 140, dtype=torch.uint8).expand(3, 50, 80)
    found = list(views(Artwork(slope), 200, np.random.default_rng(0)))[1:]
    steps = np.array([np.polyfit(range(view.pixels.shape[2]), view.pixels[0, 0], 1)[0] for view in found])
    assert 70 < (steps < 0).sum() < 130
    assert 1 - BRIGHTNESS - 0.02 < np.abs(steps).min() < 0.95
    assert 1.05 < np.abs(steps).max() < 1 + BRIGHTNESS + 0.02
    casts = np.array([(view.pixels[0].float() - view.pixels[2].float()).mean() for view in found])
    assert casts.std() == pytest.approx(CAST * 255 * 2**0.5, rel=0.15)
    starts = {round(float(view.pixels[0].float().min())) for view in found}
    assert len(starts) > 10


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (3000, 2)])
def test_the_smallest_paintings_have_views_too(height: int, width: int):
    for view in views(artwork(height, width), 9, np.random.default_rng(2)):
        assert 1 <= view.pixels.shape[1] <= height
        assert 1 <= view.pixels.shape[2] <= width
        assert view.pixels.dtype == torch.uint8


def test_colours_stay_within_their_range():
    """A light pixel becomes lighter, never dark."""
    white = Artwork(torch.full((3, 9, 9), 255, dtype=torch.uint8))
    assert min(int(view.pixels.min()) for view in views(white, 50, np.random.default_rng(3))) > 150
