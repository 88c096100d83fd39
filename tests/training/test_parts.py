"""Aligners for published encoders and priors: trained on the parts that are composed with, and composed with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import CLIPConfig, CLIPModel

from art2mus_core.aligners.files import read_header
from art2mus_core.audio.files import write_audio
from art2mus_core.audio.reading import read_audio
from art2mus_core.checkpoints.folder import save_component
from art2mus_core.checkpoints.tensors import read_tensors
from art2mus_core.conditioning.constants import constants_file, load_constants, save_constants
from art2mus_core.conditioning.language import roll_out
from art2mus_core.datasets.manifest import read_manifest, write_manifest
from art2mus_core.datasets.synthetic.painting import paint
from art2mus_core.diffusion.denoiser import LatentDenoiser
from art2mus_core.encoders.files import image_patches, load_image_encoder
from art2mus_core.encoders.imagebind import TOWERS
from art2mus_core.errors import CheckpointError, DatasetError, SettingError
from art2mus_core.images.reading import read_artwork
from art2mus_core.pipelines import load
from art2mus_core.training.batches import Draw
from art2mus_core.training.config import TrainingConfig
from art2mus_core.training.features.dataset import Dataset, Working
from art2mus_core.training.features.latents import embed_artworks
from art2mus_core.training.features.preparing import Request, expected, open_data, prepare
from art2mus_core.training.objectives.diffusion import diffusion_loss
from art2mus_core.training.stages import stage_builder
from art2mus_core.types import Embedding, Waveform

from ..conftest import TEXT_WIDTH, WIDTH
from ..text_encoders import write_ears, write_text_encoders
from .conftest import GRID

Make = Callable[[Path], Path]


@pytest.fixture(scope="module")
def clip_like(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random CLIP as transformers stores it. Not to be written to."""
    folder = tmp_path_factory.mktemp("clips") / "my clip"
    tower = {"intermediate_size": 11, "num_hidden_layers": 1, "num_attention_heads": 3}
    vision = {**tower, "hidden_size": 21, "image_size": 15, "patch_size": 5}
    text = {**tower, "hidden_size": 6, "max_position_embeddings": 9, "vocab_size": 13}
    CLIPModel(CLIPConfig(vision_config=vision, text_config=text, projection_dim=13)).save_pretrained(folder)
    seen = {"crop_size": 15, "size": 15, "image_mean": [0.5] * 3, "image_std": [0.3] * 3, "resample": 3}
    (folder / "preprocessor_config.json").write_text(json.dumps(seen))
    return folder


@pytest.fixture(scope="module")
def imagebind_like(tmp_path_factory: pytest.TempPathFactory, write_imagebind) -> Path:
    """A random ImageBind. Not to be written to."""
    folder = tmp_path_factory.mktemp("encoders") / "imagebind"
    write_imagebind(folder, dim=11)
    return folder


@pytest.fixture(scope="module")
def hearing_imagebind(tmp_path_factory: pytest.TempPathFactory, write_imagebind) -> Path:
    """A random ImageBind with its audio encoder. Not to be written to."""
    folder = tmp_path_factory.mktemp("hearing") / "imagebind"
    joint = {"model_type": "imagebind", "tower": "audio", "dim": 11, "space": "imagebind"}
    front = {"sample_rate": 8000, "bins": 23, "frames": 31, "clips": 3, "seconds": 0.3, "mean": -4.0, "std": 9.0}
    sizes = {"patch": 8, "stride": 5, "width": 22, "layers": 1, "heads": 2, "hidden": 27}
    write_imagebind(folder, dim=11)
    save_component(
        folder, "audio_encoder", TOWERS["audio"]({**joint, **front, **sizes}), {**joint, **front, **sizes}, half=True
    )
    return folder


