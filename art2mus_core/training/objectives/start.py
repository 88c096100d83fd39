"""What the training of an aligner starts from, checked before a network is opened or a feature computed."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import torch

from ...aligners.kinds import kind_of
from ...pipelines.choice import Choice
from ...pipelines.parts import Parts, open_parts
from ..config import TrainingConfig
from ..features.dataset import Dataset
from ..features.looking import check_patches
from ..features.preparing import Request
from ..features.windows import read_window
from ..objective import check_crop, check_trainable, read_options
from .aligner_options import AlignerOptions, untrained
from .heads import check_head
from .sources import check_pairs, check_source, encoder_folder

__all__ = ["Start", "checked_start"]


class Start(NamedTuple):
    """The options of a training, the parts of its prior, and the features that it reads."""

    options: AlignerOptions
    parts: Parts
    features: Request


def checked_start(data: Dataset, config: TrainingConfig, checkpoint: Path) -> Start:
    """Check a configuration with its dataset and its parts, as far as configurations and headers tell.

    Raises:
        SettingError: options that contradict each other, or fit neither the parts nor the batch nor the music.
        DatasetError: a dataset without the pairs that the aligner is trained on.
        CheckpointError: a part is missing or damaged.
    """
    check_trainable(data)
    options = read_options(config, AlignerOptions)
    options.check(config.batch)
    parts = open_parts(Choice(str(checkpoint), encoder=options.encoder, support=options.support))
    parts.check()
    constants, encoder = parts.constants, encoder_folder(checkpoint, options.encoder)
    if options.alignment:
        check_head(checkpoint, constants)
    patches = "patch_dim" in kind_of(config.model).reads(config.model)
    check_source(options.source, encoder, patches=patches)
    if patches:
        check_patches(encoder)
    check_pairs(data, options.source, options.gap)
    with torch.device("meta"):
        untrained(config, options, encoder, checkpoint, data.grid.language_width)
    window, factor = read_window(options.window, options.level, options.crop), data.grid.latent_factor
    check_crop(options.crop, window.lengths(data.frames(factor) // factor, data.grid), data)
    by_image = options.source == "image"
    features = Request(
        checkpoint,
        encoder,
        patches,
        options.views if by_image else 1,
        window,
        options.support,
        alignment=options.alignment is not None,
        sounds=not by_image,
        artworks=by_image or options.gap != "none",
    )
    return Start(options, parts, features)
