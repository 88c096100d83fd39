from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from art2mus_core.datasets import embedding
from art2mus_core.datasets.pairing import PAIRING, Rule, pair
from art2mus_core.datasets.reading import read_pairs
from art2mus_core.datasets.tables import ARTWORKS, MUSIC, PAIRS, ArtworkRow, MusicRow, PairRow
from art2mus_core.datasets.vectors import EMBEDDINGS, Embedded
from art2mus_core.errors import DatasetError, SettingError

ALL = Rule(validation=0.0, test=0.0, hubs="keep")


def write_vectors(folder: Path, kind: str, vectors: dict[str, list[float]]) -> None:
    place = folder / EMBEDDINGS / f"{kind}-tiny"
    place.mkdir(parents=True, exist_ok=True)
    results = [Embedded(name, f"content of {name}", np.array(vector, np.float32)) for name, vector in vectors.items()]
    embedding.write_shard({"space": "tiny", "encoder": "e"}, place / "000000.parquet", results)
    (place / "000000.json").write_text('{"made_from": ""}', encoding="utf-8")


def write(folder: Path, artworks: dict[str, list[float]], music: dict[str, list[float]], **facts: dict) -> Path:
    """A scanned and embedded dataset; `facts` are further fields of rows by their ids."""
    folder.mkdir(exist_ok=True)
    told = {name: {"file_sha256": f"content of {name}", **facts.get(name, {})} for name in (*artworks, *music)}
    ARTWORKS.write(folder / ARTWORKS.file, [ArtworkRow(name, f"{name}.png", **told[name]) for name in artworks])
    sound = {"samples": 160_000, "sample_rate": 16_000}
    MUSIC.write(folder / MUSIC.file, [MusicRow(name, f"{name}.mp3", **{**sound, **told[name]}) for name in music])
    write_vectors(folder, "artworks", artworks)
    write_vectors(folder, "music", music)
    return folder


def paired(folder: Path) -> dict[str, str]:
    return {row.artwork: row.music for row in PAIRS.read(folder / PAIRS.file)}


def made(count: int, seed: int) -> tuple[dict, dict]:
    vectors = np.random.default_rng(seed).normal(size=(2, count, 5))
    return tuple(
        {f"{side}{number}": list(own) for number, own in enumerate(rows)}
        for side, rows in zip("am", vectors, strict=True)
    )


THREE = {"a": [1, 0.1], "b": [1, 0], "c": [0, 2]}


def test_each_artwork_gets_the_most_similar_music_of_any_length_of_vector(tmp_path: Path):
    write(tmp_path, THREE, {"x": [9, 0], "y": [0, 0.1]})
    told = pair(tmp_path, "tiny", ALL)
    rows = list(PAIRS.read(tmp_path / PAIRS.file))
    assert [(row.artwork, row.music, row.split, row.rank) for row in rows] == [
        ("a", "x", "train", 1),
        ("b", "x", "train", 1),
        ("c", "y", "train", 1),
    ]
    assert [row.score for row in rows] == pytest.approx([1 / np.sqrt(1.01), 1, 1])
    assert told["splits"]["train"] == {"artworks": 3, "music": 2, "pairs": 3, "pieces used": 2, "hubness": None}
    assert json.loads((tmp_path / PAIRING).read_text(encoding="utf-8"))["rule"]["mode"] == "nearest"


def test_only_those_that_choose_each_other(tmp_path: Path):
    write(tmp_path, THREE, {"x": [1, 0], "y": [0, 1]})
    pair(tmp_path, "tiny", replace(ALL, mode="mutual", candidates=1))
    assert paired(tmp_path) == {"b": "x", "c": "y"}


