"""What an aligner in training composes is what the exported aligner composes."""

from __future__ import annotations

import math
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from art2mus_core.audio.reading import read_audio
from art2mus_core.datasets.manifest import read_manifest
from art2mus_core.errors import DatasetError
from art2mus_core.images.reading import read_artwork
from art2mus_core.measure.sound.music import FACTS, measure
from art2mus_core.pipelines.choice import Choice
from art2mus_core.pipelines.diffusion import ArtToMusic
from art2mus_core.training.stages import stage_builder
from art2mus_core.training.watching.previews import Previews, means, read_music, write_gallery

SECONDS = 1.5


@pytest.fixture(scope="module", autouse=True)
def brief() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("art2mus_core.training.watching.performing.SECONDS", SECONDS)
        yield


@pytest.fixture(scope="module")
def objective(pairs: Path, trained: Path, tiny) -> Any:
    """An aligner in training, with weights that half precision stores without rounding."""
    built = stage_builder(tiny("aligner"), pairs, trained)().eval()
    built.aligner.half().float()
    return built


@pytest.fixture(scope="module")
def composed(objective, tmp_path_factory: pytest.TempPathFactory) -> tuple[Previews, list[Any]]:
    """The previews of a step, and their results. Not to be written to."""
    previews = Previews(tmp_path_factory.mktemp("run") / "previews")
    return previews, previews.perform(objective, 20)


def pictures(previews: Previews) -> list[Path]:
    return [work.picture for work in previews.works.values() if work.picture]


def test_previews_equal_what_the_exported_aligner_composes(composed, objective, trained: Path, tmp_path: Path):
    previews, found = composed
    folder = shutil.copytree(trained, tmp_path / "checkpoint")
    objective.export(folder)
    artworks = [read_artwork(path) for path in pictures(previews)]
    pieces = ArtToMusic.open(Choice(str(folder))).compose(artworks, seconds=SECONDS)
    assert len(found) == len(pieces) == 3
    for preview, piece in zip(found, pieces, strict=True):
        assert torch.equal(preview.piece.samples, piece.samples)
        assert piece.samples.abs().max() > 0


def test_what_is_composed_depends_on_the_weights_alone(composed, objective, tmp_path: Path):
    """Generators are left as they were, and the table forgets what a stopped run composed later."""
    previews = Previews(shutil.copytree(composed[0].folder, tmp_path / "previews"))
    previews.choose(pictures(composed[0])[:1])
    drawn, arrays = torch.get_rng_state(), np.random.get_state()[1:3]  # noqa: NPY002 - the global generator
    kept = {name: value.clone() for name, value in objective.aligner.state_dict().items()}
    (first,) = previews.perform(objective, 40)
    with torch.no_grad():
        for weight in objective.aligner.parameters():
            weight.mul_(-3)
    try:
        (other,) = previews.perform(objective, 60)
    finally:
        objective.aligner.load_state_dict(kept)
    (again,) = previews.perform(objective, 40)
    assert torch.equal(first.piece.samples, again.piece.samples)
    assert not torch.equal(first.piece.samples, other.piece.samples)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert all(np.array_equal(*pair) for pair in zip(np.random.get_state()[1:3], arrays, strict=True))  # noqa: NPY002
    assert not objective.aligner.training
    assert all(weight.grad is None for weight in objective.parameters())
    assert [int(row["step"]) for row in read_music(previews.folder / "music.csv")] == [20] * 3 + [40]


def test_the_artworks_are_the_first_of_the_validation_split(composed, pairs: Path):
    chosen = [pairs / pair.artwork for pair in read_manifest(pairs) if pair.split == "validation"]
    assert pictures(composed[0]) == chosen


def test_sounds_and_pictures_are_written_with_their_settings(composed):
    previews, found = composed
    assert {path.relative_to(previews.folder).as_posix() for path in previews.folder.rglob("*") if path.is_file()} == {
        "music.csv",
        *(f"0000020/{each.name}{suffix}" for each in found for suffix in (".flac", ".png")),
    }
    for preview in found:
        sound = read_audio(preview.sound)
        assert sound.seconds == SECONDS
        assert torch.allclose(sound.samples, preview.piece.samples, atol=2**-15)
        with Image.open(preview.sound.with_suffix(".png")) as image:
            assert image.size == preview.picture.size


