"""Reads every size of a checkpoint's sound from its configuration files; no other file does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from ..errors import CheckpointError
from ..sizes import AudioGrid, Scale
from .folder import config_file, read_config

__all__ = ["latent_sizes", "mel_fields", "read_grid", "read_latent_scale"]

AGAIN = "Install or download the checkpoint again."
AUDIOLDM2_MEL: dict[str, Any] = {"scale": "slaney", "lowest": 0.0, "highest": 8000.0, "windows": (1024,), "floor": 1e-5}
"""Parameters of AudioLDM2's mel that its vocoder configuration omits (Liu et al. 2024, and their audio processing)."""


HIGHEST_NOTE = 200
"""Three octaves above what can be heard."""

LARGEST = 1_000_000
"""A larger size would take all memory before the weights contradict it."""


def _is_size(value: object) -> bool:
    return type(value) is int and 0 < value <= LARGEST


def _is_number(value: Any) -> bool:  # noqa: ANN401
    return type(value) in {int, float} and math.isfinite(value)


def _is_positive(value: Any) -> bool:  # noqa: ANN401
    return _is_number(value) and value > 0


def _are_sizes(value: object) -> bool:
    return isinstance(value, (list, tuple)) and len(value) > 0 and all(map(_is_size, value))


Kind = tuple[Callable[[Any], bool], str]
"""A check of a value, and the expected values in words."""

SIZE: Kind = _is_size, f"a whole number above 0, up to {LARGEST}"
SIZES: Kind = _are_sizes, f"a list of whole numbers above 0, up to {LARGEST}"
NUMBER: Kind = _is_number, "a number"
NOTE: Kind = lambda note: _is_number(note) and 0 <= note <= HIGHEST_NOTE, f"a MIDI note number from 0 to {HIGHEST_NOTE}"

MEL: dict[str, Kind] = {
    "sample_rate": SIZE,
    "hop": SIZE,
    "mel_bins": SIZE,
    "scale": (lambda scale: scale in get_args(Scale), f"one of {', '.join(get_args(Scale))}"),
    "lowest": NUMBER,
    "highest": NUMBER,
    "windows": SIZES,
    "floor": (_is_positive, "a number above 0"),
}
"""Fields of `mel` in a configuration: those of the audio grid."""


def read_grid(folder: Path) -> AudioGrid:
    """The audio grid of a checkpoint, from the configurations of its vocoder, VAE and language model.

    Raises:
        CheckpointError: a configuration is missing, an option is missing or is not a size, or VAE and vocoder contradict each
            other; the message names the file and its option.
    """
    sizes = {**latent_sizes(folder), **mel_fields(folder, "vocoder")}
    language = read_config(folder, "language_model")
    width = _option(config_file(folder, "language_model"), language, "n_embd", SIZE)
    grid = AudioGrid(**sizes, language_width=width)
    if grid.mel_bins % grid.latent_factor:
        option = "mel.mel_bins" if "mel" in read_config(folder, "vocoder") else "model_in_dim"
        raise CheckpointError(
            f"{config_file(folder, 'vocoder')} has {option} {grid.mel_bins}",
            f"a multiple of {grid.latent_factor}, the downsampling factor of its VAE",
            AGAIN,
        )
    return grid


def mel_fields(folder: Path, name: str) -> dict[str, Any]:
    """The mel that a component was trained on: the field `mel` of its configuration, or the options of AudioLDM2's vocoder.

    Raises:
        CheckpointError: the configuration is missing, or an option is missing or wrong.
    """
    path, config = config_file(folder, name), read_config(folder, name)
    if "mel" not in config:
        hop = math.prod(_option(path, config, "upsample_rates", SIZES))
        rate, bins = (_option(path, config, option, SIZE) for option in ("sampling_rate", "model_in_dim"))
        return {"sample_rate": rate, "hop": hop, "mel_bins": bins, **AUDIOLDM2_MEL}
    mel = config["mel"]
    if not isinstance(mel, dict) or not mel.keys() <= MEL.keys():
        raise CheckpointError(f"{path} has mel {mel!r}", f"an object with {', '.join(MEL)}", AGAIN)
    found = {field: _option(path, mel, field, kind, "mel.") for field, kind in MEL.items()}
    if found["scale"] == "semitone":
        _option(path, mel, "lowest", NOTE, "mel.")
    elif not 0 <= found["lowest"] < found["highest"]:
        bounds = f"mel.lowest {found['lowest']} and mel.highest {found['highest']}"
        raise CheckpointError(f"{path} has {bounds}", "hertz from 0, the lowest below the highest", AGAIN)
    return {**found, "windows": tuple(found["windows"])}


def latent_sizes(folder: Path) -> dict[str, Any]:
    """The sizes of a checkpoint's latents, and the channels of its sound.

    Raises:
        CheckpointError: it has no VAE, or an option of the VAE's configuration is missing or wrong.
    """
    path, vae = config_file(folder, "vae"), read_config(folder, "vae")
    return {
        "channels": _option(path, {"in_channels": 1, **vae}, "in_channels", SIZE),
        "latent_channels": _option(path, vae, "latent_channels", SIZE),
        "latent_factor": 2 ** (len(_option(path, vae, "block_out_channels", SIZES)) - 1),
        "latent_scale": read_latent_scale(folder),
    }


def read_latent_scale(folder: Path) -> float:
    """The factor that a checkpoint's latents are multiplied by, from its configuration rather than from a built network.

    diffusers replaces a factor that is missing, or listed as a default, by 0.18215, that of an image model.

    Raises:
        CheckpointError: the configuration is missing, or the factor is missing or is not a positive number.
    """
    scale: Any = read_config(folder, "vae").get("scaling_factor")
    if not _is_positive(scale):
        raise CheckpointError(
            f"{config_file(folder, 'vae')} has {'no scaling_factor' if scale is None else f'scaling_factor {scale!r}'}",
            "the number by which this checkpoint's latents were multiplied in training",
            "Copy it from vae/config.json of the published checkpoint (`art2mus fetch` downloads it). For a VAE of your own, it is "
            "one divided by the standard deviation of its latents.",
        )
    return float(scale)


def _option(path: Path, config: Mapping[str, Any], option: str, kind: Kind, prefix: str = "") -> Any:  # noqa: ANN401
    """The value of an option in a configuration file.

    Raises:
        CheckpointError: it is missing or not of the kind.
    """
    fits, wanted = kind
    value = config.get(option)
    if not fits(value):
        shown = f"{prefix}{option} {value!r}" if option in config else f"no {prefix}{option}"
        raise CheckpointError(f"{path} has {shown}", wanted, AGAIN)
    return value