@pytest.mark.parametrize(("more", "count"), [("artworks", 2), ("music", 3)])
def test_one_to_one_is_the_best_total_and_leaves_out_what_is_left(more: str, count: int, tmp_path: Path):
    music = (
        {"x": [1, 0], "y": [0, 1]} if more == "artworks" else {"x": [1, 0], "y": [0.9, 0.9], "z": [0, 1], "w": [-1, 0]}
    )
    write(tmp_path, THREE, music)
    told = pair(tmp_path, "tiny", replace(ALL, mode="one-to-one"))
    found = paired(tmp_path)
    assert len(found) == len(set(found.values())) == count
    assert found["c"] == ("y" if more == "artworks" else "z")
    assert told["splits"]["train"]["certificate"]["gap"] == pytest.approx(0, abs=1e-6)
    assert {row.rank for row in PAIRS.read(tmp_path / PAIRS.file)} == {None}


def test_the_floor_is_a_cosine_whatever_the_correction(tmp_path: Path):
    write(tmp_path, *made(40, 1))
    for hubs in ("keep", "csls", "softmax"):
        pair(tmp_path, "tiny", replace(ALL, hubs=hubs, floor=0.7))
        rows = list(PAIRS.read(tmp_path / PAIRS.file))
        assert 0 < len(rows) < 40
        assert min(row.score for row in rows) >= 0.7


def test_caps_count_painters_musicians_and_genres(tmp_path: Path):
    facts = {f"a{number}": {"creator": f"painter {number % 3}"} for number in range(12)}
    facts |= {
        f"m{number}": {"creator": f"musician {number % 4}", "genres": (f"genre {number % 2}", "more")}
        for number in range(12)
    }
    write(tmp_path, *made(12, 2), **facts)
    pair(tmp_path, "tiny", replace(ALL, candidates=12, per_artist=2, per_musician=2, per_genre=3))
    found = paired(tmp_path)
    assert len(found) == 6
    assert max(Counter(facts[name]["creator"] for name in found).values()) == 2
    assert max(Counter(facts[name]["creator"] for name in found.values()).values()) <= 2
    assert max(Counter(facts[name]["genres"][0] for name in found.values()).values()) == 3


def test_only_music_with_a_licence_that_was_named_is_used(tmp_path: Path):
    licences = {"x": "CC-BY-NC-4.0", "y": "Public Domain Mark 1.0", "z": None}
    write(
        tmp_path,
        THREE,
        {"x": [1, 0], "y": [0, 1], "z": [1, 1]},
        **{name: {"licence": own} for name, own in licences.items()},
    )
    for wanted, used in (((), {"x", "y"}), (("cc-by",), {"x"}), (("domain", "CC-BY"), {"x", "y"})):
        pair(tmp_path, "tiny", replace(ALL, licences=wanted))
        assert set(paired(tmp_path).values()) == used
    with pytest.raises(DatasetError, match="no pair among"):
        pair(tmp_path, "tiny", replace(ALL, licences=("MIT",)))


def test_a_hub_loses_by_the_corrections(tmp_path: Path):
    artworks, music = made(60, 3)
    centre = np.mean([np.array(vector) / np.linalg.norm(vector) for vector in artworks.values()], 0)
    music["m0"] = list(centre + 0.0)
    shifted = {name: list(np.array(vector) + 3 * centre / np.linalg.norm(centre)) for name, vector in artworks.items()}
    write(tmp_path, shifted, music)
    told = {
        hubs: pair(tmp_path, "tiny", replace(ALL, hubs=hubs))["splits"]["train"] for hubs in ("keep", "csls", "softmax")
    }
    assert told["csls"]["hubness"] == told["softmax"]["hubness"] == told["keep"]["hubness"] > 1.4
    for hubs in ("csls", "softmax"):
        assert told[hubs]["hubness corrected"] < told[hubs]["hubness"]
        assert told[hubs]["pieces used"] > told["keep"]["pieces used"]


