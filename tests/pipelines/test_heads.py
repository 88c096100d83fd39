from __future__ import annotations

import math
import shutil
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers.pipelines.audioldm2.modeling_audioldm2 import AudioLDM2UNet2DConditionModel
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from scipy.io import wavfile

from art2mus_core.audio.mel import MelTransform
from art2mus_core.audio.reading import read_audio
from art2mus_core.checkpoints.folder import load_component, read_config, save_component
from art2mus_core.diffusion.denoiser import build_unet
from art2mus_core.errors import AudioError, SettingError
from art2mus_core.pipelines.choice import Choice
from art2mus_core.pipelines.heads import Comparison, _errors, _latents, _trials, compare_heads
from art2mus_core.pipelines.parts import open_parts
from art2mus_core.types import Mel


def open_prior(folder, **chosen):
    """A checkpoint with its constants, checked."""
    parts = open_parts(Choice(str(folder), **chosen))
    assert parts.constants
    parts.check()
    return parts


RATE = 1600


def write_music(path, seconds=11.3, *, seed=0, rate=RATE):
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    tones = sum(np.sin(2 * np.pi * pitch * time * (1 + 0.1 * time)) for pitch in rng.uniform(40, 400, 3))
    wavfile.write(path, rate, (0.1 * tones + 0.05 + 0.01 * rng.standard_normal(len(time))).astype(np.float32))
    return path


@pytest.fixture
def music(tmp_path):
    return [write_music(tmp_path / f"{seed}.wav", seed=seed) for seed in range(2)]


@pytest.fixture(scope="session")
def wide(published_like, tmp_path_factory):
    """A published checkpoint whose channels the original heads divide; in its configuration they are 8 everywhere."""
    folder = shutil.copytree(published_like, tmp_path_factory.mktemp("wide") / "model")
    config = {
        **{key: value for key, value in read_config(folder, "unet").items() if not key.startswith("_")},
        "block_out_channels": [32, 32, 64],
        "norm_num_groups": 8,
        "attention_head_dim": 8,
    }
    torch.manual_seed(0)
    save_component(folder, "unet", build_unet(config), config, half=False)
    return folder