@pytest.fixture(scope="module")
def uneven(pairs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of other people: pieces of unlike length, no character, one of them in stereo."""
    folder, made = tmp_path_factory.mktemp("uneven"), read_manifest(pairs)[:5]
    rows = []
    for index, pair in enumerate(made):
        sound = read_audio(pairs / pair.music).samples[..., : 16000 + 4001 * index]
        if index == 1:
            sound = torch.cat([sound, sound.flip(-1)], dim=1)
        write_audio(folder / f"{index}.flac", Waveform(sound, 16000), tags={}, cover=None)
        shutil.copy(pairs / pair.artwork, folder / f"{index}.png")
        length = sound.shape[-1] / 16000
        rows.append(replace(pair, artwork=f"{index}.png", music=f"{index}.flac", seconds=length, character={}))
    write_manifest(folder, rows)
    return folder


@pytest.fixture
def prior(published_like: Path, tmp_path: Path) -> Path:
    """A published prior: no image encoder, no aligner, no head for sounds."""
    folder = shutil.copytree(published_like, tmp_path / "audioldm2")
    for name in ("image_encoder", "audio_encoder", "aligner"):
        shutil.rmtree(folder / name)
    return folder


def test_embeddings_of_a_clip_before_they_are_normalised_are_a_feature_of_their_own(clip_like: Path, uneven: Path):
    data = Dataset(uneven, GRID)
    unit, raw = (
        embed_artworks(data, clip_like, torch.device("cpu"), patches=False, normalised=each).everything
        for each in (True, False)
    )
    lengths = np.linalg.norm(raw, axis=1, keepdims=True)
    assert np.abs(lengths - 1).min() > 1e-2
    assert np.allclose(raw / lengths, unit, atol=1e-6)


def aligner_of(model: dict[str, Any], **options: Any) -> TrainingConfig:
    fields = {"stage": "aligner", "steps": 3, "batch": 2, "learning_rate": 1e-2, "validate_every": 2}
    return TrainingConfig(**fields, model={"hidden": 16, "tokens": 3, **model}, options={"crop": 9, **options})


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        ("imagebind_like", {}),
        ("clip_like", {}),
        ("imagebind_like", {"patch_dim": 10}),
        ("clip_like", {"dim": None, "patch_dim": 21}),
        ("imagebind_like", {"kind": "projection"}),
        ("clip_like", {"kind": "resampler", "depth": 2, "heads": 4}),
    ],
    ids=["imagebind", "clip", "imagebind with patches", "patches of clip alone", "projection", "resampler"],
)
def test_an_aligner_of_published_parts_is_trained_and_composed_with(  # noqa: PLR0917
    request, train_stage, uneven: Path, prior: Path, kind: str, model: dict[str, Any], tmp_path: Path
):
    encoder = request.getfixturevalue(kind)
    config = aligner_of(model, encoder=str(encoder), name="mine")
    build = stage_builder(config, uneven, prior)
    first = {name: value.clone() for name, value in build().aligner.state_dict().items()}
    from art2mus_core.training.loop import train

    objective, history = train(build, config, tmp_path / "run")
    assert np.isfinite([row["loss"] for row in history if "loss" in row]).all()
    objective.export(prior)
    path = prior / "aligner" / "mine.safetensors"
    header = read_header(path)
    assert (header.encoder, header.prior, header.width) == (encoder.name, "audioldm2", WIDTH)
    assert any(not torch.equal(first[name], value.float()) for name, value in read_tensors(path)[0].items())
    pipeline = load(str(prior), encoder=str(encoder), aligner="mine")
    (waveform,) = pipeline.compose([paint(3)], seconds=1.0, steps=2)
    assert waveform.samples.isfinite().all()


def test_the_denoiser_is_told_what_it_is_told_when_composing(uneven: Path, prior: Path, imagebind_like: Path):
    """Embedding, language, constant text, latent: all as the pipeline computes them."""
    config = aligner_of({}, encoder=str(imagebind_like))
    objective = stage_builder(config, uneven, prior)()
    objective.export(prior)
    pipeline, data = load(str(prior), encoder=str(imagebind_like)), objective.data
    batch = objective.batch(Draw(np.random.default_rng(0), 2))
    rows = Draw(np.random.default_rng(0), 2).rows(objective.train_rows)
    with torch.no_grad():
        embedding = pipeline.embed([read_artwork(uneven / data.pairs[row].artwork) for row in rows])
        torch.testing.assert_close(batch.embedding.values, embedding.values)
        told, ours = pipeline.condition(embedding)[0], objective.condition(batch.embedding)
        assert torch.equal(told.text, ours.text)
        torch.testing.assert_close(told.language, ours.language, rtol=5e-3, atol=5e-3)  # stored in half precision
        loss = diffusion_loss(LatentDenoiser(pipeline.parts.unet), objective.levels, batch, told)
        torch.testing.assert_close(loss, objective.losses(batch), rtol=5e-3, atol=5e-3)
        for row, pair in enumerate(data.pairs):
            sound = read_audio(uneven / pair.music, data.grid.sample_rate)
            latent = pipeline.encode(replace(sound, samples=sound.samples[..., : data.samples[row]])).values[0]
            stored = torch.from_numpy(objective.latents[row][:, 0].astype(np.float32)).transpose(0, 1)
            assert latent.shape == stored.shape
            assert (data.grid.latent_scale * stored - latent).norm() < 0.02 * latent.norm()


def test_another_constant_text_changes_the_loss(uneven: Path, prior: Path, imagebind_like: Path):
    grid_of = {"language": 8, "width": WIDTH}
    constants = load_constants(prior, **grid_of)
    save_constants(prior, replace(constants, text=5 - constants.text), "night")
    losses = []
    for support in ("model", "night"):
        torch.manual_seed(0)
        objective = stage_builder(aligner_of({}, encoder=str(imagebind_like), support=support), uneven, prior)()
        with torch.no_grad():
            losses.append(objective.losses(objective.batch(Draw(np.random.default_rng(0), 4))))
    assert not torch.allclose(*losses)


def test_a_published_encoder_is_aligned_with_the_head_of_a_prior_trained_here(
    train_stage, tiny, trained: Path, clip_like: Path, tmp_path: Path
):
    config = tiny(
        "aligner",
        {"encoder": str(clip_like), "alignment": {"weight": 0.1, "pairs": 4}},
        model={"hidden": 17, "tokens": 3},
    )
    objective, history = train_stage(config, trained, tmp_path)
    assert objective.embeddings.space.startswith("clip-")
    assert objective.sounds.space == "tiny"
    assert all(row["alignment"] > 0 for row in history if "loss" in row)
    prompt = objective.head.align(objective.sounds.of(np.array([0])))
    assert roll_out(objective.language_model, prompt, 8).values.isfinite().all()


@pytest.mark.parametrize("kind", ["variance", "cosine", "infonce"])
def test_an_aligner_of_a_published_prior_is_aligned_with_what_clap_hears(
    uneven: Path, prior: Path, imagebind_like: Path, kind: str
):
    write_text_encoders(prior, width=WIDTH, text_width=TEXT_WIDTH)
    write_ears(prior)
    alignment = {"kind": kind, "weight": 0.3, "pairs": 4}
    objective = stage_builder(aligner_of({}, encoder=str(imagebind_like), alignment=alignment), uneven, prior)()
    loss, terms = objective.train()(objective.batch(Draw(np.random.default_rng(0), 2)))
    loss.backward()
    torch.testing.assert_close(loss, terms["diffusion"] + 0.3 * terms["alignment"])
    learning = {name for name, weight in objective.named_parameters() if weight.grad is not None}
    assert learning == {name for name, _ in objective.named_parameters() if name.startswith("aligner.")}
    clap = objective.sounds.of(np.array([0, 3])).values
    prompt = objective.head.align(Embedding(clap, "clap"))
    assert prompt.values.shape == (2, objective.constants.text.shape[1] + 5, WIDTH)
    assert not torch.allclose(*prompt.values, atol=1e-3)


def test_what_clap_hears_is_prepared_when_asked(
    uneven: Path, prior: Path, imagebind_like: Path, monkeypatch: pytest.MonkeyPatch
):
    write_text_encoders(prior, width=WIDTH, text_width=TEXT_WIDTH)
    write_ears(prior)
    data = shutil.copytree(uneven, prior.parent / "data", ignore=shutil.ignore_patterns("features"))
    cpu, names = torch.device("cpu"), []
    for alignment in (False, True):
        asked = Request(prior, imagebind_like, alignment=alignment)
        opened = open_data(data, asked, working=Working(workers=1))
        names.append([(each.name, each.there) for each in expected(opened, asked, cpu)])
        prepare(opened, asked, cpu)
    assert names == [
        [("latents", False), ("artworks", False)],
        [("latents", True), ("music", False), ("artworks", True)],
    ]
    monkeypatch.setattr("art2mus_core.training.features.hearing.read_audio", None)
    config = aligner_of({}, encoder=str(imagebind_like), alignment={"weight": 0.3, "pairs": 4})
    assert stage_builder(config, data, prior)().sounds


@pytest.mark.parametrize("kind", ["imagebind_like", "clip_like", "eye"])
def test_patches_are_counted_without_the_network(kind: str, pairs: Path, request: pytest.FixtureRequest):
    encoder = request.getfixturevalue(kind)
    [artwork] = [read_artwork(pairs / pair.artwork) for pair in read_manifest(pairs)[:1]]
    with torch.no_grad():
        found = load_image_encoder(encoder, dtype=torch.float32).encode([artwork])
    assert image_patches(encoder) == found.patches.shape[1]


@pytest.mark.parametrize(
    ("model", "options", "told"),
    [
        (
            {},
            {"alignment": {"weight": 0.1}},
            "audioldm2 has no head for sounds; expected a prior with a projection_model",
        ),
        ({"dim": 12}, {}, "an aligner with dim 12; expected dim 11, as imagebind and audioldm2 have it"),
        ({"width": 768}, {}, "an aligner with width 768; expected width 10"),
        ({"space": "clip"}, {}, "an aligner with space clip; expected space imagebind"),
        ({"patch_dim": 9}, {}, "an aligner with patch_dim 9; expected patch_dim 10"),
        ({"heads": 5, "patch_dim": 10}, {}, "5 heads in 16"),
        ({"depth": 2}, {}, "a visual aligner with depth: no such field"),
        ({}, {"encoder": None}, "no image encoder in .*audioldm2"),
        ({}, {"encoder": "imagebond"}, "no image encoder 'imagebond'"),
        ({}, {"support": "night"}, "no constants 'night'"),
        ({}, {"crop": 10**6}, "0.flac is the shortest piece"),
        ({}, {"crop": 0}, "crop"),
        ({}, {"name": "../mine"}, "name"),
        ({}, {"imitating": 1}, "imitating"),
        ({"kind": "gated"}, {}, "the kind 'gated'; expected one of visual, projection, resampler"),
        ({}, {"gap": "shift"}, "`source: image`; expected `gap: none`"),
        ({}, {"gap_noise": 0.5}, "`source: image`; expected `gap: none`"),
        ({}, {"source": "audio"}, "imagebind has no audio encoder"),
        ({}, {"drop": 1.0}, "drop"),
    ],
)
def test_parts_that_do_not_fit_are_refused_in_words(  # noqa: PLR0917
    uneven: Path, prior: Path, imagebind_like: Path, model: dict[str, Any], options: dict[str, Any], told: str
):
    config = aligner_of(model, **{"encoder": str(imagebind_like), **options})
    with pytest.raises((SettingError, CheckpointError), match=told) as refused:
        stage_builder(config, uneven, prior)()
    assert "\n" not in str(refused.value)


def test_an_encoder_without_patches_is_refused_where_they_are_read(uneven: Path, published_like: Path):
    config = aligner_of({"patch_dim": 10})
    with pytest.raises(SettingError, match="has none"):
        stage_builder(config, uneven, published_like)()


def test_a_prior_without_its_constants_is_refused(uneven: Path, prior: Path, imagebind_like: Path):
    constants_file(prior, "model").unlink()
    with pytest.raises(CheckpointError, match="no text constants"):
        stage_builder(aligner_of({}, encoder=str(imagebind_like)), uneven, prior)()


def test_pairs_without_a_character_train_every_stage(uneven: Path, tiny, eye: Path, tmp_path: Path):
    from art2mus_core.training.loop import train

    shutil.copytree(eye, tmp_path / "own")
    crops = {"embedding": 50, "vae": 40, "vocoder": 32, "prior": 7, "aligner": 7}
    for stage, crop in crops.items():
        options = {"crop": crop, **({"readout": 0} if stage == "embedding" else {})}
        config = tiny(stage, options, steps=2)
        objective, history = train(stage_builder(config, uneven, tmp_path / "own"), config, tmp_path / stage)
        assert np.isfinite([row["loss"] for row in history if "loss" in row]).all()
        objective.export(tmp_path / "own")
    (waveform,) = load(str(tmp_path / "own")).compose([paint(3)], seconds=1.0, steps=2)
    assert waveform.samples.isfinite().all()


def test_a_read_out_of_pairs_without_a_character_is_refused(uneven: Path, tiny, eye: Path):
    with pytest.raises(DatasetError, match=r"pair \S+ has no complete character; .* Set `readout: 0`"):
        stage_builder(tiny("embedding", {"crop": 50}), uneven, eye)()


def test_a_read_out_of_pairs_with_comments_is_refused(pairs: Path, tiny, eye: Path, tmp_path: Path):
    """Their character is that of music between picture and words."""
    folder = shutil.copytree(pairs, tmp_path / "pairs")
    first, *others = read_manifest(folder)
    write_manifest(folder, [replace(first, comments=("so calm",)), *others])
    with pytest.raises(DatasetError, match=rf"pair {first.id} has comments, .* Set `readout: 0`"):
        stage_builder(tiny("embedding"), folder, eye)()


def test_no_licence_is_given_to_weights_that_nobody_has_licensed(trained: Path):
    packaged = [TrainingConfig.load(name) for name in TrainingConfig.packaged()]
    assert not [config for config in packaged if "licence" in config.options]
    assert read_header(trained / "aligner/model.safetensors").licence == "none stated"


ENCODERS = {
    "art2mus-2024": "imagebind_like",
    "art2mus-2024-4": "imagebind_like",
    "arttomus-2026": "imagebind_like",
    "arttomus-2026-clip": "clip_like",
    "arttomus-2026-resampler": "imagebind_like",
    "arttomus-2026-no-pairs": "hearing_imagebind",
}


@pytest.mark.parametrize(("name", "encoder"), ENCODERS.items(), ids=ENCODERS)
def test_the_published_set_ups_train_and_condition_at_small_sizes(  # noqa: PLR0917
    request, uneven: Path, prior: Path, name: str, encoder: str, tmp_path: Path
):
    """What is shrunk are sizes; the window is the whole piece, as these have one second."""
    from art2mus_core.training.loop import train

    packaged = TrainingConfig.load(name)
    folder = request.getfixturevalue(encoder)
    sizes = {"hidden": 16, "tokens": 3, **({"heads": 4, "depth": 1} if "heads" in packaged.model else {})}
    options = {**packaged.options, "crop": 9, "window": "whole", "level": None, "encoder": str(folder)}
    shrunk = {"steps": 1, "batch": 3, "precision": "no", "model": {**packaged.model, **sizes}, "options": options}
    config = TrainingConfig.load(name, shrunk)
    objective, history = train(stage_builder(config, uneven, prior), config, tmp_path / "run")
    assert np.isfinite([value for row in history for value in row.values()]).all()
    objective.export(prior)
    pipeline = load(str(prior), encoder=str(folder), aligner=packaged.options["name"])
    embedding = pipeline.embed([paint(3)])
    prompt = pipeline.parts.aligner.align(embedding)
    assert (prompt.null is not None) == name.startswith("arttomus")
    with torch.no_grad():
        torch.testing.assert_close(prompt.values, objective.aligner.align(embedding).values, rtol=5e-3, atol=5e-3)
        found, wanted = pipeline.condition(embedding), objective._sides(embedding)
        for side, other in zip(found, wanted, strict=True):
            torch.testing.assert_close(side.language, other.language, rtol=5e-3, atol=5e-3)
            assert torch.equal(side.text, other.text)
