from __future__ import annotations

import json
from pathlib import Path

import pytest

from art2mus_core.datasets.listed import pair_listed
from art2mus_core.datasets.tables import ARTWORKS, MUSIC, PAIRS, ArtworkRow, MusicRow
from art2mus_core.errors import DatasetError, SettingError

NONE = {"validation": 0.0, "test": 0.0}


def dataset(folder: Path, artworks: list[ArtworkRow], music: list[MusicRow]) -> Path:
    ARTWORKS.write(folder / ARTWORKS.file, artworks)
    MUSIC.write(folder / MUSIC.file, music)
    return folder


def published(folder: Path, pairs: list[tuple[str, str]]) -> Path:
    folder.mkdir()
    columns = {
        name: {str(row): pair[side] for row, pair in enumerate(pairs)} for side, name in enumerate(("Image", "Audio"))
    }
    (folder / "art2mus_pairs.json").write_text(json.dumps(columns))
    return folder


def pairs_of(folder: Path) -> list[tuple[str, str, str]]:
    return [(row.artwork, row.music, row.split) for row in PAIRS.read(folder / PAIRS.file)]


def picture(work: str, creator: str, **more) -> ArtworkRow:
    return ArtworkRow(work, f"{work}.jpg", creator, **more)


def track(number: int, creator: str, **more) -> MusicRow:
    return MusicRow(str(number), f"fma_large/{number:06d}"[:13] + f"/{number:06d}.mp3", creator, **more)


def test_listed_pairs_are_found_however_they_are_written(tmp_path):
    data = dataset(
        tmp_path / "data",
        [
            picture("Cubism/juan-gris_fantômas-1915", "Juan Gris"),
            picture("Cubism/juan-gris_the-book-1913", "Juan Gris"),
            picture("Realism/juan-gris_the-book-1913", "Juan Gris"),
            picture("Realism/gone_work-1900", "Gone", fault="damaged: broken"),
        ],
        [track(2, "a"), track(10425, "b"), track(7, "c", fault="silent: nothing")],
    )
    wanted = [
        ("juan-gris_fantomas-1915.jpg", "data/fma_large/010/010425.mp3"),
        ("juan-gris_the-book-1913.jpg", "000/000002.mp3"),
        ("gone_work-1900.jpg", "fma_large/000/000002.mp3"),
        ("juan-gris_the-book-1913.jpg", "fma_large/000/000007.mp3"),
        ("never-seen_work-1900.jpg", "fma_large/000/000002.mp3"),
    ]
    told = pair_listed(data, "art2mus2024", published(tmp_path / "list", wanted), shares=NONE, seed=0)
    assert pairs_of(data) == [
        ("Cubism/juan-gris_fantômas-1915", "10425", "train"),
        ("Cubism/juan-gris_the-book-1913", "2", "train"),
    ]
    assert (told["listed"], told["without artwork"], told["without music"]) == (5, 2, 1)
    assert json.loads((data / "pairing.json").read_text()) == told


def test_no_artist_and_no_musician_is_in_two_splits(tmp_path):
    artworks = [picture(f"S/p{number}_w{number}", f"painter {number % 23}") for number in range(310)]
    music = [track(number, f"musician {number % 71}") for number in range(310)]
    data = dataset(tmp_path / "data", artworks, music)
    wanted = [(f"p{number}_w{number}.jpg", f"fma_large/000/{number:06d}.mp3") for number in range(310)]
    shares = {"validation": 0.1, "test": 0.1}
    told = pair_listed(data, "art2mus2024", published(tmp_path / "list", wanted), shares=shares, seed=3)
    creators = {row.id: row.creator for row in [*artworks, *music]}
    seen: dict[tuple[str, str], set[str]] = {}
    for artwork, piece, split in pairs_of(data):
        for side, item in (("painter", artwork), ("musician", piece)):
            seen.setdefault((side, str(creators[item])), set()).add(split)
    assert {split for splits in seen.values() for split in splits} == {"train", "validation", "test"}
    assert all(len(splits) == 1 for splits in seen.values())
    left_out = told["left out, as the musician is in another split"]
    assert left_out > 0
    assert len(pairs_of(data)) == 310 - left_out
    assert told["splits"]["test"]["pairs"] == sum(split == "test" for *_, split in pairs_of(data))


def test_a_pair_that_is_listed_twice_is_one(tmp_path):
    data = dataset(tmp_path / "data", [picture("a_b", "a")], [track(2, "b")])
    place = published(tmp_path / "list", [("a_b.jpg", "fma_large/000/000002.mp3"), ("a_b.jpg", "000002.mp3")])
    pair_listed(data, "art2mus2024", place, shares=NONE, seed=0)
    assert pairs_of(data) == [("a_b", "2", "train")]


def test_a_list_of_other_files_leaves_the_pairs_alone(tmp_path):
    data = dataset(tmp_path / "data", [picture("a_b", "a")], [track(2, "b")])
    (data / PAIRS.file).write_bytes(b"earlier")
    place = published(tmp_path / "list", [("c_d.jpg", "fma_large/000/000003.mp3")])
    with pytest.raises(DatasetError, match=r"1 pairs of art2mus2024 .* 0 have both files"):
        pair_listed(data, "art2mus2024", place, shares=NONE, seed=0)
    assert (data / PAIRS.file).read_bytes() == b"earlier"
    with pytest.raises(SettingError, match="artgraph"):
        pair_listed(data, "artgraph", place, shares=NONE, seed=0)
