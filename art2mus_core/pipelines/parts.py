"""One choice of parts, and the parts: a network is opened when it is first asked for, its file's header is checked before."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from ..aligners.files import AnyAligner, find_aligner, load_aligner, read_header
from ..checkpoints.folder import check_component, load_component, read_config, read_index
from ..checkpoints.grid import read_grid
from ..checkpoints.names import describe, is_encoder, is_prior, known, locate, spoken
from ..checkpoints.sizes import needed
from ..conditioning.constants import Constants, load_constants
from ..conditioning.language import check_language_model, fingerprint, is_word_embedding, load_language_model
from ..decoders.vae import MelAutoencoder
from ..decoders.vocoders import AnyVocoder, check_vocoder, load_vocoder
from ..diffusion.denoiser import build_unet, check_heads, check_unet, reads_text
from ..diffusion.schedules import schedule
from ..encoders.files import check_image_encoder, image_bytes, image_space, load_audio_encoder, load_image_encoder
from ..errors import CheckpointError, SettingError
from ..networks.autoencoder import Autoencoder
from ..networks.gpt2 import GPT2
from ..networks.unet import UNet
from ..types import AudioEncoder, AudioGrid, ImageEncoder
from .settings import Settings

__all__ = ["MUSIC", "PUBLISHED", "Choice", "Parts", "open_parts"]

PUBLISHED = Settings(steps=30, guidance=3.5)
"""For checkpoints that name no settings: the published guidance, and a solver that comes as near to the exact solution in
30 steps as DDIM, which the authors used, in 200."""

COMPONENTS = {"language_model": "language_model", "unet": "unet", "autoencoder": "vae", "vocoder": "vocoder"}
"""The networks of a prior, in the order of their work, and the folders that they lie in."""

MUSIC, REDUCED = tuple(COMPONENTS), ("language_model", "unet")
"""All of them, and those that compute in the precision that was chosen."""


@dataclass(frozen=True)
class Choice:
    """Which parts are wanted, and how they compute.

    Attributes:
        checkpoint: of the prior: `pocket`, the path of a folder, or a name below `ART2MUS_HOME`.
        aligner: a name in the checkpoint's `aligner` folder (`model` is its own), the name of a fetched aligner, or a file.
        encoder: a checkpoint with an image encoder; without a name, the checkpoint's own if the aligner reads its space, or
            else the one that the aligner was trained with.
        support: text constants: a name in the checkpoint's `constants` folder.
        heads: `config` or `original`, see :func:`~art2mus_core.diffusion.denoiser.build_unet`.
        dtype: precision of the denoiser, the language model and published encoders. The VAE overflows in float16 and the
            vocoder's transforms need float32, and both are small.
    """

    checkpoint: str = "pocket"
    aligner: str = "model"
    encoder: str | None = None
    support: str = "model"
    heads: str = "config"
    dtype: torch.dtype = torch.float32


@dataclass(frozen=True)
class Parts:
    """The parts of a choice. Each is opened when it is first asked for, and kept until it is released.

    Attributes:
        choice: which they are.
        folder: the prior's checkpoint.
        grid: all sizes.
        schedule: the content of `scheduler_config.json`.
        defaults: settings that suit this checkpoint.
    """

    choice: Choice
    folder: Path
    grid: AudioGrid
    schedule: dict[str, Any]
    defaults: Settings

    @property
    def dtype(self) -> torch.dtype:
        """Of the choice."""
        return self.choice.dtype

    @cached_property
    def constants(self) -> Constants:
        """What is told beside the artwork, and instead of it.

        Raises:
            SettingError: no constants of that name.
            CheckpointError: they are damaged, of other sizes, or lack a text that the denoiser reads.
        """
        grid, folder = self.grid, self.folder
        stored = load_constants(folder, self.choice.support, language=grid.language_tokens, width=grid.language_width)
        if reads_text(read_config(folder, "unet")) and stored.text is None:
            raise CheckpointError(
                f"the constants of {folder} hold no text, which its denoiser reads",
                "text, text_mask, unconditional_text and unconditional_text_mask",
                f"Export them again: art2mus export-text {spoken(folder)}",
            )
        self.check_texts({text.shape[-1] for text in (stored.text, stored.unconditional_text) if text is not None})
        return stored

    @cached_property
    def encoder_folder(self) -> Path:
        """Where the image encoder lies, and perhaps an audio encoder.

        Raises:
            SettingError: it is not here.
            CheckpointError: it is damaged.
        """
        if self.choice.encoder:
            return locate(self.choice.encoder, is_encoder)
        path = find_aligner(self.folder, self.choice.aligner)
        header = read_header(path)
        own = image_space(self.folder) if is_encoder(self.folder) else None
        if own == header.space:
            return self.folder
        try:
            return locate(header.encoder, is_encoder)
        except SettingError as error:
            has = f"gives the space {own!r} itself" if own else "has no image encoder of its own"
            raise SettingError(
                f"the aligner {path.name} reads the space of the encoder {header.encoder!r}, which is not here, "
                f"and {self.folder.name} {has}",
                error.expected,
                error.remedy,
            ) from error

    @cached_property
    def aligner(self) -> AnyAligner:
        """Embedding to prompt tokens.

        Raises:
            SettingError: no such aligner or encoder.
            CheckpointError: damaged, or made for another encoder or another language model.
        """
        path, width = find_aligner(self.folder, self.choice.aligner), self.grid.language_width
        trained, space = fingerprint(self.folder), image_space(self.encoder_folder)
        return load_aligner(path, space=space, width=width, language=trained, prior=self.folder.name)

    @cached_property
    def encoder(self) -> ImageEncoder:
        """The image encoder."""
        return load_image_encoder(self.encoder_folder, dtype=self.dtype)

    @cached_property
    def listener(self) -> AudioEncoder:
        """The audio encoder in the image encoder's space."""
        return load_audio_encoder(self.encoder_folder, dtype=self.dtype)

    @cached_property
    def language_model(self) -> GPT2:
        """GPT-2."""
        return load_language_model(self.folder, dtype=self.dtype)

    @cached_property
    def unet(self) -> UNet:
        """The denoiser's network."""
        return load_component(self.folder, "unet", self._build_unet, dtype=self.dtype)

    @cached_property
    def autoencoder(self) -> MelAutoencoder:
        """Latent to mel."""
        return MelAutoencoder(load_component(self.folder, "vae", Autoencoder), self.grid.latent_scale)

    @cached_property
    def vocoder(self) -> AnyVocoder:
        """Fills the `Vocoder` protocol."""
        return load_vocoder(self.folder, self.grid)

    def is_open(self, name: str) -> bool:
        """Whether a part is in memory."""
        return name in self.__dict__

    def release(self, name: str) -> None:
        """Forget a network; it is opened again when it is asked for again."""
        self.__dict__.pop(name, None)

    def weights(self, names: Sequence[str] = MUSIC) -> dict[str, int]:
        """Bytes that each of some networks takes, by name, from the headers of its files."""
        return {name: self._bytes(name) for name in names}

    def _bytes(self, name: str) -> int:
        if name == "encoder":
            return image_bytes(self.encoder_folder, dtype=self.dtype)
        dtype = self.dtype if name in REDUCED else torch.float32
        return needed(self.folder, [COMPONENTS[name]], dtype, unused=is_word_embedding)

    def check(self) -> None:
        """Compare every network of a prior with the header of its weights, of which none is read.

        Raises:
            CheckpointError: weights are missing or damaged, or of another configuration. Only values that are not finite
                are found later.
        """
        check_language_model(self.folder)
        check_component(self.folder, "unet", self._build_unet)
        check_component(self.folder, "vae", Autoencoder)
        check_vocoder(self.folder)

    def check_texts(self, widths: Collection[int]) -> None:
        """Refuse texts of a width that the denoiser doesn't read by a CheckpointError."""
        check_unet(read_config(self.folder, "unet"), self.grid, widths)

    def check_artworks(self) -> None:
        """Find what artworks need, and check that it belongs together.

        Raises:
            SettingError: no such encoder, aligner or constants.
            CheckpointError: something is missing, damaged or does not fit.
        """
        _ = self.constants, self.aligner
        check_image_encoder(self.encoder_folder)

    def _build_unet(self, config: dict[str, Any]) -> UNet:
        return build_unet(config, self.choice.heads)


def open_parts(choice: Choice) -> Parts:
    """Read a checkpoint's configurations; weights are compared by :meth:`Parts.check`, and read later.

    Raises:
        SettingError: no such checkpoint or reading of the heads, or a folder of something else.
        CheckpointError: a configuration is missing, damaged or does not fit.
    """
    check_heads(choice.heads)
    folder = locate(choice.checkpoint)
    if not is_prior(folder):
        what, remedy = describe(folder)
        raise SettingError(
            f"{folder.name} is {what}",
            f"what makes music: {', '.join(known())}, or a folder with a model_index.json",
            remedy,
        )
    index, grid, levels = read_index(folder), read_grid(folder), read_config(folder, "scheduler")
    check_unet(read_config(folder, "unet"), grid)
    return Parts(choice, folder, grid, levels, _defaults(index, levels, folder))


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
