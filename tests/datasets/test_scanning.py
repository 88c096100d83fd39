from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from art2mus_core.audio.files import write_audio
from art2mus_core.datasets.items import Item
from art2mus_core.datasets.listing import Listing
from art2mus_core.datasets.scanning import scan_artworks, scan_music
from art2mus_core.datasets.tables import ARTWORKS, ITEMS, MUSIC, ArtworkRow, MusicRow
from art2mus_core.datasets.workers import spread
from art2mus_core.images.reading import read_artwork
from art2mus_core.types import Waveform

RATE = 8000
ALONE = partial(spread, workers=1)


def draw(path: Path, seed: int, size: tuple[int, int] = (40, 30)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    small = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), np.uint8)
    Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).save(path)


def play(path: Path, seconds: float, level: float = 0.3, channels: int = 1) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = torch.randn(1, channels, round(seconds * RATE), generator=torch.Generator().manual_seed(7))
    write_audio(path, Waveform(level * noise.clamp(-1, 1), RATE), tags={}, cover=None)


def listed(root: Path, *items: Item) -> Listing:
    rows = items or [Item(path.stem, path.name) for path in sorted(root.iterdir())]
    path = root.parent / "out" / "items.parquet"
    return Listing(root, path, ITEMS.write(path, rows))


def artworks(root: Path, *items: Item, **options) -> list[ArtworkRow]:
    out = root.parent / "out"
    scan_artworks(listed(root, *items), out, ALONE, **options)
    return list(ARTWORKS.read(out / ARTWORKS.file))


def music(root: Path, *items: Item, **options) -> list[MusicRow]:
    out = root.parent / "out"
    scan_music(listed(root, *items), out, ALONE, **options)
    return list(MUSIC.read(out / MUSIC.file))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    return tmp_path / "files"


def test_a_picture_is_measured_and_what_its_source_says_is_kept(root: Path):
    draw(root / "Realism" / "a.png", 1)
    (row,) = artworks(root, Item("1", "Realism/a.png", "jan", "A", ("Realism",), "CC0-1.0", texts=(("title", "A"),)))
    assert (row.width, row.height, row.fault, row.notes) == (40, 30, None, ())
    assert row.sha256 == read_artwork(root / "Realism" / "a.png").sha256
    assert (row.creator, row.genres, row.licence, row.texts) == ("jan", ("Realism",), "CC0-1.0", (("title", "A"),))


def test_similar_pictures_look_alike(root: Path):
    draw(root / "a.png", 1)
    draw(root / "a smaller.jpg", 1, (32, 24))
    draw(root / "b.png", 2)
    bits = {row.path: int(row.look, 16) for row in artworks(root)}
    assert (bits["a.png"] ^ bits["a smaller.jpg"]).bit_count() <= 4
    assert (bits["a.png"] ^ bits["b.png"]).bit_count() >= 16


def test_every_kind_of_bad_picture_has_its_fault_and_the_others_are_scanned(root: Path):
    draw(root / "good.png", 1)
    (root / "text.png").write_text("not a picture", encoding="utf-8")
    (root / "empty.jpg").touch()
    whole = root.parent / "whole.png"
    draw(whole, 3, (400, 300))
    (root / "cut.png").write_bytes(whole.read_bytes()[:3000])
    there = [Item(path.stem, path.name) for path in sorted(root.iterdir())]
    rows = {row.id: row for row in artworks(root, *there, Item("gone", "gone.png"), Item("folder", "."))}
    kinds = {name: row.fault and row.fault.split(":")[0] for name, row in rows.items()}
    bad = dict.fromkeys(("text", "empty", "cut"), "damaged") | dict.fromkeys(("gone", "folder"), "missing")
    assert kinds == {"good": None, **bad}
    assert not [row.fault for row in rows.values() if row.fault and str(root) in row.fault]
    assert rows["text"].file_sha256
    assert rows["gone"].file_sha256 is None


def test_a_link_that_leaves_the_folder_is_not_followed(root: Path):
    draw(root.parent / "secret.png", 1)
    (root / "link.png").symlink_to(root.parent / "secret.png")
    (row,) = artworks(root)
    assert row.fault.startswith("outside: ")
    assert row.sha256 is None


def test_music_is_decoded(root: Path):
    play(root / "a.flac", 1.5, channels=2)
    (row,) = music(root)
    assert (row.samples, row.sample_rate, row.channels, row.fault, row.notes) == (12_000, RATE, 2, None, ())


def test_short_silent_broken_and_mislabelled_music_is_told(root: Path):
    play(root / "short.wav", 0.9)
    play(root / "silent.wav", 2, level=5e-4)
    play(root / "long.flac", 3)
    play(root / "whole.flac", 3)
    (root / "broken.flac").write_bytes((root / "whole.flac").read_bytes()[:9000])
    (root / "no sound.mp3").write_bytes(b"")
    shutil.copy(root / "long.flac", root / "named wrongly.mp3")
    there = [
        Item(path.stem, path.name, seconds=30.0 if path.stem == "long" else None) for path in sorted(root.iterdir())
    ]
    rows = {row.id: row for row in music(root, *there, Item("listed", "whole.flac", problem="too short"))}
    kinds = {name: row.fault and row.fault.split(":")[0] for name, row in rows.items()}
    assert kinds == {
        "short": "short", "silent": "silent", "broken": "damaged", "no sound": "damaged",
        "long": None, "named wrongly": None, "whole": None, "listed": None,
    }  # fmt: skip
    assert rows["short"].fault == "short: 0.90 s, where 1 s are needed"
    assert rows["long"].notes == ("states 30.0 s and has 3.0 s",)
    assert rows["named wrongly"].notes == ("mislabelled: flac in a file named .mp3",)
    assert rows["listed"].notes == ("listed as: too short",)
    assert rows["long"].sound == rows["named wrongly"].sound == rows["whole"].sound
    assert rows["long"].sound != rows["silent"].sound


def test_the_least_length_is_a_choice_that_scans_again(root: Path):
    play(root / "a.flac", 1.5)
    assert [music(root, shortest=limit)[0].fault for limit in (1.5, 1.6, 1.0)] == [
        None, "short: 1.50 s, where 1.6 s are needed", None,
    ]  # fmt: skip


def test_a_file_that_changed_is_opened_again_and_others_are_not(root: Path, monkeypatch: pytest.MonkeyPatch):
    draw(root / "a.png", 1)
    before = artworks(root)
    monkeypatch.setattr("art2mus_core.datasets.scanning.read_artwork", lambda path: pytest.fail(f"{path} is opened"))
    assert artworks(root) == before
    monkeypatch.undo()
    draw(root / "a.png", 2, (41, 30))
    assert artworks(root)[0].width == 41


def test_a_mended_file_is_found_by_trying_faults_again(root: Path):
    item = Item("a", "a.png")
    assert artworks(root, item)[0].fault
    draw(root / "a.png", 1)
    assert artworks(root, item, retry=True)[0].fault is None


def test_parallel_processes_give_the_same_table(root: Path):
    for seed in range(19):
        draw(root / f"{seed:02d}.png", seed)
    (root / "19.png").touch()
    artworks(root)
    table = root.parent / "out" / ARTWORKS.file
    one = table.read_bytes()
    shutil.rmtree(root.parent / "out" / "scan")
    counts = scan_artworks(listed(root), root.parent / "out", partial(spread, workers=2))
    assert counts == {"files": 20, "usable": 19, "damaged": 1}
    assert table.read_bytes() == one
