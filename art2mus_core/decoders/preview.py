"""Latent previews: a rough log-mel spectrogram of a latent, by one linear map, to show a piece while it is sampled."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ..checkpoints.grid import read_grid
from ..checkpoints.strict import Form, check_finite, check_forms, tensor_forms
from ..checkpoints.tensors import read_tensors, save_tensors
from ..types import AudioGrid, Latent, Mel
from .vae import MelAutoencoder

__all__ = ["PROBE_FRAMES", "LatentPreview", "fit_preview", "load_preview", "preview_file", "preview_of", "save_preview"]

SIDE = 3
"""Side of the convolution's kernel. 3 x 3 explained 84 % of the variance of the first bundled VAE's mels, 1 x 1 67 %."""

NOISE = 0.01
"""Power of the noise added to the latents when fitting, relative to theirs. Sampled latents contain noise that the VAE ignores:
a fit on clean latents explained 88 % of the mels of music but 37 % of sampled ones, this one 84 % and 86 %."""

PROBE_FRAMES, LINES, STRIKES = 64, 4, 0.15
"""The synthetic spectrogram for a fit without music: latent frames, shapes per latent frame, share of shapes that are strikes."""


@dataclass(frozen=True)
class LatentPreview:
    """One convolution from latent to log-mel.

    Attributes:
        weight: maps a latent pixel's neighbourhood to its patch of the mel, row by row.
        bias: of each place of the patch.
        span: log-magnitudes that map to the first and last colour of a drawing: the quietest value, and the mean of the
            pieces' loudest values. They are fixed so that a colour means the same at every step.
    """

    weight: Float[Tensor, "patch channels side side"]
    bias: Float[Tensor, "patch"]  # noqa: UP037
    span: tuple[float, float]

    @torch.no_grad()
    def draw(self, latent: Latent) -> Mel:
        """[B, C, frames, rows] to [B, frames * factor, rows * factor], on the device of the weights."""
        patches = F.conv2d(latent.values.to(self.weight), self.weight, self.bias, padding=SIDE // 2)
        return Mel(F.pixel_shuffle(patches, math.isqrt(len(self.bias)))[:, 0])


@torch.no_grad()
def fit_preview(pairs: Iterable[tuple[Latent, Mel]]) -> LatentPreview:
    """The least-squares preview over pairs of latents and their mels; at least one pair.

    Accumulates the normal equations in float64, so the number of pairs is not limited by memory. The noise on the latents
    adds its power to their diagonal.
    """
    square, product = torch.zeros(()), torch.zeros(())
    quietest, loudest = [], []
    for latent, mel in pairs:
        channels, factor = latent.values.shape[1], mel.values.shape[1] // latent.values.shape[2]
        inputs, wanted = _patches(latent.values, SIDE, SIDE // 2, 1), _patches(mel.values[:, None], factor, 0, factor)
        inputs = F.pad(inputs, (0, 1), value=1.0)
        square, product = square + inputs.T @ inputs, product + inputs.T @ wanted
        quietest.append(mel.values.min().item())
        loudest += mel.values.amax((1, 2)).tolist()
    diagonal = square.diagonal()
    diagonal[:-1] += NOISE * diagonal[:-1].mean()
    solved = torch.linalg.solve(square, product).float()
    weight = solved[:-1].T.reshape(-1, channels, SIDE, SIDE).contiguous()
    return LatentPreview(weight, solved[-1].contiguous(), (min(quietest), sum(loudest) / len(loudest)))


def _patches(values: Float[Tensor, "batch channels height width"], side: int, padding: int, stride: int) -> Tensor:
    """Every square patch as one row, in float64 on the CPU; not every device has float64."""
    return F.unfold(values.detach().cpu().double(), side, padding=padding, stride=stride).mT.flatten(0, 1)


@torch.no_grad()
def preview_of(autoencoder: MelAutoencoder, grid: AudioGrid) -> LatentPreview:
    """A preview for a VAE that has none, fitted to a synthetic spectrogram; deterministic.

    Costs one pass of 64 latent frames through the VAE's encoder, on the device of its weights.
    """
    mel = _synthetic_mel(grid, PROBE_FRAMES * grid.latent_factor)
    latent = autoencoder.encode(Mel(mel.expand(grid.channels, -1, -1)))
    return fit_preview([(latent, Mel(mel))])


def _synthetic_mel(grid: AudioGrid, frames: int) -> Float[Tensor, "1 frames bins"]:
    """Tones (narrow, decaying slowly or fast) and strikes (wide and short) over silence, combined by their maximum."""
    generator = torch.Generator().manual_seed(0)
    floor, bins = math.log(grid.floor), grid.mel_bins
    time, row = torch.arange(frames)[:, None], torch.arange(bins)
    mel = torch.full((frames, bins), floor)
    for start, pitch, loud, decay, narrow, kind in torch.rand(
        round(LINES * frames / grid.latent_factor), 6, generator=generator
    ).tolist():
        age = time - start * frames
        falling, slope = (0.2, 0.02) if kind < STRIKES else (0.3 * 0.05**decay, 1 + 2 * narrow)
        shape = -falling * age.clamp_min(0) + 4 * age.clamp_max(0) - slope * (row - pitch * bins).abs()
        mel = torch.maximum(mel, floor * (1 - 0.75 * loud) + shape)
    return mel[None]


def preview_file(folder: Path) -> Path:
    """The file of a checkpoint's preview."""
    return folder / "vae" / "sketch.safetensors"


def save_preview(folder: Path, preview: LatentPreview, *, fitted_on: str) -> Path:
    """Write a checkpoint's preview in float16, completely or not at all, and return the file."""
    tensors = {"weight": preview.weight, "bias": preview.bias, "span": torch.tensor(preview.span)}
    save_tensors(preview_file(folder), tensors, half=True, metadata={"fitted_on": fitted_on})
    return preview_file(folder)


def load_preview(folder: Path) -> LatentPreview | None:
    """The preview of a checkpoint in float32, or None if it has none.

    Raises:
        CheckpointError: it is damaged or does not match the checkpoint's grid.
    """
    path = preview_file(folder)
    if not path.is_file():
        return None
    stored, grid = read_tensors(path)[0], read_grid(folder)
    patch = grid.latent_factor**2
    shapes = {"weight": [patch, grid.latent_channels, SIDE, SIDE], "bias": [patch], "span": [2]}
    check_forms(
        {key: Form(shape, "float32") for key, shape in shapes.items()},
        tensor_forms(stored),
        path,
        "the latent preview of the VAE in the same folder",
        "Install the checkpoint again, or delete this file: previews are then a little coarser.",
    )
    check_finite(stored, path)
    weight, bias, span = (stored[key].to(torch.float32, copy=True) for key in shapes)
    return LatentPreview(weight, bias, (span[0].item(), span[1].item()))
