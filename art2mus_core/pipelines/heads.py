"""Which reading of the heads a checkpoint's weights were trained with: the one under which they predict noise better.

The published configuration of AudioLDM2 divides attention into other heads than the code it was trained with. The tensors
are the same, the function is not, and only the function can tell: the error of the noise prediction (Ho et al. 2020,
eq. 14) on music, with the same noise for both readings.
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
from ..types import AudioGrid, Condition, Latent, OnStep, Step, Waveform
from .parts import Parts
from .settings import check_number, check_seed
from .stages import Resident, encode_sound

__all__ = ["WINDOW", "Comparison", "check_draws", "compare_heads"]

WINDOW = 10.0
"""Seconds of every file that are used, its middle ones; AudioLDM2 was trained on about as many."""

PEAK, SILENCE = 0.5, 1e-4
"""Music has its mean removed and is brought to this peak, as in AudioLDM2's training; below the other there is no music."""

CERTAIN, MATTERS = 3.0, 0.01
"""A difference counts from so many standard errors and such a share of the better reading's error: any two functions differ
a little and, with enough draws, certainly."""

READINGS = tuple(reversed(HEADS))
"""The original first: not every network can be read in that way."""


@dataclass(frozen=True)
class Comparison:
    """Mean squared errors of the noise prediction, for every file at every timestep.

    Attributes:
        timesteps: which were drawn.
        errors: reading to errors.
        nothing: the errors of a network whose output is zero.
    """

    timesteps: tuple[int, ...]
    errors: dict[str, Float[Tensor, "files timesteps"]]
    nothing: Float[Tensor, "files timesteps"]

    def error(self, reading: str) -> tuple[float, float]:
        """Mean error of a reading and its standard error over files and timesteps."""
        return _mean(self.errors[reading])

    @property
    def difference(self) -> tuple[float, float]:
        """Mean of the original reading's error less the configuration's, pair by pair, and its standard error."""
        return _mean(self.errors["original"] - self.errors["config"])

    @property
    def verdict(self) -> str | None:
        """The reading the weights were trained with, or None if this music does not tell."""
        mean, error = self.difference
        better = "config" if mean > 0 else "original"
        least = self.error(better)[0]
        is_clear = abs(mean) > max(CERTAIN * error, MATTERS * least)
        return better if is_clear and least < _mean(self.nothing)[0] else None

    @property
    def sentence(self) -> str:
        """The verdict for a person."""
        mean, error = self.difference
        if self.verdict:
            certainty = f"{abs(mean) / error:.1f} standard errors" if error else "every time the same"
            return f"The weights were trained with `--heads {self.verdict}` ({certainty})."
        if min(self.error(reading)[0] for reading in READINGS) >= _mean(self.nothing)[0]:
            return "Neither reading predicts noise: these weights are not trained, or not for music like this."
        return (
            f"The difference is within {CERTAIN:g} standard errors or below {MATTERS:.0%}: "
            "use more music or more draws; if it stays so, the reading makes no difference."
        )


def check_draws(draws: int, seed: int, files: int) -> None:
    """Refuse numbers with which nothing can be compared.

    Raises:
        SettingError: fewer than 2 draws or more than 1000, or a seed that is none.
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
    """Measure the noise prediction under both readings of the heads, without a picture and without a text.

    Args:
        prior: the checkpoint; its own reading is not used.
        music: sound files of at least 10 s.
        draws: timesteps a file, spread evenly over the schedule.
        seed: of the first noise; every further one has the next.
        resident: the caller's memory policy.
        on_step: told after every prediction.

    Raises:
        SettingError: as :func:`check_draws`, or channels that the original heads don't divide.
        AudioError: a file that cannot be read, is too short, silent or not finite.
        CheckpointError: weights that are missing, damaged or do not fit.
    """
    check_draws(draws, seed, len(music))
    prior.check()
    check_memory(prior.weights()["unet"], f"the denoiser of {prior.folder.name}")
    with torch.inference_mode():
        latents = list(_latents(prior, music, resident))
        trials = _trials(prior, latents, draws, seed)
        errors = {}
        for index, reading in enumerate(READINGS):
            values: list[float] = []
            for error in _errors(replace(prior, choice=replace(prior.choice, heads=reading)), trials, resident):
                values.append(error)
                if on_step:
                    on_step(Step("predict", index * len(trials) + len(values), len(READINGS) * len(trials)))
            errors[reading] = torch.tensor(values).view(len(music), draws)
        nothing = torch.tensor([trial.target.square().mean().item() for trial in trials]).view(len(music), draws)
    return Comparison(tuple(int(trial.timestep) for trial in trials[:draws]), errors, nothing)


@dataclass(frozen=True)
class _Trial:
    """A noisy latent and what the network should say of it."""

    noisy: Float[Tensor, "1 channels frames rows"]
    target: Float[Tensor, "1 channels frames rows"]
    timestep: Tensor


def _trials(prior: Parts, latents: Sequence[Latent], draws: int, seed: int) -> list[_Trial]:
    """Every latent at every timestep, in the middle of equal parts of the schedule."""
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
    stored = prior.constants
    told = Condition(stored.unconditional_language, stored.unconditional_text, stored.unconditional_text_mask)
    unet = prior.unet
    with resident(unet):
        denoiser = LatentDenoiser(unet)
        for trial in trials:
            predicted = denoiser(trial.noisy.to(unet.conv_in.weight.device), trial.timestep, told).cpu()
            yield (predicted - trial.target).square().mean().item()


def _latents(prior: Parts, music: Sequence[Path], resident: Resident) -> Iterator[Latent]:
    """The middle of every file as the mean of its latent."""
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
