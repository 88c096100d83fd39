"""The parts of a choice: configurations are checked at once, networks are loaded on first use."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from ..aligners.files import AlignerNetwork, find_aligner, load_aligner, read_header
from ..checkpoints.folder import (
    check_component,
    config_file,
    describes,
    load_component,
    read_config,
    read_index,
)
from ..checkpoints.grid import read_grid
from ..checkpoints.lora import Lora, check_lora, merge_lora
from ..checkpoints.names import describe, is_encoder, is_prior, known, locate, name_for_command
from ..checkpoints.student import check_student, has_student, student_file, student_steps
from ..checkpoints.weighing import needed
from ..conditioning.constants import Constants, load_constants
from ..conditioning.language import check_language_model, fingerprint, is_word_embedding, load_language_model
from ..conditioning.plan import PlanModel, load_plan_model
from ..decoders.vae import MelAutoencoder
from ..decoders.vocoders import AnyVocoder, check_vocoder, load_vocoder
from ..diffusion.denoiser import build_unet, check_heads, check_unet, reads_plan, reads_text
from ..encoders.files import check_image_encoder, image_bytes, image_space, load_audio_encoder, load_image_encoder
from ..errors import CheckpointError, SettingError
from ..interfaces import AudioEncoder, ImageEncoder
from ..networks.autoencoder import Autoencoder
from ..networks.gpt2 import GPT2
from ..networks.unet import UNet
from ..types import AudioGrid
from .choice import Choice, LazyParts
from .defaults import read_presets
from .settings import Settings

__all__ = ["MUSIC", "Parts", "open_parts"]

COMPONENTS = {"language_model": "language_model", "unet": "unet", "autoencoder": "vae", "vocoder": "vocoder"}
"""The networks of a prior in the order of the stages, and their folders."""

MUSIC = tuple(COMPONENTS)
"""All networks of a prior."""


@dataclass(frozen=True)
class Parts(LazyParts):
    """The parts of a choice.

    Attributes:
        choice: the choice.
        folder: the checkpoint of the prior.
        grid: its sizes.
        schedule: the content of its `scheduler_config.json`.
        presets: its settings by preset.
    """

    choice: Choice
    folder: Path
    grid: AudioGrid
    schedule: dict[str, Any]
    presets: dict[str, Settings]

    @property
    def dtype(self) -> torch.dtype:
        """The chosen precision."""
        return self.choice.dtype

    @cached_property
    def constants(self) -> Constants:
        """The text constants. Raises as :func:`load_constants`, and if they lack the text that the denoiser attends to."""
        grid, folder = self.grid, self.folder
        stored = load_constants(folder, self.choice.support, language=grid.language_tokens, width=grid.language_width)
        if reads_text(read_config(folder, "unet")) and stored.text is None:
            raise CheckpointError(
                f"the constants of {folder} have no text, to which its denoiser attends",
                "text, text_mask, unconditional_text and unconditional_text_mask",
                f"Export them again: art2mus export-text {name_for_command(folder)}",
            )
        self.check_texts({text.shape[-1] for text in (stored.text, stored.unconditional_text) if text is not None})
        return stored

    @cached_property
    def encoder_folder(self) -> Path:
        """The checkpoint of the image encoder and perhaps an audio encoder. Raises an Art2MusError if it is not there."""
        if self.choice.encoder:
            return locate(self.choice.encoder, is_encoder)
        path = find_aligner(self.folder, self.choice.aligner)
        header = read_header(path)
        own = image_space(self.folder) if is_encoder(self.folder) or (self.folder / "image_encoder").is_dir() else None
        if own == header.space:
            return self.folder
        try:
            return locate(header.encoder, is_encoder)
        except SettingError as error:
            has = f"has an encoder of the space {own!r}" if own else "has no image encoder"
            trained = f"the aligner {path.name} was trained with the encoder {header.encoder!r}, which is not installed"
            raise SettingError(f"{trained}, and {self.folder.name} {has}", error.expected, error.remedy) from error

    @cached_property
    def aligner(self) -> AlignerNetwork:
        """The image aligner. Raises as :func:`find_aligner` and :func:`load_aligner`."""
        path, width = find_aligner(self.folder, self.choice.aligner), self.grid.language_width
        trained, space = fingerprint(self.folder), image_space(self.encoder_folder)
        return load_aligner(path, space=space, width=width, language=trained, prior=self.folder.name)

    @cached_property
    def encoder(self) -> ImageEncoder:
        """The image encoder."""
        return load_image_encoder(self.encoder_folder, dtype=self.dtype)

    @cached_property
    def audio_encoder(self) -> AudioEncoder:
        """The audio encoder in the image encoder's space."""
        return load_audio_encoder(self.encoder_folder, dtype=self.dtype)

    @cached_property
    def language_model(self) -> GPT2:
        """GPT-2."""
        return load_language_model(self.folder, dtype=self.dtype)

    @cached_property
    def unet(self) -> UNet:
        """The denoiser's network, changed by the LoRA if one was chosen."""
        return self._denoiser()

    @cached_property
    def student(self) -> UNet:
        """The denoiser's network as its student, which takes the few steps of the solver of that name.

        Raises:
            SettingError: the checkpoint has no student.
        """
        student_steps(self.folder)
        return self._denoiser(Lora(student_file(self.folder)))

    @property
    def student_file(self) -> Path | None:
        """The file of the checkpoint's student, if it has one."""
        return student_file(self.folder) if has_student(self.folder) else None

    def _denoiser(self, *changes: Lora) -> UNet:
        unet = load_component(self.folder, "unet", self._build_unet, dtype=self.dtype)
        for lora in (*changes, *([self.choice.lora] if self.choice.lora else [])):
            merge_lora(unet, lora, self.folder)
        return unet

    @cached_property
    def plan_model(self) -> PlanModel | None:
        """The plan model, if the denoiser has a plan."""
        planned = reads_plan(read_config(self.folder, "unet"))
        return load_plan_model(self.folder, self.grid) if planned else None

    @cached_property
    def autoencoder(self) -> MelAutoencoder:
        """The VAE."""
        network = load_component(self.folder, "vae", Autoencoder, dtype=self.precision("autoencoder"))
        return MelAutoencoder(network, self.grid.latent_scale)

    @cached_property
    def vocoder(self) -> AnyVocoder:
        """The vocoder."""
        return load_vocoder(self.folder, self.grid)

    def precision(self, name: str) -> torch.dtype:
        """The precision in which a network of the prior computes, see :class:`~art2mus_core.pipelines.choice.Choice`."""
        wide = name == "vocoder" or (name == "autoencoder" and self.dtype != torch.bfloat16)
        return torch.float32 if wide else self.dtype

    def weights(self, names: Sequence[str] = MUSIC) -> dict[str, int]:
        """Bytes of networks by name, from the headers of their files."""
        taken = {}
        for name in names:
            if name == "encoder":
                taken[name] = image_bytes(self.encoder_folder, dtype=self.dtype)
            else:
                part = COMPONENTS.get(name, "unet")
                taken[name] = needed(self.folder, [part], self.precision(name), unused=is_word_embedding)
        return taken

    def check(self) -> None:
        """Compare the header of each network's weights with its configuration; no weight is read.

        Raises:
            CheckpointError: weights are missing, damaged, or differ from the configuration. Values that are not finite are
                found only when a network is loaded.
        """
        check_language_model(self.folder)
        unet = check_component(self.folder, "unet", self._build_unet)
        if self.choice.lora:
            check_lora(self.choice.lora.path, unet, self.folder)
        if has_student(self.folder):
            check_student(self.folder, unet)
        _ = self.plan_model  # a few numbers
        check_component(self.folder, "vae", Autoencoder)
        check_vocoder(self.folder)

    def check_texts(self, widths: Collection[int] | None) -> None:
        """Check that the denoiser fits the grid and attends to texts of these widths, None if they are not known.

        Raises:
            CheckpointError: it does not.
        """
        with describes(config_file(self.folder, "unet"), "the denoiser"):
            check_unet(read_config(self.folder, "unet"), self.grid, widths)

    def check_artworks(self) -> None:
        """Check the parts for artworks: text constants, aligner and image encoder.

        Raises:
            SettingError: an unknown encoder, aligner or constants.
            CheckpointError: a part is missing, damaged or does not match.
        """
        _ = self.constants, self.aligner
        check_image_encoder(self.encoder_folder)

    def _build_unet(self, config: dict[str, Any]) -> UNet:
        return build_unet(config, self.choice.heads)


def open_parts(choice: Choice) -> Parts:
    """Read and check a checkpoint's configurations; :meth:`Parts.check` compares the weights with them.

    Raises:
        SettingError: an unknown checkpoint or division into heads, or a folder of another kind.
        CheckpointError: a configuration is missing, damaged or does not match the others.
    """
    check_heads(choice.heads)
    folder = locate(choice.checkpoint)
    if not is_prior(folder):
        what, remedy = describe(folder)
        models = f"a model: {', '.join(known())}, or a folder with a model_index.json"
        raise SettingError(f"{folder.name} is {what}", models, remedy)
    index, levels = read_index(folder), read_config(folder, "scheduler")
    parts = Parts(choice, folder, read_grid(folder), levels, read_presets(index, levels, folder))
    parts.check_texts(None)
    return parts
