"""Our sentence beside diffusers' AudioLDM2Pipeline, which reads the same folder with loaders of its own."""

from __future__ import annotations

import shutil

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.pipelines.audioldm2.modeling_audioldm2 import (
    AudioLDM2ProjectionModel,
    AudioLDM2UNet2DConditionModel,
)
from diffusers.pipelines.audioldm2.pipeline_audioldm2 import AudioLDM2Pipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from transformers.models.gpt2.modeling_gpt2 import GPT2LMHeadModel
from transformers.models.speecht5.modeling_speecht5 import SpeechT5HifiGan
from transformers.models.t5.configuration_t5 import T5Config
from transformers.models.t5.modeling_t5 import T5EncoderModel

from art2mus_core.checkpoints.folder import read_config, save_component, save_config
from art2mus_core.conditioning.language import roll_out
from art2mus_core.diffusion.denoiser import build_unet
from art2mus_core.diffusion.sampling import draw_noise
from art2mus_core.pipelines import load
from art2mus_core.pipelines.settings import Settings
from art2mus_core.types import Condition, PromptTokens

WIDTH, TEXT_WIDTH, LANGUAGE = 10, 9, 8
SEEDS = [3, 11]
GUIDANCE = 3.5

SCHEDULER = {
    "_class_name": "DDIMScheduler",
    "beta_end": 0.0195,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.0015,
    "clip_sample": False,
    "clip_sample_range": 1.0,
    "dynamic_thresholding_ratio": 0.995,
    "num_train_timesteps": 1000,
    "prediction_type": "epsilon",
    "rescale_betas_zero_snr": False,
    "sample_max_value": 1.0,
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "thresholding": False,
    "timestep_spacing": "leading",
    "trained_betas": None,
}
"""As it is published with AudioLDM2."""

LAYOUTS = {
    "base": {"cross_attention_dim": [[None, WIDTH, TEXT_WIDTH]] * 3},
    "large": {"cross_attention_dim": [[None, WIDTH, TEXT_WIDTH, None]] * 3, "transformer_layers_per_block": 2},
}


@pytest.fixture(scope="module", params=list(LAYOUTS))
def folder(request, published_like, tmp_path_factory):
    """A checkpoint with the published scheduler, and attention as in `audioldm2` or `audioldm2-large`."""
    copy = shutil.copytree(published_like, tmp_path_factory.mktemp("parity") / request.param)
    config = read_config(copy, "unet") | LAYOUTS[request.param]
    torch.manual_seed(0)
    unet = build_unet(config)
    with torch.no_grad():
        # As built, the output hardly depends on the condition; a trained network's does.
        for name, weight in unet.named_parameters():
            if ".to_out." in name:
                weight.mul_(2)
    save_component(copy, "unet", unet, config, half=False)
    vocoder = SpeechT5HifiGan.from_pretrained(copy / "vocoder").float()
    with torch.no_grad():
        for weight in vocoder.parameters():
            if weight.dim() == 3:  # as built, it plays nothing
                weight.div_(weight.std() * weight[0].numel() ** 0.5)
    save_component(copy, "vocoder", vocoder, read_config(copy, "vocoder"), half=False)
    save_config(copy, "scheduler", SCHEDULER)
    return copy


@pytest.fixture(scope="module")
def ours(folder):
    return load(str(folder))


