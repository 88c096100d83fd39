"""All stages in their order, on real pairs, into one checkpoint."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from art2mus_core.aligners.files import load_aligner, read_header
from art2mus_core.checkpoints.folder import read_tensors, weights_file
from art2mus_core.checkpoints.identity import component_digest
from art2mus_core.conditioning.constants import load_constants
from art2mus_core.datasets.manifest import read_manifest, write_manifest
from art2mus_core.datasets.synthetic.painting import paint
from art2mus_core.datasets.synthetic.pairs import PLAN
from art2mus_core.encoders.efficientnet import traits
from art2mus_core.encoders.efficientnet_files import load_efficientnet
from art2mus_core.errors import CheckpointError, DatasetError, SettingError
from art2mus_core.images.reading import read_artwork
from art2mus_core.pipelines import load
from art2mus_core.pipelines.settings import Settings
from art2mus_core.training.batches import Draw
from art2mus_core.training.config import STAGES as EVERY
from art2mus_core.training.config import TrainingConfig
from art2mus_core.training.features.dataset import Dataset
from art2mus_core.training.features.latents import embed_artworks, encode_latents, see_artworks
from art2mus_core.training.grids import checkpoint_grid
from art2mus_core.training.stages import OBJECTIVES, stage_builder
from art2mus_core.types import Latent, Mel, OnStep

from .conftest import DIM, GRID, MEL, MODELS, STAGES, state_of

CPU = torch.device("cpu")
FROZEN = ("audio_encoder", "image_encoder", "vae", "vocoder", "projection_model", "language_model", "unet")


def dataset_of(pairs: Path, checkpoint: Path, on_step: OnStep | None = None) -> Dataset:
    return Dataset(pairs, checkpoint_grid(TrainingConfig.load("aligner"), checkpoint), on_step)


def contents(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_stage_has_its_row():
    assert tuple(OBJECTIVES) == EVERY


def test_the_checkpoint_composes(trained: Path, tiny):
    pipeline, options = load(str(trained)), tiny("prior").options
    assert pipeline.parts.presets["exact"] == Settings(**options["defaults"], preset="exact")
    for name, fields in options["presets"].items():
        assert pipeline.parts.presets[name] == Settings(**{**options["defaults"], **fields}, preset=name)
    (waveform,) = pipeline.compose([paint(3)], seconds=1.3, steps=2)
    assert waveform.samples.shape == (1, 1, round(1.3 * GRID.sample_rate))
    assert waveform.samples.isfinite().all()


def test_every_component_is_stored_in_half_precision(trained: Path):
    for name in FROZEN:
        tensors, _ = read_tensors(weights_file(trained, name))
        assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}, name


def test_exported_weights_are_the_averaged_ones(trained: Path):
    state = state_of(trained.parent / "vae")
    tensors, _ = read_tensors(weights_file(trained, "vae"))
    away = 0.0
    for key, stored in tensors.items():
        assert torch.equal(stored, state["average"][f"vae.{key}"].half())
        away = max(away, float((stored - state["trained"][f"vae.{key}"]).abs().max()))
    assert away > 1e-3


def test_latents_are_drawn_at_the_scale_they_are_decoded_at(trained: Path, pairs: Path, tiny):
    """A prior that learns latents of one scale and is decoded at another makes faint music, and no loss shows it."""
    data, pipeline = dataset_of(pairs, trained), load(str(trained))
    assert pipeline.parts.grid.latent_scale == 0.37
    rows = np.array([4, 5, 6])
    draw = Draw(np.random.default_rng(0), 3)
    objective = stage_builder(tiny("aligner", {"crop": 100}), pairs, trained)()
    latent = objective.noised(draw, rows, beginning=True).latent
    mel = torch.from_numpy(data.mels().crops(rows, 800))[:, :, 0]
    with torch.no_grad():
        expected = pipeline.parts.autoencoder.encode(Mel(mel)).values
        drawn, wanted = (pipeline.to_mel(Latent(values)).values for values in (latent, expected))
    assert (latent - expected).norm() < 0.02 * expected.norm()
    assert (drawn - wanted).norm() < 0.02 * wanted.norm()


def test_the_unconditional_language_is_what_gpt2_makes_of_nothing(trained: Path):
    from art2mus_core.aligners.head import ProjectionHead
    from art2mus_core.checkpoints.folder import load_component
    from art2mus_core.conditioning.language import load_language_model, roll_out
    from art2mus_core.types import Embedding

    head = load_component(trained, "projection_model", ProjectionHead.from_config)
    prompt = head.align(Embedding(torch.zeros(1, 13), "tiny"))
    expected = roll_out(load_language_model(trained), prompt, 8).values
    stored = load_constants(trained, language=8, width=10).unconditional_language
    torch.testing.assert_close(stored, expected, atol=5e-3, rtol=5e-3)  # the stored networks are in half precision


def test_the_aligner_stage_changes_its_own_file_alone(train_stage, tiny, trained: Path, tmp_path: Path):
    before = contents(trained)
    config = tiny("aligner-shuffled")
    objective, _ = train_stage(config, trained, tmp_path)
    frozen = {name: getattr(objective, name).state_dict() for name in ("language_model", "unet")}
    for name, weights in frozen.items():
        stored, _ = read_tensors(weights_file(trained, name))
        assert all(torch.equal(weights[key], stored[key].float()) for key in weights)
        assert not any(weight.requires_grad for weight in getattr(objective, name).parameters())
    objective.export(tmp_path / "elsewhere")
    assert contents(trained) == before
    assert set(contents(tmp_path / "elsewhere")) == {Path("aligner/shuffled.safetensors")}
    assert read_header(tmp_path / "elsewhere/aligner/shuffled.safetensors").run == "shuffled pairs"
    assert read_header(trained / "aligner/model.safetensors").run == "true pairs"
    shuffled = load_aligner(tmp_path / "elsewhere/aligner/shuffled.safetensors", space="tiny", width=10)
    true = load_aligner(trained / "aligner/model.safetensors", space="tiny", width=10)
    assert any(not torch.equal(a, b) for a, b in zip(shuffled.parameters(), true.parameters(), strict=True))


def test_shuffling_tears_pairs_apart_and_nothing_else(train_stage, tiny, trained: Path, tmp_path: Path):
    batches = {}
    for name in ("aligner", "aligner-shuffled"):
        objective, _ = train_stage(tiny(name, steps=1), trained, tmp_path / name)
        batches[name] = objective.batch(Draw(np.random.default_rng(5), 6))
    true, torn = batches["aligner"], batches["aligner-shuffled"]
    assert torch.equal(true.latent, torn.latent)
    assert torch.equal(true.noise, torn.noise)
    assert not torch.equal(true.embedding.values, torn.embedding.values)
    assert torch.equal(*(batch.embedding.values.sort(dim=0).values for batch in (true, torn)))


def test_frozen_parts_stay_in_evaluation_mode(train_stage, tiny, trained: Path, tmp_path: Path):
    objective, _ = train_stage(tiny("aligner", steps=1), trained, tmp_path)
    objective.train()
    assert objective.aligner.training
    assert not objective.unet.training
    assert not objective.language_model.training


def test_latents_and_embeddings_belong_together(pairs: Path, trained: Path, tiny):
    objective = stage_builder(tiny("aligner"), pairs, trained)()
    batch = objective.batch(Draw(np.random.default_rng(0), 9))
    assert batch.latent.shape == batch.noise.shape == (9, 5, 7, 12)
    pieces = objective.latents
    for row in range(9):
        owners = [
            pair
            for pair in objective.train_rows
            for start in range(94)
            if np.allclose(
                0.37 * pieces[pair][start : start + 7, 0].swapaxes(0, 1).astype(np.float32), batch.latent[row]
            )
        ]
        assert len(owners) == 1
        np.testing.assert_array_equal(batch.embedding.values[row].numpy(), objective.embeddings.values[owners[0]])


def test_features_are_computed_once_for_the_weights_they_come_from(pairs: Path, trained: Path, tmp_path: Path):
    steps: list[str] = []
    data = dataset_of(pairs, trained, lambda step: steps.append(step.stage))
    encode_latents(data, trained, CPU)
    embed_artworks(data, trained, CPU, patches=False)
    assert steps == []
    assert not list((pairs / "features").rglob(".*"))
    own = shutil.copytree(trained, tmp_path / "own")
    config = json.loads((own / "image_encoder/config.json").read_text())
    (own / "image_encoder/config.json").write_text(json.dumps({**config, "size": 96}))
    embed_artworks(data, own, CPU, patches=False)
    assert set(steps) == {"characters"}
    assert component_digest(own, "image_encoder") != component_digest(trained, "image_encoder")


def test_characters_of_the_manifest_are_not_computed_again(pairs: Path, eye: Path, trained: Path, tmp_path: Path):
    """If the same encoder saw them; here they are changed, so that it shows where they come from."""
    network = load_efficientnet(eye)
    with torch.no_grad():
        seen = network.characters([read_artwork(pairs / pair.artwork) for pair in read_manifest(pairs)])
    other = shutil.copytree(eye, tmp_path / "other")
    config = other / "image_encoder/config.json"
    config.write_text(config.read_text() + "\n")

    def found(
        encoder: Path, name: str, change: Callable[[dict[str, float]], dict[str, float]], **plan: str
    ) -> np.ndarray:
        folder = shutil.copytree(pairs, tmp_path / name, ignore=shutil.ignore_patterns("features"))
        (folder / PLAN).write_text(json.dumps({**json.loads((folder / PLAN).read_text()), **plan}))
        write_manifest(folder, [replace(pair, character=change(pair.character)) for pair in read_manifest(folder)])
        data = dataset_of(folder, trained)
        return see_artworks(data, network, encoder, CPU).firsts_of(data.artworks.of)

    usual = pytest.approx(traits(seen).numpy(), abs=1e-5)
    assert found(eye, "same", lambda character: character) == usual
    changed = pytest.approx(traits([replace(each, warmth=0.25) for each in seen]).numpy(), abs=1e-5)
    assert found(eye, "changed", lambda character: character | {"warmth": 0.25}) == changed
    assert found(other, "another encoder", lambda character: character | {"warmth": 0.25}) == usual
    assert found(eye, "none", lambda character: {}) == usual
    # with comments they are those of the music, which lie between picture and words
    assert found(eye, "words", lambda character: character | {"warmth": 0.25}, comments="digest") == usual


@pytest.mark.parametrize("stage", ["vocoder", "prior", "aligner"])
def test_a_stage_without_the_stages_before_it_is_refused(train_stage, tiny, stage: str, tmp_path: Path):
    config = tiny(stage, mel=MEL) if stage == "vocoder" else tiny(stage)
    with pytest.raises(CheckpointError, match=r"has no (vae|image_encoder)"):
        train_stage(config, tmp_path / "empty", tmp_path / "run")


def test_every_stage_learned_something(trained: Path):
    for stage in STAGES:
        history = state_of(trained.parent / stage)["history"]
        assert [row["step"] for row in history] == [3, 4, 4], stage
        assert all(np.isfinite(value) for row in history for value in row.values()), stage
        assert "loss" in history[1]
        assert any(name.startswith("validation ") for name in history[0])


@pytest.fixture
def dataset(pairs: Path, trained: Path) -> tuple[Path, Path]:
    """Where the pairs are, and what was trained on them."""
    return pairs, trained


@pytest.mark.parametrize(
    ("stage", "crop", "told"),
    [
        ("embedding", 801, "expected 1 to 800 frames"),
        ("vae", 0, "expected 8 to 800 frames, in steps of 8"),
        ("vae", 42, "expected 8 to 800"),
        ("vocoder", 33, "expected 8 to 800"),
        ("prior", 101, "expected 1 to 100"),
        ("aligner", 101, "expected 1 to 100"),
    ],
)
def test_crops_that_the_pieces_do_not_have_are_refused(  # noqa: PLR0917
    dataset, tiny, monkeypatch: pytest.MonkeyPatch, stage: str, crop: int, told: str
):
    monkeypatch.setattr(Dataset, "_opened", None)  # no feature is computed before
    config = tiny(stage, {"crop": crop})
    with pytest.raises(SettingError, match=f"crop {crop}; {told}"):
        stage_builder(config, *dataset)()


@pytest.mark.parametrize(
    ("stage", "change", "told"),
    [
        ("aligner", {"hiden": 17}, "hiden: no such field, did you mean hidden"),
        ("aligner", {"dim": 5}, f"dim 5; expected dim {DIM}"),
        ("prior", {"unet": None}, "the field model of stage prior is invalid"),
        ("prior", {"language_model": None}, "n_embd None"),
        ("prior", {"projection_model": {"dim": DIM}}, "the field model of stage prior is invalid"),
    ],
)
def test_sizes_that_cannot_be_are_refused_before_features_are_computed(  # noqa: PLR0917
    dataset, tiny, monkeypatch: pytest.MonkeyPatch, stage: str, change: dict[str, object], told: str
):
    monkeypatch.setattr(Dataset, "_opened", None)
    with pytest.raises(SettingError, match=told):
        stage_builder(tiny(stage, model={**MODELS[stage], **change}), *dataset)()


def test_more_examples_a_step_than_there_are_pairs_are_refused(pairs: Path, tiny, trained: Path):
    with pytest.raises(DatasetError, match=r"4 training pairs .* at least a batch of 5"):
        stage_builder(tiny("embedding", batch=5), pairs, trained)()


def test_without_the_vae_the_vocoder_takes_any_crop(train_stage, tiny, trained: Path, tmp_path: Path):
    config = tiny("vocoder", {"crop": 33, "reconstructed": 0.0}, steps=1)
    _, history = train_stage(config, trained, tmp_path)
    assert np.isfinite(history[0]["loss"])
