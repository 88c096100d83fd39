from __future__ import annotations

import gc
import json
import shutil
import weakref
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from art2mus_core.checkpoints.folder import weights_file
from art2mus_core.conditioning.constants import Constants, save_constants
from art2mus_core.errors import Art2MusError, CheckpointError, SettingError
from art2mus_core.pipelines import load
from art2mus_core.pipelines.defaults import PUBLISHED
from art2mus_core.pipelines.diffusion import ArtToMusic
from art2mus_core.pipelines.settings import noise_seed
from art2mus_core.types import Artwork


def artwork(seed):
    generator = torch.Generator().manual_seed(seed)
    return Artwork(torch.randint(256, (3, 21, 34 + seed), dtype=torch.uint8, generator=generator), f"artwork {seed}")


@pytest.fixture(scope="module")
def pipeline(pocket_like):
    return load(str(pocket_like))


@pytest.mark.parametrize("seconds", [1.0, 1.37])
def test_a_piece_has_exactly_the_wanted_length(checkpoint, seconds):
    loaded = load(str(checkpoint))
    (piece,) = loaded.compose([artwork(0)], seconds=seconds)
    grid = loaded.parts.grid
    assert piece.samples.shape == (1, grid.channels, grid.samples(seconds))
    assert piece.sample_rate == loaded.parts.grid.sample_rate
    assert piece.samples.abs().max() <= 10 ** (-1 / 20) + 1e-6
    assert piece.samples.std() > 0


def test_a_piece_is_the_same_alone_and_in_a_batch(pipeline):
    artworks, seeds = [artwork(0), artwork(1), artwork(2)], [5, 6, 7]
    together = pipeline.compose(artworks, seconds=1.0, seeds=seeds)
    for index in range(3):
        (alone,) = pipeline.compose(artworks[index : index + 1], seconds=1.0, seeds=seeds[index : index + 1])
        assert torch.allclose(alone.samples, together[index].samples, atol=1e-3)
    assert not torch.allclose(together[0].samples, together[1].samples, atol=1e-2)


def test_the_same_again_is_the_same_to_the_bit(pipeline):
    first, second = (pipeline.compose([artwork(0)], seconds=1.0)[0].samples for _ in range(2))
    assert torch.equal(first, second)


def test_the_latest_artworks_are_encoded_once(pocket_like):
    opened, seen = load(str(pocket_like)), []
    opened.parts.encoder.register_forward_hook(lambda _, given, __: seen.append(len(given[0])))
    first = opened.compose([artwork(0)], seconds=1.0, seeds=[3])[0].samples
    opened.compose([artwork(0)], seconds=1.0, seeds=[4], guidance=3.0)
    again = opened.compose([artwork(0)], seconds=1.0, seeds=[3])[0].samples
    assert seen == [1]
    assert torch.equal(first, again)
    opened.compose([artwork(1)], seconds=1.0)
    opened.compose([artwork(0), artwork(1)], seconds=1.0)
    assert seen == [1, 1, 2]
    for index in range(2, 12):
        opened.embed([artwork(index)])
    assert len(opened.parts.embeddings) == 8
    opened.embed([artwork(0)])
    assert seen == [1, 1, 2, *[1] * 11]


@pytest.mark.parametrize(
    "changed",
    [
        {"seeds": [1]},
        {"steps": 2},
        {"guidance": 9.0},
        {"solver": "ddim"},
        {"shared_noise": True},
        {"level": False},
        {"guided_below": 0.5},
    ],
    ids=str,
)
def test_every_setting_is_heard(pipeline, changed):
    (plain,) = pipeline.compose([artwork(0)], seconds=1.0)
    (other,) = pipeline.compose([artwork(0)], seconds=1.0, **changed)
    assert not torch.allclose(plain.samples, other.samples, atol=1e-4)


def test_the_artwork_is_heard(pipeline):
    first, second = pipeline.compose([artwork(0), artwork(1)], seconds=1.0, seeds=[0, 0], shared_noise=True)
    assert not torch.allclose(first.samples, second.samples, atol=1e-4)


def test_without_guidance_the_artwork_is_not_heard(pipeline):
    first, second = pipeline.compose([artwork(0), artwork(1)], seconds=1.0, guidance=0.0, shared_noise=True)
    assert torch.allclose(first.samples, second.samples, atol=1e-3)


