"""Computes all features that the training of an aligner asks for, before it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...checkpoints.folder import needed
from ...checkpoints.grid import read_grid
from ...checkpoints.identity import component_digest
from ...encoders.files import has_audio_encoder, image_component, image_sizes
from ...images.reading import artwork_from_array
from ...pipelines.parts import Choice, open_parts
from ...placing import check_room
from ...types import OnStep
from .dataset import FEATURES, Dataset, Working
from .encoding import SoundEmbeddings
from .hearing import HeardPart
from .latents import embed_artworks, latent_part, sound_part
from .looking import Pictures
from .windows import WHOLE, Window

__all__ = ["Request", "expected_bytes", "open_data", "prepare"]


@dataclass(frozen=True)
class Request:
    """What an aligner will be trained with.

    Attributes:
        prior: folder of the audio prior.
        encoder: folder of the image encoder.
        patches: store the embeddings of patches.
        views: stored views of each artwork.
        window: the excerpts of the music.
        support: name of the text constants.
    """

    prior: Path
    encoder: Path
    patches: bool = False
    views: int = 1
    window: Window = WHOLE
    support: str = "model"


def open_data(folder: Path, request: Request, on_step: OnStep | None = None, working: Working | None = None) -> Dataset:
    """Open a dataset for a prior, whose parts and text constants are checked.

    Raises:
        CheckpointError: a part of the prior is missing or damaged, or its text constants are.
        DatasetError: no dataset, or a damaged one.
    """
    parts = open_parts(Choice(str(request.prior), encoder=str(request.encoder), support=request.support))
    parts.check()
    _ = parts.constants
    return Dataset(folder, read_grid(request.prior), on_step, working)


def prepare(data: Dataset, request: Request, device: torch.device) -> None:
    """Compute what is missing: latents and embeddings of music in one go, and embeddings of artworks.

    Args:
        data: the dataset; its `stores` and `left_out` tell what was found.
        request: what is asked for.
        device: device of the networks.

    Raises:
        CheckpointError: a network is missing or damaged.
        SettingError: patches of an encoder that has none.
        DatasetError: more pairs must be left out than the dataset's `working` allows.
        OutputError: the disk is full; what was computed is kept.
    """
    groups = dict[str, list[HeardPart]]()
    for part in _heard(data, request, device):
        store = data.stored("music", part)
        groups.setdefault("music" if store is None else store.folder.name.rpartition("-")[0], []).append(part)
    for name, parts in groups.items():
        weights = sum(_weights(part) for part in parts)
        data.heard(name, parts, device=str(device), weights=weights)
    if data.artworks.files:
        embed_artworks(data, request.encoder, device, patches=request.patches, views=request.views)


def expected_bytes(data: Dataset, request: Request, device: torch.device) -> dict[str, int]:
    """Bytes on disk of all that is asked for, stored already or not.

    Raises:
        OutputError: the disk has no room for them.
    """
    grid, window = data.grid, request.window.fitted(data.grid)
    step = grid.hop * grid.latent_factor
    seconds = np.array([source.seconds for source in data.music.files])
    whole = -(-np.rint(seconds * grid.sample_rate) // step)
    frames = int(whole.sum()) if window.seconds is None else len(seconds) * window.count * window.frames
    each = _picture_bytes(request, device)
    sizes = {
        "artworks": each["seen"] * len(data.artworks.files),
        "patches": each.get("patches", 0) * len(data.artworks.files),
        "latents": frames * 2 * grid.latent_channels * grid.latent_rows * 2,
        "music": len(_ears(request)) * len(seconds) * each["seen"] // request.views,
    }
    check_room(data.folder / FEATURES, sum(sizes.values()), "the features")
    return {name: size for name, size in sizes.items() if size}


def _picture_bytes(request: Request, device: torch.device) -> dict[str, int]:
    """Bytes of the columns of one artwork; only the number of patches needs the encoder."""
    if not request.patches:
        return {"seen": 4 * request.views * image_sizes(request.encoder)["dim"]}
    noise = artwork_from_array(np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8))
    digest = component_digest(request.encoder, image_component(request.encoder))
    [found] = Pictures(request.encoder, digest, str(device), request.views, request.patches)([noise])
    return {name: value.nbytes for name, value in found.items()}


def _heard(data: Dataset, request: Request, device: torch.device) -> list[HeardPart]:
    """The latents, and embeddings under the first audio encoder."""
    ears = [sound_part(data, folder, device) for folder in _ears(request)]
    return [latent_part(data, request.prior, device, request.window), *ears[:1]]


def _ears(request: Request) -> list[Path]:
    """The folders of different audio encoders, that of the image encoder first."""
    folders = [folder for folder in (request.encoder, request.prior) if has_audio_encoder(folder)]
    return list({component_digest(folder, "audio_encoder"): folder for folder in reversed(folders)}.values())[::-1]


def _weights(part: Any) -> int:  # noqa: ANN401
    if isinstance(part, SoundEmbeddings):
        return needed(part.encoder, ["audio_encoder"], torch.float32)
    return needed(part.checkpoint, ["vae"], torch.float32)
