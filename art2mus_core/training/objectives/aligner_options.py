"""The options of the stage `aligner`, and the aligner that a configuration describes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field, field_validator

from ...aligners.base import AlignerNetwork
from ...aligners.kinds import build_aligner
from ...checkpoints.names import LORA
from ...configuration import Fields
from ...encoders.files import image_sizes, image_space
from ...errors import SettingError
from ..adapters import LoraFields
from ..config import TrainingConfig
from ..objective import sized
from .alignment import AlignmentFields
from .gap import Gap
from .sources import Source
from .weighting import Weighting

__all__ = ["AlignerOptions", "sizes_found", "untrained"]


class AlignerOptions(Fields):
    """Options of the stage `aligner`.

    Attributes:
        crop: length of crops in latent frames.
        name: name of the file in the checkpoint's folder `aligner`.
        encoder: name or folder of the image encoder, if it is not the checkpoint's.
        support: name of the text constants in the checkpoint's folder `constants`.
        shuffled: pair each artwork with another one's music, as a control.
        window: the part of each piece that is encoded: `whole`, `START-END` in seconds, or `random:COUNTxSECONDS`.
        level: peak to which that part is scaled after its mean is removed; none leaves it as it is.
        sampled: draw latents from the VAE's posterior instead of taking its mean.
        views: stored views of each artwork: the whole, and random crops of which half are mirrored.
        weighting: weight of the noise levels in the loss, `uniform` or `min-snr`.
        gamma: the signal-to-noise ratio above which `min-snr` lowers the weight.
        drop: share of the examples without their artwork.
        null: what prompts GPT-2 for these: a `learned` prompt, or the checkpoint's constants (`negative`), from which an aligner
            learns nothing.
        alignment: the alignment term; by default none.
        source: what the aligner is trained on: the `image`, or the `audio` of each pair, which needs no artworks.
        gap: how a file that was trained on audio moves images to it: `none`, `shift` or `calibrated`.
        gap_noise: length of the noise that is added to embeddings of sounds in training, relative to theirs.
        calibration: number of pairs for `gap: calibrated`.
        lora: LoRA of the denoiser, trained beside the aligner; by default none.
        licence: licence of the weights, for the file's header.
    """

    crop: int = Field(ge=1)
    name: str = Field(default="model", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    encoder: str | None = None
    support: str = "model"
    shuffled: bool = False
    window: str = "whole"
    level: float | None = Field(default=None, gt=0, le=1)
    sampled: bool = False
    views: int = Field(default=1, ge=1)
    weighting: Weighting = "uniform"
    gamma: float = Field(default=5.0, gt=0)
    drop: float = Field(default=0.0, ge=0, lt=1)
    null: Literal["learned", "negative"] = "learned"
    alignment: AlignmentFields | None = None
    source: Source = "image"
    gap: Gap = "none"
    gap_noise: float = Field(default=0.0, ge=0)
    calibration: int = Field(default=64, ge=2)
    lora: LoraFields | None = None
    licence: str = "none stated"

    @field_validator("name")
    @classmethod
    def _of_no_lora(cls, name: str) -> str:
        if f"{name}.safetensors".endswith(LORA):
            raise ValueError("ends in -lora, as only the name of an aligner's LoRA does")
        return name

    @property
    def run(self) -> str:
        """What it was trained on, for the file's header."""
        if self.source == "audio":
            return f"music alone, gap {self.gap}"
        return "shuffled pairs" if self.shuffled else "true pairs"

    def check(self, batch: int) -> None:
        """Check the options together, and with the batch.

        Raises:
            SettingError: they contradict each other.
        """
        if self.shuffled and batch < 2:
            raise SettingError("shuffled pairs in a batch of 1", "a batch of at least 2", "Raise the batch.")
        if self.source == "image" and (self.gap != "none" or self.gap_noise):
            raise SettingError(
                "a gap between images and audio with `source: image`",
                "`gap: none` and no gap_noise, as images are used in training, too",
                "Set `source: audio`, or remove gap and gap_noise.",
            )


def sizes_found(encoder: Path, width: int) -> dict[str, Any]:
    """The sizes of an aligner that follow from its image encoder and the width of the language model."""
    return {"space": image_space(encoder), "width": width, **image_sizes(encoder)}


def untrained(
    config: TrainingConfig, options: AlignerOptions, encoder: Path, checkpoint: Path, width: int
) -> AlignerNetwork:
    """The untrained aligner of a configuration; no feature is needed.

    Args:
        config: the configuration.
        options: its options.
        encoder: folder of the image encoder.
        checkpoint: folder of the prior.
        width: width of its language model.

    Raises:
        SettingError: an unknown kind or size, or sizes that do not fit the parts.
    """
    with sized(config.stage):
        with torch.device("cpu"):  # files are read there, wherever the aligner is built
            found = sizes_found(encoder, width)
        aligner = build_aligner(config.model, found, f"{encoder.name} and {checkpoint.name}")
        if options.drop and options.null == "learned":
            aligner.add_null()
    return aligner
