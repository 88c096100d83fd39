"""A prior: everything of a checkpoint folder from the language of audio to the waveform."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

import torch

from ..checkpoints.folder import check_component, load_component, read_config, read_index
from ..checkpoints.grid import read_grid
from ..checkpoints.memory import needed
from ..checkpoints.names import describe, is_prior, known, spoken
from ..conditioning.constants import Constants, load_constants
from ..conditioning.language import check_language_model, is_word_embedding, load_language_model
from ..decoders.vae import MelAutoencoder
from ..decoders.vocoders import AnyVocoder, check_vocoder, load_vocoder
from ..diffusion.denoiser import build_unet, check_heads, check_unet, reads_text
from ..diffusion.schedules import schedule
from ..errors import CheckpointError, SettingError
from ..networks.autoencoder import Autoencoder
from ..networks.gpt2 import GPT2
from ..networks.unet import UNet
from ..types import AudioGrid
from .settings import Settings

__all__ = ["PUBLISHED", "Networks", "Prior", "open_networks", "open_prior"]

PUBLISHED = Settings(steps=30, guidance=3.5)
"""For checkpoints that name no settings: the published guidance, and a solver that comes as near to the exact solution in
30 steps as DDIM, which the authors used, in 200."""


@dataclass(frozen=True)
class Networks:
    """A checkpoint's parts behind the prompt. A network is opened when it is first asked for, and kept until released.

    Attributes:
        folder: the checkpoint.
        grid: all sizes.
        schedule: the content of `scheduler_config.json`.
        defaults: settings that suit this checkpoint.
        heads: how the denoiser's attention is read, see :func:`~art2mus_core.diffusion.denoiser.build_unet`.
        dtype: precision of the denoiser and the language model. The VAE overflows in float16 and the vocoder's
            transforms need float32, and both are small.
    """

    NAMES: ClassVar[tuple[str, ...]] = ("language_model", "unet", "autoencoder", "vocoder")

    folder: Path
    grid: AudioGrid
    schedule: dict[str, Any]
    defaults: Settings
    heads: str
    dtype: torch.dtype

    @cached_property
    def language_model(self) -> GPT2:
        """GPT-2."""
        return load_language_model(self.folder, dtype=self.dtype)

    @cached_property
    def unet(self) -> UNet:
        """The denoiser's network."""
        return load_component(self.folder, "unet", partial(build_unet, heads=self.heads), dtype=self.dtype)

    @cached_property
    def autoencoder(self) -> MelAutoencoder:
        """Latent to mel."""
        return MelAutoencoder(load_component(self.folder, "vae", Autoencoder), self.grid.latent_scale)

    @cached_property
    def vocoder(self) -> AnyVocoder:
        """Fills the `Vocoder` protocol."""
        return load_vocoder(self.folder, self.grid)

    def is_open(self, name: str) -> bool:
        """Whether a network is in memory."""
        return name in self.__dict__

    def release(self, name: str) -> None:
        """Forget a network; it is opened again when it is asked for again."""
        if isinstance(getattr(type(self), name, None), cached_property):
            self.__dict__.pop(name, None)

    def open(self) -> None:
        """Open every network that composing needs.

        Raises:
            CheckpointError: one is damaged or does not fit its configuration.
        """
        for name in self.NAMES:
            getattr(self, name)

    def weights(self) -> dict[str, int]:
        """Bytes that each network takes, by name, from the headers of its files."""
        return {
            "language_model": needed(self.folder, ["language_model"], self.dtype, unused=is_word_embedding),
            "unet": needed(self.folder, ["unet"], self.dtype),
            **{name: needed(self.folder, [name], torch.float32) for name in ("vae", "vocoder")},
        }

    def check(self) -> None:
        """Compare every network with the header of its weights, of which none is read.

        Raises:
            CheckpointError: weights are missing or damaged, or of another configuration.
        """
        check_language_model(self.folder)
        check_component(self.folder, "unet", partial(build_unet, heads=self.heads))
        check_component(self.folder, "vae", Autoencoder)
        check_vocoder(self.folder)


@dataclass(frozen=True)
class Prior(Networks):
    """With what stands for text where none is read.

    Attributes:
        constants: what is told beside the artwork.
    """

    constants: Constants


def open_networks(
    folder: Path, texts: Collection[int], *, heads: str = "config", dtype: torch.dtype = torch.float32
) -> Networks:
    """Read a checkpoint's configurations and check that all its parts fit; weights are read later.

    Args:
        folder: the checkpoint.
        texts: widths of the texts that its denoiser will be told.
        heads: `config` or `original`.
        dtype: see :class:`Networks`.

    Raises:
        SettingError: no such reading of the heads, or a folder of something else.
        CheckpointError: something is missing, damaged or does not fit; only values that are not finite are found later.
    """
    check_heads(heads)
    _require_prior(folder)
    index, grid, levels = read_index(folder), read_grid(folder), read_config(folder, "scheduler")
    check_unet(read_config(folder, "unet"), grid, texts)
    networks = Networks(folder, grid, levels, _defaults(index, levels, folder), heads, dtype)
    networks.check()
    return networks


def open_prior(
    folder: Path, *, support: str = "model", heads: str = "config", dtype: torch.dtype = torch.float32
) -> Prior:
    """Read a checkpoint's configurations and constants and check that all its parts fit; weights are read later.

    Args:
        folder: the checkpoint.
        support: text constants: a name in its `constants` folder.
        heads: `config` or `original`.
        dtype: see :class:`Networks`.

    Raises:
        SettingError: no such constants or reading of the heads.
        CheckpointError: something is missing, damaged or does not fit; only values that are not finite are found later.
    """
    check_heads(heads)
    _require_prior(folder)
    grid = read_grid(folder)
    constants = load_constants(folder, support, language=grid.language_tokens, width=grid.language_width)
    if reads_text(read_config(folder, "unet")) and constants.text is None:
        raise CheckpointError(
            f"the constants of {folder} hold no text, which its denoiser reads",
            "text, text_mask, unconditional_text and unconditional_text_mask",
            f"Export them again: art2mus export-text {spoken(folder)}",
        )
    texts = {text.shape[-1] for text in (constants.text, constants.unconditional_text) if text is not None}
    return Prior(**vars(open_networks(folder, texts, heads=heads, dtype=dtype)), constants=constants)


def _require_prior(folder: Path) -> None:
    if is_prior(folder):
        return
    what, remedy = describe(folder)
    raise SettingError(
        f"{folder.name} is {what}",
        f"what makes music: {', '.join(known())}, or a folder with a model_index.json",
        remedy,
    )


def _defaults(index: dict[str, Any], levels: dict[str, Any], folder: Path) -> Settings:
    """The settings that suit a checkpoint, once its scheduler is found to take them."""
    try:
        defaults = Settings(**index["art2mus"]) if "art2mus" in index else PUBLISHED
        schedule(levels, defaults.solver, defaults.steps)
    except (TypeError, ValueError, SettingError) as error:
        raise CheckpointError(
            f"model_index.json of {folder} has defaults that cannot be used ({error})",
            "seconds, steps, guidance and solver within their ranges",
            "Install or download the checkpoint again.",
        ) from error
    return defaults
