"""Plain AudioLDM 2 beside diffusers' AudioLDM2Pipeline, which reads the same texts with encoders of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.pipelines.audioldm2.modeling_audioldm2 import AudioLDM2UNet2DConditionModel
from diffusers.pipelines.audioldm2.pipeline_audioldm2 import AudioLDM2Pipeline
from diffusers.schedulers.scheduling_ddim import DDIMScheduler
from transformers.models.speecht5.modeling_speecht5 import SpeechT5HifiGan

from art2mus_core.audio.level import finish
from art2mus_core.checkpoints.folder import read_config, save_component, save_config
from art2mus_core.diffusion.denoiser import build_unet
from art2mus_core.diffusion.sampling import draw_noise
from art2mus_core.errors import CheckpointError, SettingError
from art2mus_core.pipelines import load
from art2mus_core.types import Waveform

SPEAKS, SECONDS, STEPS, GUIDANCE, SEEDS = 8, 1.25, 10, 3.5, [3, 11]
SHORT, LONG = "Music", "Music representing the place and the emotion of this artwork"
EVEN = ["Music of the place", "Low quality of artwork"]
"""Two texts of as many tokens for T5, and of different numbers for CLAP."""


@pytest.fixture(scope="module")
def folder(talking_like, tmp_path_factory) -> Path:
    """A checkpoint with text encoders and no constants, whose output depends on its condition as a trained one's does."""
    copy = Path(shutil.copytree(talking_like, tmp_path_factory.mktemp("text") / "audioldm2"))
    config = read_config(copy, "unet")
    torch.manual_seed(0)
    unet = build_unet(config)
    vocoder = SpeechT5HifiGan.from_pretrained(copy / "vocoder").float()
    with torch.no_grad():
        for name, weight in unet.named_parameters():
            if ".to_out." in name:
                weight.mul_(2)
        for weight in vocoder.parameters():
            if weight.dim() == 3:  # as built, it plays nothing
                weight.div_(weight.std() * weight[0].numel() ** 0.5)
    save_component(copy, "unet", unet, config, half=False)
    save_component(copy, "vocoder", vocoder, read_config(copy, "vocoder"), half=False)
    levels = {"beta_start": 0.0015, "beta_end": 0.0195, "beta_schedule": "scaled_linear", "num_train_timesteps": 1000}
    more = {"clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1, "prediction_type": "epsilon"}
    save_config(copy, "scheduler", {"_class_name": "DDIMScheduler", **levels, **more})
    return copy


@pytest.fixture(scope="module")
def ours(folder):
    return load(str(folder), route="text")


@pytest.fixture(scope="module")
def theirs(folder, talking):
    pipeline = AudioLDM2Pipeline(
        **vars(talking),
        vae=AutoencoderKL.from_pretrained(folder / "vae").float(),
        feature_extractor=None,
        unet=AudioLDM2UNet2DConditionModel.from_pretrained(folder / "unet").float(),
        scheduler=DDIMScheduler.from_pretrained(folder / "scheduler"),
        vocoder=SpeechT5HifiGan.from_pretrained(folder / "vocoder").float(),
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def close(value, expected):
    assert value.shape == expected.shape
    assert (value - expected).abs().max() < 1e-4 * max(1.0, expected.abs().max().item())


def encoded(theirs, texts, negative):
    """What diffusers tells its denoiser: texts, masks and languages of audio, negative ones first."""
    return theirs.encode_prompt(
        texts, torch.device("cpu"), 1, True, negative_prompt=[negative] * len(texts), max_new_tokens=SPEAKS
    )


@pytest.mark.parametrize("negative", ["", "Low quality."])
@pytest.mark.parametrize("texts", [[SHORT], [LONG], EVEN], ids=str)
@torch.no_grad()
def test_texts_are_read_as_by_diffusers(ours, theirs, texts, negative):
    positive, against = ours.condition(ours.encode_texts(texts, negative))
    text, mask, language = encoded(theirs, texts, negative)
    close(torch.cat([against.text, positive.text]), text)
    close(torch.cat([against.language, positive.language]), language)
    assert torch.equal(torch.cat([against.text_mask, positive.text_mask]), mask.bool())


@torch.no_grad()
def test_texts_of_unlike_length_are_read_each_for_itself(ours, theirs):
    positive, _ = ours.condition(ours.encode_texts([SHORT, LONG]))
    for index, text in enumerate([SHORT, LONG]):
        states, mask, language = encoded(theirs, [text], "")
        length = mask.shape[1]
        close(positive.language[index : index + 1], language[1:])
        close(positive.text[index : index + 1, :length], states[1:])
        assert positive.text_mask[index].sum() == mask[1].sum()
    # with a longer neighbour, diffusers reads the shorter text otherwise
    assert (encoded(theirs, [SHORT, LONG], "")[2][2] - positive.language[0]).abs().max() > 1e-2


def played(theirs, texts, negative, noise):
    """The reference's latent and its sound."""
    chosen = {"num_inference_steps": STEPS, "guidance_scale": GUIDANCE, "max_new_tokens": SPEAKS}
    kinds = ("latent", "pt")
    return [
        theirs(
            texts,
            negative_prompt=[negative] * len(texts),
            audio_length_in_s=SECONDS,
            latents=noise.clone(),
            output_type=kind,
            **chosen,
        ).audios
        for kind in kinds
    ]


@pytest.mark.parametrize("texts", [[SHORT], [LONG], EVEN], ids=str)
@torch.no_grad()
def test_music_is_that_of_diffusers(ours, theirs, texts):
    seeds = SEEDS[: len(texts)]
    noise = draw_noise(ours.parts.grid.latent_shape(SECONDS), seeds)
    latent, sound = played(theirs, texts, "Low quality.", noise)
    settings = ours.settings(seconds=SECONDS, steps=STEPS, guidance=GUIDANCE, solver="ddim")
    told = ours.condition(ours.encode_texts(texts, "Low quality."))
    close(ours.denoise(*told, settings, seeds).values, latent)
    chosen = {"seconds": SECONDS, "steps": STEPS, "guidance": GUIDANCE, "solver": "ddim"}
    pieces = ours.compose(texts, seeds=seeds, negative="Low quality.", level=False, **chosen)
    assert sound.std() > 1e-2
    for piece, expected in zip(pieces, sound, strict=True):
        assert (piece.samples - finish(Waveform(expected[None, None], 1600)).samples).abs().max() < 1e-4


@torch.no_grad()
def test_the_comparison_would_notice_other_words(ours):
    chosen = {"seconds": SECONDS, "steps": STEPS, "guidance": GUIDANCE, "solver": "ddim"}
    [piece] = ours.compose([SHORT], **chosen)
    for others in ({"texts": [LONG]}, {"texts": [SHORT], "negative": "Low quality."}):
        [other] = ours.compose(others.pop("texts"), **others, **chosen)
        assert (other.samples - piece.samples).abs().max() > 1e-3


def test_a_piece_does_not_depend_on_its_neighbours(ours):
    together = ours.compose([SHORT, LONG], seconds=1.0, seeds=SEEDS, steps=3)
    for text, seed, piece in zip([SHORT, LONG], SEEDS, together, strict=True):
        [alone] = ours.compose([text], seconds=1.0, seeds=[seed], steps=3)
        assert (piece.samples - alone.samples).abs().max() < 1e-4
        assert piece.samples.shape == (1, 1, ours.parts.grid.samples(1.0))


def test_networks_are_opened_for_their_work_and_told_of(folder):
    told = []
    offload = load(str(folder), offload=True, route="text")
    assert not any(map(offload.parts.is_open, offload.NETWORKS))
    offload.compose([SHORT], seconds=1.0, steps=1, on_step=lambda step: told.append(step.stage))
    assert not any(map(offload.parts.is_open, offload.NETWORKS))
    encoders = ["text_encoder_2", "text_encoder", "projection_model", "language_model"]
    assert told[:8] == [stage for name in encoders for stage in (f"open {name}", name)]
    assert told[8:] == ["open unet", "denoise", "open autoencoder", "autoencoder", "open vocoder", "vocoder"]


def test_a_model_that_reads_no_text_is_refused_at_once(pocket_like):
    with pytest.raises(CheckpointError, match=r"no text_encoder.*art2mus fetch audioldm2"):
        load(str(pocket_like), route="text")


def test_text_encoders_of_another_checkpoint_are_refused(folder, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "other")
    config = read_config(copy, "text_encoder_2")
    save_config(copy, "text_encoder_2", {**config, "d_model": 8})
    with pytest.raises(CheckpointError, match="texts of 9; expected 8"):
        load(str(copy), route="text")


@pytest.mark.parametrize("texts", [[], [SHORT, LONG]], ids=len)
def test_a_seed_for_each_text(ours, texts):
    with pytest.raises(SettingError, match=r"1 seeds for . texts"):
        ours.compose(texts, seeds=[1])
