"""A prior: everything of a checkpoint folder from the language of audio to the waveform."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from diffusers.pipelines.audioldm2.modeling_audioldm2 import AudioLDM2UNet2DConditionModel
from transformers.models.gpt2.modeling_gpt2 import GPT2Model

from ..checkpoints.folder import load_component, read_config, read_index
from ..checkpoints.grid import read_grid
from ..checkpoints.memory import needed
from ..checkpoints.names import is_aligner, is_encoder, is_prior, known
from ..conditioning.constants import Constants, load_constants
from ..conditioning.language import build_language_model, is_word_embedding
from ..decoders.vae import MelAutoencoder, build_vae
from ..decoders.vocoders import AnyVocoder, load_vocoder
from ..diffusion.denoiser import build_unet, check_heads, reads_text
from ..errors import CheckpointError, SettingError
from ..types import AudioGrid
from .settings import Settings

__all__ = ["PUBLISHED", "Prior", "open_prior"]

PUBLISHED = Settings(steps=30, guidance=3.5)
"""For checkpoints that name no settings: the published guidance, and a solver that comes as near to the exact solution in
30 steps as DDIM, which the authors used, in 200."""


@dataclass(frozen=True)
class Prior:
    """A checkpoint's parts behind the prompt. A network is opened when it is first asked for, and kept until released.

    Attributes:
        folder: the checkpoint.
        constants: what is told beside the artwork.
        grid: all sizes.
        schedule: the content of `scheduler_config.json`.
        defaults: settings that suit this checkpoint.
        heads: how the denoiser's attention is read, see :func:`~art2mus_core.diffusion.denoiser.build_unet`.
        dtype: precision of the denoiser and the language model. The VAE overflows in float16 and the vocoder's
            transforms need float32, and both are small.
    """

    folder: Path
    constants: Constants
    grid: AudioGrid
    schedule: dict[str, Any]
    defaults: Settings
    heads: str
    dtype: torch.dtype

    @cached_property
    def language_model(self) -> GPT2Model:
        """GPT-2."""
        return load_component(
            self.folder, "language_model", build_language_model, dtype=self.dtype, unused=is_word_embedding
        )

    @cached_property
    def unet(self) -> AudioLDM2UNet2DConditionModel:
        """The denoiser's network."""

        def build(config: dict[str, Any]) -> AudioLDM2UNet2DConditionModel:
            return build_unet(config, self.heads)

        return load_component(self.folder, "unet", build, dtype=self.dtype)

    @cached_property
    def autoencoder(self) -> MelAutoencoder:
        """Latent to mel."""
        return MelAutoencoder(load_component(self.folder, "vae", build_vae), self.grid.latent_scale)

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

    def weights(self) -> dict[str, int]:
        """Bytes that each network takes, by name, from the headers of its files."""
        return {
            "language_model": needed(self.folder, ["language_model"], self.dtype, unused=is_word_embedding),
            "unet": needed(self.folder, ["unet"], self.dtype),
            **{name: needed(self.folder, [name], torch.float32) for name in ("vae", "vocoder")},
        }


def open_prior(
    folder: Path, *, support: str = "model", heads: str = "config", dtype: torch.dtype = torch.float32
) -> Prior:
    """Read a checkpoint's configurations and constants and check that its weights are there; networks are opened later.

    Args:
        folder: the checkpoint.
        support: text constants: a name in its `constants` folder.
        heads: `config` or `original`.
        dtype: see :class:`Prior`.

    Raises:
        SettingError: no such constants or reading of the heads.
        CheckpointError: something is missing, damaged or does not fit.
    """
    check_heads(heads)
    _require_prior(folder)
    index, grid = read_index(folder), read_grid(folder)
    constants = load_constants(folder, support, language=grid.language_tokens, width=grid.language_width)
    if reads_text(read_config(folder, "unet")) and constants.text is None:
        raise CheckpointError(
            f"the constants of {folder} hold no text, which its denoiser reads",
            "text, text_mask, unconditional_text and unconditional_text_mask",
            f"Export them again: art2mus export-text {folder.name}",
        )
    prior = Prior(folder, constants, grid, read_config(folder, "scheduler"), _defaults(index, folder), heads, dtype)
    prior.weights()
    return prior


def _require_prior(folder: Path) -> None:
    if is_prior(folder):
        return
    kinds = {"an aligner": is_aligner, "an image encoder": is_encoder, "no model": lambda _: True}
    kind = next(kind for kind, is_a in kinds.items() if is_a(folder))
    option = {"an aligner": "--aligner", "an image encoder": "--encoder"}.get(kind)
    raise SettingError(
        f"{folder.name} is {kind}",
        f"what makes music: {', '.join(known())}, or a folder with a model_index.json",
        f"Name it as {option}, and a model beside it." if option else "Check the name.",
    )


def _defaults(index: dict[str, Any], folder: Path) -> Settings:
    try:
        return Settings(**index["art2mus"]) if "art2mus" in index else PUBLISHED
    except TypeError as error:
        raise CheckpointError(
            f"model_index.json of {folder} has defaults that are not known ({error})",
            "seconds, steps, guidance and solver",
            "Install or download the checkpoint again.",
        ) from error
