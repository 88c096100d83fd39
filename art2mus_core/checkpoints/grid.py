"""The one place where sizes are read from a checkpoint's configuration files."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from ..errors import CheckpointError
from ..types import AudioGrid, Scale
from .folder import read_config

__all__ = ["latent_sizes", "mel_fields", "read_grid", "read_latent_scale"]

AGAIN = "Install or download the checkpoint again."
AUDIOLDM2_MEL: dict[str, Any] = {"scale": "slaney", "lowest": 0.0, "highest": 8000.0, "windows": (1024,), "floor": 1e-5}
"""What AudioLDM2's vocoder configuration leaves unsaid about its mel (Liu et al. 2024, and their audio processing)."""


def read_grid(folder: Path) -> AudioGrid:
    """The audio grid of a checkpoint, from its vocoder, VAE and language model.

    Raises:
        CheckpointError: a configuration is missing, lacks something that cannot be guessed, or says what is no size; or
            VAE and vocoder contradict each other.
    """
    try:
        sizes = {
            **latent_sizes(folder),
            **mel_fields(read_config(folder, "vocoder")),
            "language_width": read_config(folder, "language_model")["n_embd"],
        }
        if wrong := [f"{name} {sizes[name]!r}" for name, fits in FITTING.items() if not fits(sizes[name])]:
            raise _strange(folder, f"says {', '.join(wrong)}")
        grid = AudioGrid(**sizes)
    except KeyError as error:
        raise _strange(folder, f"does not say {error}") from error
    except TypeError as error:
        raise _strange(folder, f"describes no sound ({error})") from error
    if grid.mel_bins % grid.latent_factor:
        raise CheckpointError(
            f"the vocoder of {folder} hears {grid.mel_bins} mel bins",
            f"a multiple of {grid.latent_factor}, by which its VAE divides them",
            AGAIN,
        )
    return grid


def _strange(folder: Path, what: str) -> CheckpointError:
    return CheckpointError(f"{folder} {what}", "sizes in the config.json of vae, vocoder and language_model", AGAIN)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


FITTING: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(
        ("sample_rate", "hop", "mel_bins", "channels", "latent_channels", "latent_factor", "language_width"), _is_size
    ),
    **dict.fromkeys(("lowest", "highest", "floor"), _is_number),
    "scale": lambda scale: scale in get_args(Scale),
    "windows": lambda windows: bool(windows) and all(map(_is_size, windows)),
}
"""What each size must be."""


def mel_fields(config: dict[str, Any]) -> dict[str, Any]:
    """The fields of the mel that a component was trained on, from its configuration: a vocoder's, or one with a `mel`."""
    if "mel" in config:
        return {**config["mel"], "windows": tuple(config["mel"]["windows"])}
    return {
        "sample_rate": config["sampling_rate"],
        "hop": math.prod(config["upsample_rates"]),
        "mel_bins": config["model_in_dim"],
        **AUDIOLDM2_MEL,
    }


def latent_sizes(folder: Path) -> dict[str, Any]:
    """The sizes of a checkpoint's latents, and the channels of the sound that they are of.

    Raises:
        CheckpointError: it has no VAE, or one whose configuration does not say.
    """
    vae = read_config(folder, "vae")
    try:
        channels, factor = vae["latent_channels"], 2 ** (len(vae["block_out_channels"]) - 1)
    except KeyError as error:
        raise _strange(folder, f"does not say {error}") from error
    except TypeError as error:
        raise _strange(folder, f"describes no sound ({error})") from error
    return {
        "channels": vae.get("in_channels", 1),
        "latent_channels": channels,
        "latent_factor": factor,
        "latent_scale": read_latent_scale(folder),
    }


def read_latent_scale(folder: Path) -> float:
    """What the latents of a checkpoint's VAE are multiplied by; always read here, never from a built network.

    diffusers builds a VAE whose configuration lacks the factor, or lists it among values left at their default, with
    0.18215, which is that of an image model.

    Raises:
        CheckpointError: the configuration is missing, does not say, or says what is no positive number.
    """
    scale = read_config(folder, "vae").get("scaling_factor")
    if scale is None or not _is_number(scale) or scale <= 0:
        raise CheckpointError(
            f"{folder / 'vae' / 'config.json'} has {'no scaling_factor' if scale is None else f'scaling_factor {scale!r}'}",
            "the number by which this checkpoint's latents were multiplied in training",
            "Take it from vae/config.json of the published checkpoint (`art2mus fetch` brings it); of weights that nobody "
            "published, it is one over the standard deviation of the VAE's latents. Write it there.",
        )
    return float(scale)
