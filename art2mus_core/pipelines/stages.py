"""The stages from an artwork to its music, used by pipelines, nodes and training.

A stage receives its network and a memory policy: the caller decides where the network is during the stage.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from ..audio.level import finish
from ..audio.mel import MelTransform
from ..conditioning.constants import Constants, prompted
from ..conditioning.plan import PlanModel
from ..decoders.vae import MelAutoencoder
from ..diffusion.guidance import Guided
from ..diffusion.levels import count_levels
from ..diffusion.phrases import lay_out
from ..diffusion.sampling import draw_noise, sample
from ..diffusion.schedules import schedule
from ..interfaces import Denoiser
from ..networks.gpt2 import GPT2
from ..types import AudioGrid, Condition, Embedding, LanguageOfAudio, Latent, Mel, OnStep, PromptTokens, Waveform
from .levelling import level
from .prompts import EncodedText
from .settings import Settings

__all__ = [
    "Resident",
    "condition",
    "decode",
    "denoise",
    "denoise_noise",
    "encode_sound",
    "finished",
    "visiting",
    "vocode",
]

Resident = Callable[[nn.Module], AbstractContextManager[Any]]
"""A memory policy: keeps a network on its device for the length of a `with` block."""


def visiting(device: torch.device | str) -> Resident:
    """The policy that moves each network to `device` when it is first used and leaves it there."""

    @contextmanager
    def resident(network: nn.Module) -> Iterator[Any]:
        yield network.to(device)

    return resident


def condition(
    language_model: GPT2,
    prompt: PromptTokens,
    constants: Constants,
    grid: AudioGrid,
    *,
    resident: Resident,
    embedding: Embedding | None = None,
    text: EncodedText | None = None,
) -> tuple[Condition, Condition]:
    """The denoiser's conditions (positive, negative) for B artworks.

    The negative side without text prompts is that of the aligner's null prompt, if it has one, else the checkpoint's. With text
    prompts, it is the negative text's: no aligner has learnt a null prompt beside a text.

    Args:
        language_model: GPT-2.
        prompt: the aligner's tokens of B artworks, perhaps with a null prompt.
        constants: the checkpoint's text constants.
        grid: sizes of the checkpoint.
        resident: the caller's memory policy.
        embedding: embeddings of the artworks; needed with text prompts.
        text: encoded text prompts.
    """
    length = grid.language_tokens
    with resident(language_model):
        if text is not None and embedding is not None:
            return text.with_artworks(prompt, embedding).conditions(language_model, length)
        return prompted(language_model, prompt, constants, length)


def denoise(
    denoiser: Denoiser,
    positive: Condition,
    negative: Condition,
    settings: Settings,
    seeds: Sequence[int],
    *,
    grid: AudioGrid,
    levels: dict[str, Any],
    device: torch.device,
    plan_model: PlanModel | None = None,
    on_step: OnStep | None = None,
) -> Latent:
    """Draw the noise of each seed and denoise it to a latent.

    Args:
        denoiser: the denoiser, its network on `device`.
        positive: condition with one entry per seed.
        negative: condition of the negative side of guidance, likewise.
        settings: seconds, steps, guidance and where it is computed, solver and reprise.
        seeds: seeds of the noise; see :func:`~art2mus_core.pipelines.settings.noise_seed`.
        grid: sizes of the checkpoint.
        levels: the content of its `scheduler_config.json`.
        device: the device to compute on.
        plan_model: reads tempo, key and band of the positive side, if the denoiser has a plan; the negative side has
            none. The language then settles on the plan's band, and the noise is laid out by its phrases.
        on_step: called after every step.
    """
    noise = draw_noise(grid.latent_shape(settings.seconds), seeds)
    fixed: dict[str, Any] = {"rate": grid.latent_rate, "levels": levels, "device": device, "plan_model": plan_model}
    guided = Guided(denoiser, negative, settings.guidance, settings.guided_below * count_levels(levels))
    return denoise_noise(guided, positive, noise, settings, **fixed, on_step=on_step)


def denoise_noise(
    guided: Guided,
    positive: Condition,
    noise: Float[Tensor, "batch channels frames rows"],
    settings: Settings,
    *,
    rate: float,
    levels: dict[str, Any],
    device: torch.device,
    plan_model: PlanModel | None = None,
    on_step: OnStep | None = None,
) -> Latent:
    """Denoise noise of whole pieces to a latent, as :func:`denoise`; `rate` is in latent frames per second."""
    visited = schedule(levels, settings.solver, settings.steps)
    plans: tuple[dict[str, Any], ...] = ()
    if plan_model is not None:
        plan = plan_model.plan(LanguageOfAudio(positive.language), noise, rate).mapped(lambda part: part.to(device))
        positive = replace(positive, plan=plan, language=plan_model.settled(positive.language, plan))
        noise = lay_out(noise, plan, settings.reprise, rate)
        plans = plan_model.described(plan, rate)
    return replace(sample(guided, positive, noise.to(device), visited, on_step=on_step), plans=plans)


def decode(autoencoder: MelAutoencoder, latent: Latent, *, resident: Resident) -> Mel:
    """Decode latents to mel spectrograms; the channels of a piece are adjacent."""
    with resident(autoencoder):
        return autoencoder.decode(latent)


def vocode(vocoder: Any, mel: Mel, grid: AudioGrid, *, resident: Resident) -> Waveform:  # noqa: ANN401
    """Convert mel spectrograms to sound [B, channels, N], `hop` samples per frame.

    Args:
        vocoder: implements the `Vocoder` protocol.
        mel: [B * channels, T, bins].
        grid: sizes of the checkpoint.
        resident: the caller's memory policy.
    """
    with resident(vocoder):
        sound = vocoder.vocode(mel)
    return Waveform(sound.samples[:, 0].unflatten(0, (-1, grid.channels)), sound.sample_rate)


def encode_sound(autoencoder: MelAutoencoder, sound: Waveform, grid: AudioGrid, *, resident: Resident) -> Latent:
    """Encode sound [B, any channels, N] to the mean of its latents; the last latent frame is padded with silence.

    Raises:
        AudioError: a sound too short for a spectrum.
    """
    samples = sound.samples
    if samples.shape[1] != grid.channels:
        samples = samples.mean(1, keepdim=True).expand(-1, grid.channels, -1)
    missing = -samples.shape[-1] % (grid.hop * grid.latent_factor)
    with resident(autoencoder):
        weight = next(autoencoder.parameters())
        whole = F.pad(samples.flatten(0, 1), (0, missing)).to(weight.device, torch.float32)
        return autoencoder.encode(Mel(MelTransform(grid).to(weight.device)(whole)))


def finished(
    sound: Waveform,
    grid: AudioGrid,
    seconds: float,
    *,
    levelled: bool = True,
    plans: Sequence[dict[str, Any]] = (),
) -> list[Waveform]:
    """Pieces [1, channels, N] of exactly `seconds`, on the CPU, without DC offset, clicks or clipping.

    Args:
        sound: a batch [B, channels, N].
        grid: sizes of the checkpoint.
        seconds: length of the pieces.
        levelled: raise soft pieces; see :func:`~art2mus_core.pipelines.levelling.level`.
        plans: facts of each piece, see :class:`~art2mus_core.types.Latent`.

    Raises:
        AudioError: samples that are NaN or infinite.
    """
    work = level if levelled else finish
    exact = sound.samples[..., : grid.samples(seconds)].float().cpu()
    own = plans or [{}] * len(exact)
    return [work(Waveform(piece[None], sound.sample_rate, plan=plan)) for piece, plan in zip(exact, own, strict=True)]
