"""Finds the division into attention heads that a checkpoint's weights were trained with: the one with the lower prediction error.

The published configuration of AudioLDM2 divides attention into other heads than its training code. The weights have the same
shapes for both, so only the function differs: the error of the noise prediction (Ho et al. 2020, eq. 14) is measured on music, with
the same noise for both divisions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from ..audio.reading import read_audio
from ..checkpoints.memory import check_memory
from ..diffusion.denoiser import HEADS, LatentDenoiser
from ..diffusion.levels import read_levels
from ..diffusion.sampling import draw_noise
from ..errors import AudioError
from ..types import AudioGrid, Latent, OnStep, Step, Waveform
from .parts import Parts
from .settings import check_number, check_seed
from .stages import Resident, encode_sound

__all__ = ["WINDOW", "Comparison", "check_draws", "compare_heads"]

WINDOW = 10.0
"""Seconds used from the middle of each file, about as many as in AudioLDM2's training."""

PEAK, SILENCE = 0.5, 1e-4
"""Peak to which music is normalised after removing its mean, as in AudioLDM2's training; and the peak below which it is silent."""

CERTAIN, MATTERS = 3.0, 0.01
"""Least difference, in standard errors and relative to the better division's error. With enough draws, the first alone would be met by
any two functions."""

DIVISIONS = tuple(reversed(HEADS))
"""The original first, because it is not possible for every network."""


@dataclass(frozen=True)
class Comparison:
    """Mean squared errors of the noise prediction, for every file at every timestep.

    Attributes:
        timesteps: the timesteps.
        errors: errors by division.
        nothing: errors of a network whose output is zero.
    """

    timesteps: tuple[int, ...]
    errors: dict[str, Float[Tensor, "files timesteps"]]
    nothing: Float[Tensor, "files timesteps"]

    def error(self, division: str) -> tuple[float, float]:
        """Mean error of a division, and its standard error over files and timesteps."""
        return _mean(self.errors[division])

    @property
    def difference(self) -> tuple[float, float]:
        """Mean paired difference of the errors, original minus configuration, and its standard error."""
        return _mean(self.errors["original"] - self.errors["config"])

    @property
    def verdict(self) -> str | None:
        """The division that the weights were trained with, or None if the result is not clear."""
        mean, error = self.difference
        better = "config" if mean > 0 else "original"
        least = self.error(better)[0]
        is_clear = abs(mean) > max(CERTAIN * error, MATTERS * least)
        return better if is_clear and least < _mean(self.nothing)[0] else None

    @property
    def sentence(self) -> str:
        """The verdict as a sentence."""
        mean, error = self.difference
        if self.verdict:
            certainty = f"{abs(mean) / error:.1f} standard errors" if error else "no variation"
            return f"The weights were trained with `--heads {self.verdict}` ({certainty})."
        if min(self.error(division)[0] for division in DIVISIONS) >= _mean(self.nothing)[0]:
            return "Neither division predicts noise: these weights are not trained, or not for such music."
        return (
            f"The difference is within {CERTAIN:g} standard errors or below {MATTERS:.0%}: "
            "use more music or more draws; if the result stays, the division makes no difference."
        )


def check_draws(draws: int, seed: int, files: int) -> None:
    """Check the settings of a comparison.

    Raises:
        SettingError: fewer than 2 draws or more than 1000, or an invalid seed.
    """
    check_number("draws", float(draws), 2.0, 1000.0)
    check_seed(seed)
    check_seed(seed + draws * files)