def test_the_music_is_measured(composed):
    previews, found = composed
    rows = read_music(previews.folder / "music.csv")
    assert [(row["step"], row["artwork"]) for row in rows] == [("20", name) for name in previews.works]
    for row, preview in zip(rows, found, strict=True):
        music = measure(preview.piece)
        for fact in FACTS:
            assert float(row[fact]) == pytest.approx(getattr(music, fact), rel=1e-5, nan_ok=True)
        assert row["key"] == preview.key


def test_the_mean_is_over_pieces_that_have_a_measure(composed):
    first, *others = (preview.values for preview in composed[1])
    heard = [values["brightness"] for values in others]
    assert means([{**first, "brightness": math.nan}, *others])["brightness"] == pytest.approx(np.mean(heard))
    assert "brightness" not in means([{**first, "brightness": math.nan}])


def test_pictures_of_one_name_and_chosen_ones(objective, pairs: Path, tmp_path: Path):
    first, second = (pairs / pair.artwork for pair in read_manifest(pairs)[:2])
    other = tmp_path / "elsewhere" / first.name
    other.parent.mkdir()
    shutil.copy(second, other)
    previews = Previews(tmp_path / "previews")
    previews.choose([first, other])
    assert list(previews.works) == [first.stem, f"{first.stem}-2"]
    found = previews.perform(objective, 1)
    assert not torch.equal(found[0].piece.samples, found[1].piece.samples)


def test_the_page_has_the_music_of_the_present_artworks_alone(objective, pairs: Path, tmp_path: Path):
    """Another picture of the same name is another artwork; in tables of earlier versions a name has to do."""
    first, second = (pairs / pair.artwork for pair in read_manifest(pairs)[:2])
    other = tmp_path / "elsewhere" / first.name
    other.parent.mkdir()
    shutil.copy(second, other)
    previews, table = Previews(tmp_path / "previews"), tmp_path / "previews" / "music.csv"
    for step, picture in ((20, first), (40, other)):
        previews.choose([picture])
        previews.perform(objective, step)
    assert _played(previews) == ["0000040"]
    earlier = [line.rsplit(",", 1)[0] for line in table.read_text(encoding="utf-8").splitlines()]
    table.write_text("\n".join(earlier) + "\n", encoding="utf-8")
    assert _played(previews) == ["0000020", "0000040"]
    previews.perform(objective, 60)
    assert _played(previews) == ["0000020", "0000040", "0000060"]


def _played(previews: Previews) -> list[str]:
    write_gallery(previews, "a run: previews")
    page = (previews.folder / "index.html").read_text(encoding="utf-8")
    return sorted(set(re.findall(r'data-source="(\d+)/', page)))


def test_an_empty_validation_split_is_refused(objective, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(objective.data, "rows", lambda split: np.array([], int))
    with pytest.raises(DatasetError, match="Name pictures in the field previews, or set preview_every to 0"):
        Previews(tmp_path).perform(objective, 1)


def test_the_page_plays_the_previews_of_steps_spread_over_the_run(composed, tmp_path: Path):
    folder = shutil.copytree(composed[0].folder, tmp_path / "previews")
    header, *rows = (folder / "music.csv").read_text(encoding="utf-8").splitlines()
    steps = range(20, 820, 20)
    for step in steps[1:]:
        shutil.copytree(folder / "0000020", folder / f"{step:07d}")
    table = [header, *(row.replace("20,", f"{step},", 1) for step in steps for row in rows)]
    (folder / "music.csv").write_text("\n".join(table) + "\n", encoding="utf-8")
    previews = replace(composed[0], folder=folder)
    write_gallery(previews, "a run: previews", ["From step 60, previews are missing."])
    page = (folder / "index.html").read_text(encoding="utf-8")
    played = re.findall(r'data-source="(\d+)/([^"]+)\.flac"', page)
    assert {name for _, name in played} == set(previews.works)
    shown = sorted({int(step) for step, _ in played})
    assert len(shown) == 12
    assert (shown[0], shown[-1]) == (20, 800)
    assert max(np.diff(shown)) <= 80
    assert all((folder / step / f"{name}.flac").is_file() for step, name in played)
    assert "From step 60, previews are missing." in page
    assert "Onset rate" in page