def reference(folder, path, reading, timesteps, seeds):
    """The errors of one file, computed with diffusers' own loading, scheduler and network."""
    config = AudioLDM2UNet2DConditionModel.load_config(folder / "unet")
    heads = [channels // 32 for channels in config["block_out_channels"]] if reading == "original" else 8
    unet = AudioLDM2UNet2DConditionModel.from_pretrained(folder / "unet", attention_head_dim=heads)
    scheduler = DDIMScheduler.from_pretrained(folder / "scheduler")
    prior = open_prior(folder)
    sound = read_audio(path, RATE).samples[0]
    start = (sound.shape[1] - 10 * RATE) // 2
    sound = sound[:, start : start + 10 * RATE]
    sound = sound - sound.mean()
    sound = 0.5 * sound / sound.abs().max()
    latent = prior.autoencoder.encode(Mel(MelTransform(prior.grid)(sound))).values
    errors = []
    for t, seed in zip(timesteps, seeds, strict=True):
        noise = torch.randn(latent.shape[1:], generator=torch.Generator().manual_seed(seed))[None]
        level = scheduler.alphas_cumprod[t]
        noisy = level.sqrt() * latent + (1 - level).sqrt() * noise
        predicted = unet(
            noisy,
            torch.tensor(t),
            encoder_hidden_states=prior.constants.unconditional_language,
            encoder_hidden_states_1=prior.constants.unconditional_text,
            encoder_attention_mask_1=prior.constants.unconditional_text_mask.float(),
        ).sample
        errors.append(((predicted - noise) ** 2).mean().item())
    return errors


@torch.no_grad()
def test_errors_are_those_of_an_independent_computation(wide, music):
    found = compare_heads(open_prior(wide), music, draws=3, seed=5)
    assert found.timesteps == (166, 500, 833)
    for reading in ("config", "original"):
        for index, path in enumerate(music):
            expected = reference(wide, path, reading, found.timesteps, range(5 + 3 * index, 8 + 3 * index))
            assert found.errors[reading][index].tolist() == pytest.approx(expected, rel=1e-4)
    assert not torch.allclose(found.errors["config"], found.errors["original"], atol=1e-5)


def test_both_readings_hear_the_same_noise(wide, music, tmp_path):
    """With as many heads in the configuration as in the original there is nothing to tell apart."""
    same = shutil.copytree(wide, tmp_path / "same")
    config = {**read_config(same, "unet"), "attention_head_dim": [1, 1, 2]}
    save_component(same, "unet", load_component(same, "unet", lambda _: build_unet(config)), config, half=False)
    found = compare_heads(open_prior(same), music, draws=2)
    assert torch.equal(found.errors["config"], found.errors["original"])
    assert found.difference == (0.0, 0.0)
    assert found.verdict is None


def test_another_seed_is_other_noise(wide, music):
    first, second = (compare_heads(open_prior(wide), music[:1], draws=2, seed=seed) for seed in (0, 9))
    assert not torch.equal(first.errors["config"], second.errors["config"])


def test_random_weights_tell_nothing(wide, music):
    found = compare_heads(open_prior(wide), music, draws=4)
    assert found.verdict is None
    assert found.sentence.startswith(("Neither division predicts noise", "The difference is within"))


@torch.no_grad()
def fit(wide, folder, music, reading):
    """A copy of the checkpoint whose last layer is the best linear one under a reading, for other noise on the same music."""
    shutil.copytree(wide, folder)
    prior, config = open_prior(folder), read_config(folder, "unet")
    torch.manual_seed(5)  # first weights whose heads differ clearly: 4.5 to 13 standard errors with torch 2.4 and 2.13
    unet = build_unet(config, heads=reading).eval()
    for name, weight in unet.named_parameters():
        if ".to_" in name:
            weight.mul_(8)  # as built, attention adds next to nothing
    inputs = []
    unet.conv_out.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    trials = _trials(prior, list(_latents(prior, music, nullcontext)), 10, 1000)
    replaced = replace(prior)
    replaced.__dict__["unet"] = unet
    list(_errors(replaced, trials, nullcontext))
    patches = torch.cat([torch.nn.functional.unfold(each, 3, padding=1)[0].T for each in inputs])
    patches = torch.cat([patches, torch.ones(len(patches), 1)], 1).double()
    targets = torch.cat([trial.target[0].flatten(1).T for trial in trials]).double()
    best = torch.linalg.solve(patches.T @ patches + 1e-3 * torch.eye(patches.shape[1]), patches.T @ targets)
    unet.conv_out.weight.copy_(best[:-1].T.view_as(unet.conv_out.weight))
    unet.conv_out.bias.copy_(best[-1])
    save_component(folder, "unet", unet, config, half=False)
    return folder


@pytest.mark.parametrize("reading", ["config", "original"])
def test_the_reading_that_was_trained_is_found(wide, music, tmp_path, reading):
    steps = []
    found = compare_heads(
        open_prior(fit(wide, tmp_path / "model", music, reading)), music, draws=10, on_step=steps.append
    )
    assert found.verdict == reading
    assert f"`--heads {reading}`" in found.sentence
    assert [step.done for step in steps] == list(range(1, 41))
    assert {step.total for step in steps} == {40}


def comparison(config, original, nothing=1.0):
    return Comparison(
        (1, 2, 3),
        {"config": torch.tensor([config]), "original": torch.tensor([original])},
        torch.full((1, 3), nothing),
    )


def test_means_and_their_errors_are_paired():
    found = comparison([0.1, 0.5, 0.9], [0.11, 0.52, 0.93])
    assert found.error("config") == pytest.approx((0.5, 0.4 / math.sqrt(3)), rel=1e-5)
    assert found.difference == pytest.approx((0.02, 0.01 / math.sqrt(3)), rel=1e-4)


@pytest.mark.parametrize(
    ("config", "original", "nothing", "verdict"),
    [
        ([0.1, 0.5, 0.9], [0.11, 0.52, 0.93], 1.0, "config"),
        ([0.11, 0.52, 0.93], [0.1, 0.5, 0.9], 1.0, "original"),
        ([0.1, 0.5, 0.9], [0.12, 0.49, 0.93], 1.0, None),
        ([0.1, 0.5, 0.9], [0.11, 0.52, 0.93], 0.4, None),
        ([0.1, 0.5, 0.9], [0.102, 0.502, 0.902], 1.0, None),
        ([0.25, 0.5, 0.75], [0.375, 0.625, 0.875], 1.0, "config"),
    ],
    ids=["config", "original", "within the error", "no better than nothing", "too small", "always the same"],
)
def test_the_verdict_needs_certainty_and_a_trained_network(config, original, nothing, verdict):
    found = comparison(config, original, nothing)
    assert found.verdict == verdict
    assert found.sentence.endswith(".")


def silent(path):
    wavfile.write(path, RATE, np.full(12 * RATE, 0.3, np.float32))


def broken(path):
    samples = np.zeros(12 * RATE, np.float32)
    samples[6 * RATE] = np.nan
    wavfile.write(path, RATE, samples)


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: write_music(path, 9.9), r"has 9\.9 s.*at least 10 s"),
        (silent, "is silent"),
        (broken, "NaN or infinite"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: None, "does not exist"),
    ],
    ids=["short", "silent", "NaN", "empty", "missing"],
)
def test_music_that_is_none(wide, tmp_path, write, said):
    path = tmp_path / "music.wav"
    write(path)
    with pytest.raises(AudioError, match=said):
        compare_heads(open_prior(wide), [path])


@pytest.mark.parametrize("wrong", [{"draws": 1}, {"draws": 1001}, {"seed": -1}, {"seed": 2**63 - 5}], ids=str)
def test_numbers_with_which_nothing_can_be_compared(wide, music, wrong):
    with pytest.raises(SettingError):
        compare_heads(open_prior(wide), music, **wrong)


def test_a_network_that_cannot_be_read_in_the_original_way(published_like, music):
    with pytest.raises(SettingError, match="levels of 6, 10, 14 channels"):
        compare_heads(open_prior(published_like), music)


def test_velocity_is_compared_with_velocity(wide, music, tmp_path):
    prior = open_prior(wide)
    velocity = replace(prior, schedule={**prior.schedule, "prediction_type": "v_prediction"})
    found, other = (compare_heads(each, music[:1], draws=2) for each in (prior, velocity))
    assert not torch.allclose(found.nothing, other.nothing, atol=1e-3)