@pytest.fixture(scope="module")
def theirs(folder):
    pipeline = AudioLDM2Pipeline(
        vae=AutoencoderKL.from_pretrained(folder / "vae").float(),
        text_encoder=None,
        text_encoder_2=T5EncoderModel(
            T5Config(d_model=TEXT_WIDTH, d_kv=3, d_ff=5, num_layers=1, num_heads=3, vocab_size=7)
        ),
        projection_model=AudioLDM2ProjectionModel(5, TEXT_WIDTH, WIDTH),
        language_model=GPT2LMHeadModel.from_pretrained(folder / "language_model").float(),
        tokenizer=None,
        tokenizer_2=None,
        feature_extractor=None,
        unet=AudioLDM2UNet2DConditionModel.from_pretrained(folder / "unet").float(),
        scheduler=DDIMScheduler.from_pretrained(folder / "scheduler"),
        vocoder=SpeechT5HifiGan.from_pretrained(folder / "vocoder").float(),
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(scope="module")
def told():
    """What two pieces are told, and what is told of none: texts of unequal length, partly masked."""
    torch.manual_seed(7)
    text_mask = torch.tensor([[1, 1, 1, 1, 1, 0], [1, 1, 1, 0, 0, 0]]).bool()
    positive = Condition(torch.randn(2, LANGUAGE, WIDTH), torch.randn(2, 6, TEXT_WIDTH), text_mask)
    none_mask = torch.tensor([[1, 1, 0, 0], [1, 0, 0, 0]]).bool()
    return positive, Condition(torch.randn(2, LANGUAGE, WIDTH), torch.randn(2, 4, TEXT_WIDTH), none_mask)


def padded(states, mask, length):
    """Longer, with something in the new places that must not be heard."""
    more = length - states.shape[1]
    return torch.cat([states, torch.randn(2, more, TEXT_WIDTH)], 1), torch.cat([mask, torch.zeros(2, more)], 1).long()


def reference(pipeline, told, noise, *, seconds, steps):
    """The latents after every step, and the sound."""
    positive, negative = told
    text, mask = padded(positive.text, positive.text_mask, 6)
    none, none_mask = padded(negative.text, negative.text_mask, 6)
    latents = []
    sound = pipeline(
        audio_length_in_s=seconds,
        num_inference_steps=steps,
        guidance_scale=GUIDANCE,
        latents=noise,
        prompt_embeds=text,
        attention_mask=mask,
        generated_prompt_embeds=positive.language,
        negative_prompt_embeds=none,
        negative_attention_mask=none_mask,
        negative_generated_prompt_embeds=negative.language,
        callback=lambda index, level, latent: latents.append(latent),
        output_type="pt",
    ).audios
    return latents, sound


def trajectory(ours, told, settings):
    """Ours: the latents after every step."""
    latents = []
    ours.denoise(*told, settings, SEEDS, on_step=lambda step: latents.append(step.latent) if step.latent else None)
    return latents


@pytest.mark.parametrize(("seconds", "steps"), [(1.25, 10), (1.37, 25)])
@torch.no_grad()
def test_a_trajectory_and_its_sound_are_those_of_diffusers(ours, theirs, told, seconds, steps):
    grid = ours.parts.grid
    frames = grid.latent_frames(seconds)
    assert seconds != 1.25 or frames % 4, "the UNet halves twice, and this length must not divide"
    settings = Settings(seconds=seconds, steps=steps, guidance=GUIDANCE, solver="ddim")
    noise = draw_noise(grid.latent_shape(seconds), SEEDS)
    expected, played = reference(theirs, told, noise, seconds=seconds, steps=steps)
    latents = trajectory(ours, told, settings)
    assert len(latents) == len(expected) == steps
    for latent, other in zip(latents, expected, strict=True):
        assert latent.values.shape == other.shape == (2, 3, frames, 5)
        assert (latent.values - other).abs().max() < 1e-5 * max(1.0, other.abs().max().item())
    assert not torch.allclose(expected[-1][0], expected[-1][1], atol=0.1)

    sound = ours.decode(latents[-1]).cut(seconds).samples[:, 0]
    assert sound.shape == played.shape
    assert (sound - played).abs().max() < 1e-4 * played.abs().max()
    assert played.std() > 1e-2


@torch.no_grad()
def test_the_comparison_would_notice_another_condition(ours, told):
    settings = Settings(seconds=1.25, steps=5, guidance=GUIDANCE, solver="ddim")
    positive, negative = told
    latent = trajectory(ours, told, settings)[-1].values
    masked_otherwise = Condition(positive.language, positive.text, positive.text_mask.roll(1, 0))
    for changed in ((masked_otherwise, negative), (negative, positive)):
        other = trajectory(ours, changed, settings)[-1].values
        assert (other - latent).abs().max() > 1e-3 * latent.abs().max()


@torch.no_grad()
def test_the_language_of_audio_is_that_of_diffusers(ours, theirs):
    torch.manual_seed(5)
    prompt = torch.randn(2, 5, WIDTH)
    for mask in (torch.ones(2, 5).bool(), torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1]]).bool()):
        language = roll_out(ours.parts.language_model, PromptTokens(prompt, mask), LANGUAGE)
        expected = theirs.generate_language_model(prompt, attention_mask=mask.long(), max_new_tokens=LANGUAGE)
        assert torch.allclose(language.values, expected, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(expected[0], expected[1], atol=0.1)