def test_artworks_have_noise_of_their_own_unless_it_is_shared(pipeline):
    first, second = pipeline.compose([artwork(0), artwork(1)], seconds=1.0, guidance=0.0)
    assert not torch.allclose(first.samples, second.samples, atol=1e-2)
    (again,) = pipeline.compose([replace(artwork(0), name="renamed")], seconds=1.0, guidance=0.0)
    assert torch.allclose(first.samples, again.samples, atol=1e-3)
    shared, own = (
        pipeline.compose([artwork(0)], seconds=1.0, seeds=[seed], shared_noise=shared)[0].samples
        for seed, shared in ((noise_seed(5, artwork(0).sha256), True), (5, False))
    )
    assert torch.equal(shared, own)


def test_defaults_come_from_the_checkpoint(pipeline):
    steps = []
    pipeline.compose([artwork(31)], seconds=1.0, on_step=steps.append)  # one that it does not remember
    denoised = [step for step in steps if step.stage == "denoise"]
    assert len(denoised) == pipeline.parts.defaults.steps == 3
    assert [step.stage for step in steps if step.stage != "denoise"] == [
        "encoder",
        "aligner",
        "language_model",
        "autoencoder",
        "vocoder",
    ]
    assert pipeline.settings(guidance=2.0) == replace(pipeline.parts.defaults, guidance=2.0)


def test_wrong_settings_are_refused_before_any_work(pipeline):
    for wrong in ({"seconds": 0.5}, {"steps": 0}, {"seeds": [-1]}, {"seeds": [1, 2]}, {"solver": "plms"}):
        with pytest.raises(SettingError):
            pipeline.compose([artwork(0)], **wrong)


def test_every_network_visits_the_place_where_it_computes(pipeline):
    here, visited = [], []

    @contextmanager
    def resident(network):
        here.append(network)
        visited.append(type(network).__name__)
        yield
        here.pop()
        assert not here

    replace(pipeline, resident=resident).compose([artwork(32)], seconds=1.0)  # one that it does not remember
    assert visited == [
        "PocketImageEncoder",
        "VisualAligner",
        "GPT2",
        "UNet",
        "MelAutoencoder",
        "TonewheelVocoder",
    ]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_lower_precision_stays_near(pocket_like, pipeline, dtype):
    low = load(str(pocket_like), dtype=dtype)
    assert low.parts.unet.conv_in.weight.dtype == low.parts.language_model.wpe.weight.dtype == dtype
    wide = torch.float32 if dtype == torch.float16 else dtype  # a VAE overflows in float16
    assert {weight.dtype for weight in low.parts.autoencoder.parameters()} == {wide}
    assert {weight.dtype for weight in low.parts.vocoder.parameters()} == {torch.float32}
    (exact,), (near,) = (p.compose([artwork(0)], seconds=1.0, steps=2) for p in (pipeline, low))
    assert near.samples.isfinite().all()
    assert torch.nn.functional.cosine_similarity(exact.samples.flatten(), near.samples.flatten(), dim=0) > 0.7


def test_a_text_slot_without_constants_is_refused_at_once(published_like, tmp_path):
    folder = shutil.copytree(published_like, tmp_path / "copy")
    save_constants(folder, Constants(torch.zeros(1, 8, 10)))
    with pytest.raises(CheckpointError, match="unconditional_text"):
        load(str(folder))


def test_defaults_that_mean_nothing_are_refused(own_checkpoint):
    path = own_checkpoint / "model_index.json"
    path.write_text(json.dumps({"art2mus": {"tempo": 90}}), encoding="utf-8")
    with pytest.raises(CheckpointError, match="tempo"):
        load(str(own_checkpoint))


@pytest.mark.parametrize("name", ["unet", "vae", "language_model", "image_encoder", "vocoder", "aligner"])
def test_no_part_may_be_damaged(own_checkpoint, name):
    path = weights_file(own_checkpoint, name)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(CheckpointError, match="damaged"):
        load(str(own_checkpoint))


@pytest.mark.parametrize("name", ["unet", "vae", "language_model", "image_encoder", "vocoder", "aligner", "scheduler"])
def test_no_part_may_be_missing(own_checkpoint, name):
    for path in (own_checkpoint / name).iterdir():
        path.unlink()
    with pytest.raises(Art2MusError):
        load(str(own_checkpoint))


