"""ArtiCaps' pairs, as training reads them, on made-up rows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from art2mus_core.datasets.articaps import TEXT_PAIRS, TextPairRow
from art2mus_core.datasets.reading import read_pairs
from art2mus_core.datasets.tables import ARTWORKS, MUSIC, ArtworkRow, MusicRow
from art2mus_core.datasets.unpaired import is_unpaired
from art2mus_core.errors import DatasetError


def row(name: str, artwork: str, clip: str, split: str = "train") -> TextPairRow:
    told = {"target_text": "a sad target", "target_keywords": ("target",), "target_labels": ("target",)}
    said = {
        "utterance": f"{artwork}/1",
        "input_artwork": artwork,
        "input_text": f"it glows {name}",
        "input_emotion": "awe",
    }
    return TextPairRow(id=name, **said, caption=clip, target_clip=clip, **told, split=split, similarity=0.5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    TEXT_PAIRS.write(
        tmp_path / TEXT_PAIRS.file,
        [row("0", "Cubism/a", "v_0_10"), row("1", "Cubism/a", "w_5_15", "test"), row("2", "Cubism/b", "v_0_10")],
    )
    ARTWORKS.write(tmp_path / ARTWORKS.file, [ArtworkRow("Cubism/a", "Cubism/a.png", sha256="1" * 64, licence="CC0")])
    music = MusicRow("v_0_10", "v_0_10.flac", samples=88200, sample_rate=22050)
    MUSIC.write(tmp_path / MUSIC.file, [music, MusicRow("w_5_15", "w_5_15.flac", fault="silent: nothing")])
    return tmp_path


def test_a_pair_has_the_utterance_and_nothing_of_the_target_but_its_file(folder):
    whole, *_ = pairs = read_pairs(folder)
    assert not is_unpaired(folder)
    assert (whole.artwork, whole.artwork_sha256, whole.music) == (
        "artworks/Cubism/a.png",
        "1" * 64,
        "music/v_0_10.flac",
    )
    assert (whole.seconds, whole.sample_rate, whole.licence) == (4.0, 22050, "CC0; not stated")
    assert [pair.comments for pair in pairs] == [("it glows 0",), ("it glows 1",), ("it glows 2",)]
    assert [pair.split for pair in pairs] == ["train", "test", "train"]
    assert not any("target" in str(asdict(pair)) for pair in pairs)


def test_a_file_that_is_not_there_is_named(folder):
    """Features of it fail, so the pair is left out and counted."""
    _, faulty, lost = read_pairs(folder)
    assert (faulty.music, faulty.seconds) == ("music/w_5_15.wav", 10.0)
    assert lost.artwork == "artworks/Cubism/b.jpg"


def test_files_that_were_not_scanned_are_asked_for(folder):
    (folder / ARTWORKS.file).unlink()
    with pytest.raises(DatasetError, match=r"articaps.parquet without artworks.parquet; .*VIDEO_START_END"):
        read_pairs(folder)


def test_ids_that_fit_no_file_are_told(folder):
    MUSIC.write(folder / MUSIC.file, [MusicRow("other", "other.flac", samples=9, sample_rate=3)])
    with pytest.raises(
        DatasetError, match=r"any of the 3 rows .* begin with Cubism/a and v_0_10; .* 1 artworks and 1 pieces"
    ):
        read_pairs(folder)
