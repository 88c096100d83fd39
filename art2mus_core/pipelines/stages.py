"""The stages from an artwork to its music, each once: the command line, the nodes and training call these.

A stage is told which network to use and a residency: where that network is for the length of the stage is the caller's decision.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from ..audio.level import finish
from ..audio.mel import MelTransform
from ..conditioning.constants import Constants, conditions
from ..conditioning.language import roll_out
from ..decoders.vae import MelAutoencoder
from ..diffusion.guidance import Guided
from ..diffusion.sampling import draw_noise, sample
from ..diffusion.schedules import schedule
from ..networks.gpt2 import GPT2
from ..types import AudioGrid, Condition, Denoiser, Embedding, Latent, Mel, OnStep, PromptTokens, Waveform
from .settings import Settings
from .words import Said

__all__ = [
    "Resident",
    "condition",
    "decode",
    "denoise",
    "encode_sound",
    "finished",
    "visiting",
    "vocode",
]

Resident = Callable[[nn.Module], AbstractContextManager[Any]]
"""Keeps a network where it computes for the length of a `with` block: the caller's memory policy."""


def visiting(device: torch.device | str) -> Resident:
    """A policy: every network goes to `device` when it is first needed and stays there."""

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
    said: Said | None = None,
) -> tuple[Condition, Condition]:
    """What the denoiser is told of artworks, and of none: (positive, negative), B each.

    Args:
        language_model: GPT-2, which goes on from the prompt.
        prompt: the aligner's tokens of B artworks.
        constants: what is told beside artworks, and instead of them.
        grid: of the checkpoint.
        resident: the caller's memory policy.
        embedding: of the artworks; only words need it.
        said: words beside the artworks.
    """
    length = grid.language_tokens
    with resident(language_model):
        if said is not None and embedding is not None:
            return said.beside(prompt, embedding).conditions(language_model, length)
        language = roll_out(language_model, prompt, length)
    return conditions(language, constants)


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
    on_step: OnStep | None = None,
) -> Latent:
    """From each seed's noise to a latent.

    Args:
        denoiser: of a network that is where it computes.
        positive: what it is told, one of a batch for each seed.
        negative: what guidance leads away from, likewise.
        settings: seconds, steps, guidance and solver.
        seeds: of the noise.
        grid: of the checkpoint.
        levels: the content of its `scheduler_config.json`.
        device: where the network computes.
        on_step: told after every step.
    """
    visited = schedule(levels, settings.solver, settings.steps)
    noise = draw_noise(grid.latent_shape(settings.seconds), seeds).to(device)
    return sample(Guided(denoiser, negative, settings.guidance), positive, noise, visited, on_step=on_step)


def decode(autoencoder: MelAutoencoder, latent: Latent, *, resident: Resident) -> Mel:
    """From latents to mel spectrograms; those of a piece's channels follow each other."""
    with resident(autoencoder):
        return autoencoder.decode(latent)


def vocode(vocoder: Any, mel: Mel, grid: AudioGrid, *, resident: Resident) -> Waveform:  # noqa: ANN401
    """From mel spectrograms to sound [B, channels, N], `hop` samples a frame.

    Args:
        vocoder: fills the `Vocoder` protocol.
        mel: [B * channels, T, bins].
        grid: of the checkpoint.
        resident: the caller's memory policy.
    """
    with resident(vocoder):
        heard = vocoder.vocode(mel)
    return Waveform(heard.samples[:, 0].unflatten(0, (-1, grid.channels)), heard.sample_rate)


def encode_sound(autoencoder: MelAutoencoder, sound: Waveform, grid: AudioGrid, *, resident: Resident) -> Latent:
    """From sound [B, any channels, N] to the mean of its latents; silence fills its last latent frame.

    Raises:
        AudioError: a sound that is too short to have a spectrum.
    """
    samples = _channels(sound.samples, grid.channels)
    missing = -samples.shape[-1] % (grid.hop * grid.latent_factor)
    with resident(autoencoder):
        weight = next(autoencoder.parameters())
        whole = F.pad(samples.flatten(0, 1), (0, missing)).to(weight.device, torch.float32)
        return autoencoder.encode(Mel(MelTransform(grid).to(weight.device)(whole)))


def _channels(samples: torch.Tensor, count: int) -> torch.Tensor:
    """[B, any, N] to [B, count, N]: as they are, or their mean in each."""
    if samples.shape[1] == count:
        return samples
    return samples.mean(1, keepdim=True).expand(-1, count, -1)


def finished(sound: Waveform, grid: AudioGrid, seconds: float) -> list[Waveform]:
    """Pieces [1, channels, N] of exactly so many seconds, on the CPU, without offset, clicks or clipping."""
    exact = sound.samples[..., : grid.samples(seconds)].float().cpu()
    return [finish(Waveform(piece[None], sound.sample_rate)) for piece in exact]
