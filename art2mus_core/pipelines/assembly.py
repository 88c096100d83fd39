"""Puts a prior, an image encoder and an aligner together, from one folder or from three."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import torch

from ..aligners.files import AnyAligner, find_aligner, load_aligner, read_header
from ..checkpoints.names import is_encoder, locate
from ..conditioning.language import fingerprint
from ..encoders.files import check_image_encoder, image_bytes, image_space, load_audio_encoder, load_image_encoder
from ..errors import SettingError
from ..types import AudioEncoder, ImageEncoder
from .prior import Prior, open_prior

__all__ = ["Choice", "Parts", "assemble"]


@dataclass(frozen=True)
class Choice:
    """Which parts are wanted, by name.

    Attributes:
        aligner: a name in the checkpoint's `aligner` folder (`model` is its own), the name of a fetched aligner, or a file.
        encoder: a checkpoint with an image encoder; without a name, the checkpoint's own if the aligner reads its space, or
            else the one that the aligner was trained with.
        support: text constants: a name in the checkpoint's `constants` folder.
        heads: `config` or `original`, see :func:`~art2mus_core.diffusion.denoiser.build_unet`.
        dtype: precision of the denoiser, the language model and published encoders.
    """

    aligner: str = "model"
    encoder: str | None = None
    support: str = "model"
    heads: str = "config"
    dtype: torch.dtype = torch.float32


@dataclass(frozen=True)
class Parts(Prior):
    """Everything that turns an artwork into music.

    Attributes:
        encoder_folder: where the image encoder lies, and perhaps an audio encoder.
        aligner: embedding to prompt tokens.
    """

    NAMES: ClassVar[tuple[str, ...]] = ("encoder", *Prior.NAMES)

    encoder_folder: Path
    aligner: AnyAligner

    @cached_property
    def encoder(self) -> ImageEncoder:
        """The image encoder."""
        return load_image_encoder(self.encoder_folder, dtype=self.dtype)

    @cached_property
    def listener(self) -> AudioEncoder:
        """The audio encoder in the image encoder's space."""
        return load_audio_encoder(self.encoder_folder, dtype=self.dtype)

    def weights(self) -> dict[str, int]:
        """Bytes that each network takes, by name."""
        return super().weights() | {"encoder": image_bytes(self.encoder_folder, dtype=self.dtype)}


def assemble(folder: Path, choice: Choice) -> Parts:
    """Find every part and check that they belong together, from configurations and headers; networks are opened later.

    Args:
        folder: the prior's checkpoint.
        choice: which parts.

    Raises:
        SettingError: no such encoder, aligner or constants.
        CheckpointError: something is missing, damaged or does not fit.
    """
    prior = open_prior(folder, support=choice.support, heads=choice.heads, dtype=choice.dtype)
    path = find_aligner(folder, choice.aligner)
    encoder = _encoder_folder(folder, choice, path)
    aligner = load_aligner(
        path,
        space=image_space(encoder),
        width=prior.grid.language_width,
        language=fingerprint(folder),
        prior=folder.name,
    )
    check_image_encoder(encoder)
    return Parts(**vars(prior), encoder_folder=encoder, aligner=aligner)


def _encoder_folder(folder: Path, choice: Choice, aligner: Path) -> Path:
    if choice.encoder:
        return locate(choice.encoder, is_encoder)
    header = read_header(aligner)
    own = image_space(folder) if is_encoder(folder) else None
    if own == header.space:
        return folder
    try:
        return locate(header.encoder, is_encoder)
    except SettingError as error:
        has = f"gives the space {own!r} itself" if own else "has no image encoder of its own"
        raise SettingError(
            f"the aligner {aligner.name} reads the space of the encoder {header.encoder!r}, which is not here, "
            f"and {folder.name} {has}",
            error.expected,
            error.remedy,
        ) from error
