"""Captions are for evaluation: no text reaches what is trained."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from art2mus_core.datasets.captioning import attach
from art2mus_core.datasets.items import Text
from art2mus_core.datasets.listing import list_source
from art2mus_core.datasets.manifest import read_manifest, write_manifest
from art2mus_core.datasets.reading import read_pairs
from art2mus_core.datasets.scanning import scan_artworks, scan_music
from art2mus_core.datasets.tables import ARTWORKS, MUSIC, PAIRS, PairRow
from art2mus_core.datasets.workers import spread
from art2mus_core.training.loop import train
from art2mus_core.training.stages import stage_builder

ALONE = partial(spread, workers=1)


def with_tables(data: Path, pairs: Path) -> None:
    """Two pairs as a dataset of tables; its captions are those that `caption` makes."""
    for kind in ("artworks", "music"):
        (data / kind).mkdir(parents=True)
    for number, pair in enumerate(read_manifest(pairs)[:2]):
        for kind, path in (("artworks", pairs / pair.artwork), ("music", pairs / pair.music)):
            shutil.copy(path, data / kind / f"{number}{path.suffix}")
    scan_artworks(list_source(data, "artworks", data / "artworks", "folder"), data, ALONE)
    scan_music(list_source(data, "music", data / "music", "folder"), data, ALONE)
    PAIRS.write(
        data / PAIRS.file,
        [PairRow("a", "0", "0", "train"), PairRow("b", "1", "1", "validation")],
    )


def with_manifest(data: Path, pairs: Path) -> None:
    """Two pairs as a made dataset has them."""
    data.mkdir()
    chosen = [
        replace(pair, split=split) for pair, split in zip(read_manifest(pairs), ("train", "validation"), strict=False)
    ]
    for pair in chosen:
        for path in (pair.artwork, pair.music):
            (data / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(pairs / path, data / path)
    write_manifest(data, [replace(pair, artwork_caption=None, music_caption=None) for pair in chosen])


def caption_tables(data: Path) -> None:
    attach(data, "artworks", "artemis", [Text("1", "0", "It is loud."), Text("2", "1", "It is red.")])
    attach(data, "music", "musiccaps", [Text("1", "0", "A slow waltz."), Text("2", "1", "A fast march.")])
    for table in (ARTWORKS, MUSIC):
        rows = [replace(row, title=f"Title {row.id}", texts=(("title", "x"),)) for row in table.read(data / table.file)]
        table.write(data / table.file, rows)


def caption_manifest(data: Path) -> None:
    write_manifest(
        data, [replace(pair, artwork_caption="It is loud.", music_caption=pair.id) for pair in read_manifest(data)]
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "layout", [(with_tables, caption_tables), (with_manifest, caption_manifest)], ids=["tables", "manifest"]
)
def test_features_and_weights_are_the_same_with_and_without_captions(
    layout, pairs: Path, pocket_like: Path, tiny, tmp_path: Path
):
    write, describe = layout
    plain, told = tmp_path / "plain", tmp_path / "told"
    write(plain, pairs)
    shutil.copytree(plain, told)
    describe(told)
    for without, with_words in zip(read_pairs(plain), read_pairs(told), strict=True):
        assert with_words.artwork_caption not in (None, without.artwork_caption)
        assert with_words.music_caption not in (None, without.music_caption)
    config = tiny("aligner", {"alignment": None}, steps=1, batch=1, model={"hidden": 17, "tokens": 3})
    found = []
    for data in (plain, told):
        objective, _ = train(stage_builder(config, data, pocket_like), config, tmp_path / f"{data.name} state")
        found.append((contents(data / "features"), objective.aligner.state_dict()))
    (features, weights), (others, other_weights) = found
    assert features
    assert features == others
    assert weights.keys() == other_weights.keys()
    assert all(torch.equal(weight, other_weights[name]) for name, weight in weights.items())
    start = stage_builder(config, plain, pocket_like)().aligner.state_dict()
    assert not all(torch.equal(weight, start[name]) for name, weight in weights.items())
