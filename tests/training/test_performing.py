"""What is heard of Art2Music while it trains: its mels through the checkpoint's vocoder, and the vocoder itself."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from art2mus_core.audio.level import finish
from art2mus_core.audio.reading import read_audio, read_tags
from art2mus_core.checkpoints.folder import load_component, read_config, save_config
from art2mus_core.datasets.manifest import read_manifest, write_manifest
from art2mus_core.errors import CheckpointError, DatasetError
from art2mus_core.images.reading import read_artwork
from art2mus_core.networks.hifigan import HifiGan
from art2mus_core.pipelines import load
from art2mus_core.training.loop import train
from art2mus_core.training.objectives.mel import MEL_LOSSES
from art2mus_core.training.processes import accelerated
from art2mus_core.training.stages import stage_builder
from art2mus_core.training.watching.performing import check_previews
from art2mus_core.training.watching.previews import Previews, read_music, write_gallery
from art2mus_core.training.watching.watcher import watch
from art2mus_core.types import Waveform

from .conftest import state_of
from .test_loop import same

LATER = [("dark", "wild", "sad"), ("it glows",), ("wild",)]
"""The comments on the validation pairs."""


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("art2mus_core.training.watching.performing.SECONDS", 1.05)


@pytest.mark.parametrize("kind", MEL_LOSSES)
def test_previews_of_mels_equal_what_the_exported_checkpoint_composes(build_mel, kind, mel_parts, pairs, tmp_path):
    """With the comments of the validation pairs, by their order; with any neutral text and any spread of tempos."""
    torch.manual_seed(0)
    objective = build_mel(kind).eval()
    with torch.no_grad():
        for name, weight in objective.trained.named_parameters():
            if "neutral" in name or "reading" in name or "leave" in name:
                weight.normal_(std=0.3)
    for name in ("fusion", "mel_decoder"):
        objective.trained[name].half().float()
    previews = Previews(tmp_path / "previews")
    found = previews.perform(objective, 20)
    folder = shutil.copytree(mel_parts, tmp_path / "checkpoint")
    objective.export(folder)
    artworks = [read_artwork(work.picture) for work in previews.works.values()]
    assert [artwork.sha256 for artwork in artworks] == [pair.artwork_sha256 for pair in read_manifest(pairs)[4:]]
    pieces = load(str(folder)).compose(artworks, comments=LATER, seconds=1.05)
    for preview, piece, told in zip(found, pieces, LATER, strict=True):
        assert torch.equal(preview.piece.samples, piece.samples)
        assert piece.samples.abs().max() > 0
        tags = read_tags(preview.sound)
        assert tags["comment"].splitlines() == list(told)
        assert (tags["seed"], tags["step"], tags["seconds"]) == ("0", "20", "1.05")
    assert kind == "bilstm" or read_config(folder, "plan_model")["spread"] > 0

    previews.choose([work.picture for work in previews.works.values()][:1])
    (alone,) = previews.perform(objective, 40)
    (piece,) = load(str(folder)).compose(artworks[:1], seconds=1.05)
    assert torch.equal(alone.piece.samples, piece.samples)
    assert (alone.piece.samples - pieces[0].samples).abs().max() > 1e-3
    assert "comment" not in read_tags(alone.sound)


def test_the_encoders_are_opened_once(build_mel, tmp_path, monkeypatch: pytest.MonkeyPatch):
    """And what is composed still follows the weights."""
    objective, previews = build_mel("bilstm").eval(), Previews(tmp_path)
    first = previews.perform(objective, 20)
    for name in ("image", "text"):
        monkeypatch.setattr(f"art2mus_core.training.watching.performing.load_{name}_encoder", None)
    again = previews.perform(objective, 40)
    torch.nn.init.normal_(objective.fusion.residual.weight)
    changed = previews.perform(objective, 60)
    assert all(torch.equal(one.piece.samples, other.piece.samples) for one, other in zip(first, again, strict=True))
    assert not any(
        torch.equal(one.piece.samples, other.piece.samples) for one, other in zip(first, changed, strict=True)
    )


def test_the_page_shows_comments(build_mel, tmp_path):
    previews = Previews(tmp_path)
    previews.perform(build_mel("bilstm").eval(), 20)
    write_gallery(previews, "a run: previews")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "dark · wild · sad" in page
    assert "reference" not in page


def test_previews_of_a_vocoder_are_the_beginnings_of_music_beside_the_music_itself(hifigan, pairs, tmp_path):
    objective = stage_builder(hifigan(), pairs, tmp_path / "checkpoint")().eval()
    previews = Previews(tmp_path / "previews")
    found = previews.perform(objective, 20)
    objective.export(tmp_path / "out")
    network = load_component(tmp_path / "out", "vocoder", HifiGan)
    validation = read_manifest(pairs)[4:]
    assert [preview.name for preview in found] == [Path(pair.music).stem for pair in validation]
    for row, preview in enumerate(found, start=4):
        with torch.no_grad():
            made = network(torch.from_numpy(objective.mels[row][:84, 0].astype(np.float32))[None])[:, None, : 84 * 200]
        torch.testing.assert_close(preview.piece.samples, finish(Waveform(made, 16_000)).samples, atol=2e-3, rtol=2e-2)
        true = torch.from_numpy(objective.sounds[row][: 84 * 200, 0].astype(np.float32))[None, None] / 32767
        heard = read_audio(tmp_path / "previews" / "reference" / f"{preview.name}.flac").samples
        assert torch.allclose(heard, finish(Waveform(true, 16_000)).samples, atol=2**-14)
        assert read_tags(preview.sound)["mels"] == "true"
        assert preview.sound.with_suffix(".png").is_file()
    assert [row["artwork"] for row in read_music(tmp_path / "previews" / "music.csv")] == [each.name for each in found]
    write_gallery(previews, "a run: previews")
    page = (tmp_path / "previews" / "index.html").read_text(encoding="utf-8")
    for preview in found:
        assert f'data-source="0000020/{preview.name}.flac"' in page
        assert f'data-source="reference/{preview.name}.flac"' in page
    assert set(previews.references) == set(previews.works)


def test_what_is_vocoded_of_predicted_mels_says_the_comments(hifigan, build_mel, commented, mel_parts, tmp_path):
    folder = shutil.copytree(mel_parts, tmp_path / "checkpoint")
    build_mel("bilstm").export(folder)
    objective = stage_builder(hifigan({"mels": "predicted"}), commented, folder)().eval()
    for preview, told in zip(Previews(tmp_path / "previews").perform(objective, 20), LATER, strict=True):
        assert read_tags(preview.sound)["comment"].splitlines() == list(told)
        assert preview.piece.samples.shape[-1] == 84 * 200


def test_a_vocoder_trained_on_music_alone_has_previews(hifigan, pairs, tmp_path):
    """Music without an artwork, and that of several pairs once."""
    folder = shutil.copytree(pairs, tmp_path / "pairs")
    rows = read_manifest(folder)
    alone = [*rows[:4], *(type(row)(**{**vars(row), "music": rows[5].music}) for row in rows[4:])]
    shutil.rmtree(folder / Path(rows[0].artwork).parent)
    write_manifest(folder, alone)
    objective, previews = stage_builder(hifigan(), folder, tmp_path / "checkpoint")().eval(), Previews(tmp_path / "out")
    assert [preview.name for preview in previews.perform(objective, 20)] == [Path(rows[5].music).stem]
    write_gallery(previews, "a run: previews")


def test_a_validation_split_without_music_is_refused(hifigan, pairs, tmp_path, monkeypatch: pytest.MonkeyPatch):
    objective = stage_builder(hifigan(), pairs, tmp_path)().eval()
    monkeypatch.setattr(objective.data, "rows", lambda split: np.array([], int))
    with pytest.raises(DatasetError, match=r"no music of more than 1 s in it; .* Set preview_every to 0"):
        Previews(tmp_path).perform(objective, 1)


def test_a_vocoder_that_cannot_be_used_is_refused_at_the_start(mel_config, mel_parts, tmp_path):
    folder, config = shutil.copytree(mel_parts, tmp_path / "checkpoint"), mel_config("bilstm", preview_every=2)
    check_previews(config, folder)
    save_config(folder, "vocoder", {**read_config(folder, "vocoder"), "model_type": "waveglow"})
    with pytest.raises(CheckpointError, match="a vocoder 'waveglow'"):
        check_previews(config, folder)


@pytest.mark.usefixtures("letters")
@pytest.mark.parametrize("stage", ["bilstm", "diffusion", "hifigan"])
def test_watching_changes_no_bit_of_a_run(stage, mel_config, hifigan, commented, mel_parts, tmp_path: Path):  # noqa: PLR0917
    """With a decoder that draws, a frozen one, and discriminators that keep estimates of their own."""
    config: Any = hifigan(preview_every=1) if stage == "hifigan" else mel_config(stage, preview_every=2)
    build, run = stage_builder(config, commented, mel_parts), tmp_path / "run"
    with accelerated(config) as accelerator, watch(config, mel_parts, run, accelerator) as observer:
        train(build, config, run, accelerator=accelerator, observer=observer)
        assert observer.notes == []
    assert len([*(run / "previews").glob("0*")]) == 2
    assert (run / "previews" / "index.html").is_file()
    train(build, config, tmp_path / "plain")
    ours, plain = state_of(run), state_of(tmp_path / "plain")
    for part, value in ours.items():
        assert same(value, plain[part]), part
