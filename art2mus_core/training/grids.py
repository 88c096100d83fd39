"""The audio grid of a stage, from its configuration if it starts a checkpoint, else from the checkpoint."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ..checkpoints.folder import read_config
from ..checkpoints.grid import latent_sizes, mel_fields, read_grid
from ..checkpoints.lacking import command_for
from ..errors import CheckpointError, SettingError
from ..types import AudioGrid
from .config import MelFields, TrainingConfig

__all__ = ["checkpoint_grid", "latent_grid", "mel_alone", "mel_grid", "mel_of", "recorded_mel"]

RECORDERS = ("vocoder", "vae", "codec_decoder", "mel_decoder", "audio_encoder")
"""Components whose configuration has the parameters of the mel they were trained on."""

FIRST = {"vocoder": "vae", "prior": "vae", "mel": "codec_decoder"}
"""The component that starts a checkpoint for a stage whose packaged configuration has no mel."""


def mel_grid(config: TrainingConfig, checkpoint: Path) -> AudioGrid:
    """The grid of a stage that trains on mels, as the checkpoint or the configuration specifies it.

    Raises:
        SettingError: neither specifies it, or they contradict each other.
        CheckpointError: a configuration in the checkpoint is damaged.
    """
    recorded, given = recorded_mel(checkpoint), config.mel.model_dump() if config.mel else None
    if recorded is None and given is None:
        if first := FIRST.get(config.stage):
            raise SettingError(
                f"stage {config.stage} without a mel, because {checkpoint} has no {first} yet",
                "a folder in which it is trained already",
                f"Train it first: {command_for(checkpoint, first)}.",
            )
        raise SettingError(
            f"stage {config.stage} without a mel, and none in {checkpoint}",
            f"the field mel, with {', '.join(MelFields.model_fields)}",
            "Add it to the configuration, as in the packaged one of the stage vae.",
        )
    grid = AudioGrid(**(recorded or given or {}))
    if recorded and given and (other := [key for key, value in mel_of(grid).items() if value != given[key]]):
        raise SettingError(
            f"a mel with {', '.join(f'{key} {given[key]}' for key in other)}",
            f"{', '.join(f'{key} {recorded[key]}' for key in other)}, as {checkpoint} was trained with",
            "Remove the field mel from the configuration, as --set mel=null does, or choose another folder with --out.",
        )
    return grid


def latent_grid(config: TrainingConfig, checkpoint: Path) -> AudioGrid:
    """The grid of a stage that trains on latents of the checkpoint's VAE.

    Raises:
        SettingError: as :func:`mel_grid`, or the configuration lacks the width of its language model.
        CheckpointError: the checkpoint has no VAE, or a damaged configuration.
    """
    sizes = latent_sizes(checkpoint)
    width = (config.model.get("language_model") or {}).get("n_embd")
    if not isinstance(width, int) or width < 1:
        raise SettingError(f"a language model with n_embd {width!r}", "its width", "Add it to the field model.")
    return replace(mel_grid(config, checkpoint), **sizes, language_width=width)


def checkpoint_grid(config: TrainingConfig, checkpoint: Path) -> AudioGrid:
    """The grid of a complete checkpoint.

    Raises:
        SettingError: the configuration contradicts the checkpoint.
        CheckpointError: a component is missing or damaged.
    """
    grid = read_grid(checkpoint)
    mel_grid(config, checkpoint)
    return grid


def recorded_mel(checkpoint: Path) -> dict[str, Any] | None:
    """The parameters of the mel that a checkpoint was trained on; None if no component has them."""
    for name in RECORDERS:
        if (checkpoint / name / "config.json").is_file():
            config = read_config(checkpoint, name)
            if name == "vocoder" or "mel" in config:
                return mel_fields(checkpoint, name)
    return None


def mel_of(grid: AudioGrid) -> dict[str, Any]:
    """The fields of a grid that specify the mel."""
    return {each.name: getattr(grid, each.name) for each in fields(grid) if each.name in MelFields.model_fields}


def mel_alone(checkpoint: Path) -> AudioGrid:
    """The grid of the mel that a checkpoint was trained on.

    Raises:
        CheckpointError: no component specifies it.
    """
    recorded = recorded_mel(checkpoint)
    if recorded is None:
        raise CheckpointError(
            f"{checkpoint} does not specify the mel it was trained on",
            "the field mel in the config.json of its vocoder or VAE",
            "Train its VAE or its vocoder again.",
        )
    return AudioGrid(**recorded)