def compare_heads(
    prior: Parts,
    music: Sequence[Path],
    *,
    draws: int = 10,
    seed: int = 0,
    resident: Resident = nullcontext,
    on_step: OnStep | None = None,
) -> Comparison:
    """Measure the error of the noise prediction with both divisions, without artwork or text.

    Args:
        prior: the parts of the checkpoint; the division in its choice is not used.
        music: sound files of at least 10 s.
        draws: timesteps per file, spread evenly over the schedule.
        seed: seed of the first noise; each further noise has the next seed.
        resident: the caller's memory policy.
        on_step: called after every prediction.

    Raises:
        SettingError: as :func:`check_draws`, or channels that the original heads don't divide.
        AudioError: a file that cannot be read, or is too short, silent or not finite.
        CheckpointError: weights that are missing, damaged or do not match.
    """
    check_draws(draws, seed, len(music))
    prior.check()
    check_memory(prior.weights()["unet"], f"the denoiser of {prior.folder.name}")
    with torch.inference_mode():
        latents = list(_latents(prior, music, resident))
        trials = _trials(prior, latents, draws, seed)
        errors = {}
        for index, division in enumerate(DIVISIONS):
            values: list[float] = []
            for error in _errors(replace(prior, choice=replace(prior.choice, heads=division)), trials, resident):
                values.append(error)
                if on_step:
                    on_step(Step("predict", index * len(trials) + len(values), len(DIVISIONS) * len(trials)))
            errors[division] = torch.tensor(values).view(len(music), draws)
        nothing = torch.tensor([trial.target.square().mean().item() for trial in trials]).view(len(music), draws)
    return Comparison(tuple(int(trial.timestep) for trial in trials[:draws]), errors, nothing)


@dataclass(frozen=True)
class _Trial:
    """A noisy latent and the output that the network should predict."""

    noisy: Float[Tensor, "1 channels frames rows"]
    target: Float[Tensor, "1 channels frames rows"]
    timestep: Tensor


def _trials(prior: Parts, latents: Sequence[Latent], draws: int, seed: int) -> list[_Trial]:
    """Every latent at every timestep; the timesteps are the centres of equal parts of the schedule."""
    levels = read_levels(prior.schedule)
    shape = prior.grid.latent_shape(WINDOW)
    trials: list[_Trial] = []
    for latent in latents:
        for draw in range(draws):
            timestep = torch.tensor(int((draw + 0.5) * len(levels) / draws))
            noise = draw_noise(shape, [seed + len(trials)])
            level = (latent.values, noise, timestep[None])
            trials.append(_Trial(levels.noised(*level), levels.target(*level), timestep))
    return trials


def _errors(prior: Parts, trials: Sequence[_Trial], resident: Resident) -> Iterator[float]:
    condition, unet = prior.constants.unconditional, prior.unet
    with resident(unet):
        denoiser = LatentDenoiser(unet)
        for trial in trials:
            predicted = denoiser(trial.noisy.to(unet.conv_in.weight.device), trial.timestep, condition).cpu()
            yield (predicted - trial.target).square().mean().item()


def _latents(prior: Parts, music: Sequence[Path], resident: Resident) -> Iterator[Latent]:
    """The mean latent of the middle of every file."""
    for sound in [_middle(path, prior.grid) for path in music]:
        latent = encode_sound(prior.autoencoder, sound, prior.grid, resident=resident)
        yield Latent(latent.values.float().cpu())
    prior.release("autoencoder")


def _middle(path: Path, grid: AudioGrid) -> Waveform:
    sound = read_audio(path, grid.sample_rate)
    samples, length = sound.samples[0], grid.latent_frames(WINDOW) * grid.latent_factor * grid.hop
    if samples.shape[-1] < length:
        raise AudioError(
            f"{path} has {sound.seconds:.1f} s", f"at least {length / grid.sample_rate:g} s", "Use longer music."
        )
    start = (samples.shape[-1] - length) // 2
    samples = samples[:, start : start + length]
    samples = samples - samples.mean()
    if samples.abs().max() < SILENCE:
        raise AudioError(f"the middle of {path} is silent", "music", "Use another file.")
    return Waveform((samples * (PEAK / samples.abs().max()))[None], sound.sample_rate)


def _mean(values: Tensor) -> tuple[float, float]:
    """Mean and its standard error."""
    exact = values.double()
    return exact.mean().item(), (exact.std() / exact.numel() ** 0.5).item()