def test_nothing_straddles_the_splits(tmp_path: Path):
    looks = np.random.default_rng(6).integers(0, 2**64, 80, np.uint64)
    facts = {
        f"a{number}": {"creator": f"painter {number // 4}", "look": f"{looks[number]:016x}"} for number in range(80)
    }
    facts |= {f"m{number}": {"creator": f"musician {number // 4}"} for number in range(80)}
    write(tmp_path, *made(80, 4), **facts)
    told = pair(tmp_path, "tiny", Rule(validation=0.2, test=0.2, seed=5), duplicates=[["a0", "a79"]])
    rows = list(PAIRS.read(tmp_path / PAIRS.file))
    assert Counter(row.split for row in rows) == {"train": 48, "validation": 16, "test": 16}
    for side in ("artwork", "music"):
        splits = {(facts[getattr(row, side)]["creator"], row.split) for row in rows}
        assert len(splits) == len({creator for creator, _ in splits}) > 10
    assert len({row.split for row in rows if row.artwork in {"a0", "a79"}}) == 1
    assert told["united"] == {"artworks": {"listed as duplicates": [("a0", "a79")]}, "music": {}}


def test_the_same_vectors_give_the_same_bytes(tmp_path: Path):
    write(tmp_path, *made(40, 1))
    pair(tmp_path, "tiny", Rule())
    first = (tmp_path / PAIRS.file).read_bytes()
    pair(tmp_path, "tiny", Rule())
    assert (tmp_path / PAIRS.file).read_bytes() == first


def test_pairs_are_read_for_training(tmp_path: Path):
    write(
        tmp_path,
        THREE,
        {"x": [1, 0], "y": [0, 1]},
        x={"licence": "CC-BY-4.0"},
        a={"licence": "CC0-1.0", "texts": (("title", "A"),), "sha256": "s"},
    )
    pair(tmp_path, "tiny", ALL)
    first = read_pairs(tmp_path)[0]
    assert (first.artwork, first.music) == ("artworks/a.png", "music/x.mp3")
    assert (first.seconds, first.sample_rate, first.artwork_sha256) == (10.0, 16_000, "s")
    assert (first.licence, first.artwork_caption, first.music_caption) == ("CC0-1.0; CC-BY-4.0", "A", None)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (PairRow("0", "nobody", "x", "train"), "names 'nobody', which is not there"),
        (PairRow("0", "a", "bad", "train"), "names 'bad', which has a fault"),
        (PairRow("0", "a", "out", "train"), "points to '../out.mp3'"),
        (PairRow("0", "a", "x", "tset"), "split 'tset'"),
    ],
)
def test_pairs_that_point_nowhere_are_refused(row: PairRow, told: str, tmp_path: Path):
    ARTWORKS.write(tmp_path / ARTWORKS.file, [ArtworkRow("a", "a.png")])
    pieces = [MusicRow("x", "x.mp3"), MusicRow("bad", "b.mp3", fault="short: 1 s"), MusicRow("out", "../out.mp3")]
    MUSIC.write(tmp_path / MUSIC.file, pieces)
    PAIRS.write(tmp_path / PAIRS.file, [row])
    with pytest.raises(DatasetError, match=told):
        read_pairs(tmp_path)


def test_embeddings_of_other_files_are_refused(tmp_path: Path):
    write(tmp_path, THREE, {"x": [1, 0]}, b={"file_sha256": "changed"}, c={"fault": "missing: no such file"})
    with pytest.raises(DatasetError, match=r"embedding of 'b' and 1 others .* are of other files.*dataset embed"):
        pair(tmp_path, "tiny", ALL)


def test_no_pair_is_an_error_and_leaves_the_pairs_that_are_there(tmp_path: Path):
    write(tmp_path, {"a": [1, 0]}, {"x": [0, 1]})
    pair(tmp_path, "tiny", ALL)
    with pytest.raises(DatasetError, match="no pair among 1 artworks and 1 pieces"):
        pair(tmp_path, "tiny", replace(ALL, floor=0.5))
    assert paired(tmp_path) == {"a": "x"}


@pytest.mark.parametrize(
    "wrong",
    [{"mode": "best"}, {"hubs": "none"}, {"candidates": 0}, {"floor": 1.1}, {"per_artist": 0}, {"test": 1.0}],
    ids=str,
)
def test_impossible_rules_are_refused(wrong: dict, tmp_path: Path):
    write(tmp_path, THREE, {"x": [1, 0]})
    with pytest.raises(SettingError):
        pair(tmp_path, "tiny", replace(ALL, **wrong))