def test_an_offloading_pipeline_keeps_no_network_and_plays_the_same(pocket_like, pipeline):
    offload, alive = load(str(pocket_like), offload=True), []

    @contextmanager
    def resident(network):
        alive.append(weakref.ref(network))
        yield

    (heard,) = replace(offload, resident=resident).compose([artwork(0)], seconds=1.0)
    gc.collect()
    assert [type(there()).__name__ for there in alive if there()] == ["VisualAligner"]
    assert len(alive) == 6
    (kept,) = pipeline.compose([artwork(0)], seconds=1.0)
    assert torch.equal(heard.samples, kept.samples)


def test_an_offloading_pipeline_opens_nothing_before_it_is_needed(own_checkpoint):
    offload = load(str(own_checkpoint), offload=True)
    assert not any(map(offload.parts.is_open, ("encoder", "language_model", "unet", "autoencoder", "vocoder")))
    weights_file(own_checkpoint, "vocoder").write_bytes(b"")
    with pytest.raises(CheckpointError, match="empty"):
        offload.compose([artwork(0)], seconds=1.0)


def test_the_weights_counted_are_those_that_are_opened(pocket_like):
    parts = load(str(pocket_like), dtype=torch.bfloat16).parts
    networks = {name: getattr(parts, name) for name in ArtToMusic.NETWORKS}
    taken = {name: sum(w.nbytes for w in network.state_dict().values()) for name, network in networks.items()}
    assert parts.weights(ArtToMusic.NETWORKS) == taken


def test_prior_encoder_and_aligner_may_lie_in_three_folders(pocket_like, tmp_path, monkeypatch, pipeline):
    monkeypatch.setenv("ART2MUS_HOME", str(tmp_path))
    prior = shutil.copytree(pocket_like, tmp_path / "prior", ignore=shutil.ignore_patterns("*_encoder", "aligner"))
    shutil.copytree(pocket_like / "image_encoder", tmp_path / "tiny" / "image_encoder")
    (tmp_path / "mine").mkdir()
    shutil.copy(pocket_like / "aligner" / "model.safetensors", tmp_path / "mine" / "mine.safetensors")
    # the encoder's name is in the aligner's header: its space, `tiny`
    (split,) = load("prior", aligner="mine").compose([artwork(0)], seconds=1.0)
    (whole,) = pipeline.compose([artwork(0)], seconds=1.0)
    assert torch.equal(split.samples, whole.samples)
    with pytest.raises(SettingError, match="mine"):
        load(str(prior))
    with pytest.raises(CheckpointError, match="'pocket'"):
        load("prior", aligner="mine", encoder="pocket")


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        ("aligner", "an aligner.*as the aligner"),
        ("image_encoder", "an image encoder.*as the image"),
        ("unet", "no model"),
    ],
)
def test_what_is_no_prior_says_what_it_is(pocket_like, tmp_path, taken, said):
    inside = "" if taken == "aligner" else taken
    shutil.copytree(pocket_like / taken, tmp_path / "part" / inside)
    with pytest.raises(SettingError, match=said):
        load(str(tmp_path / "part"))


def test_heads_that_nobody_knows_are_refused(published_like):
    with pytest.raises(SettingError, match="heads 'both'"):
        load(str(published_like), heads="both")


def test_a_checkpoint_without_settings_of_its_own_takes_the_published_ones(own_checkpoint):
    path = own_checkpoint / "model_index.json"
    path.write_text("{}", encoding="utf-8")
    assert load(str(own_checkpoint)).parts.presets == PUBLISHED


def test_too_little_memory_is_told_before_anything_is_opened(pocket_like, monkeypatch):
    weights = load(str(pocket_like), offload=True).parts.weights(ArtToMusic.NETWORKS)
    for free, offload in ((sum(weights.values()), False), (max(weights.values()), True)):
        monkeypatch.setattr("art2mus_core.pipelines.opening.available", lambda free=free: free)
        assert load(str(pocket_like)).offload is offload
    monkeypatch.setattr("art2mus_core.pipelines.opening.available", lambda: max(weights.values()) - 1)
    with pytest.raises(SettingError, match="are free"):
        load(str(pocket_like))
