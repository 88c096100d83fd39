"""Computes all features that the training of an aligner asks for, before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np
import torch

from ...checkpoints.folder import read_config
from ...checkpoints.grid import read_grid
from ...checkpoints.weighing import needed
from ...encoders.files import has_audio_encoder, image_patches, image_sizes
from ...pipelines.choice import Choice
from ...pipelines.parts import open_parts
from ...placing import check_room
from ...types import OnStep
from .dataset import FEATURES, Dataset, Working
from .encoding import CLAP, ClapSounds, Latents, SoundEmbeddings
from .hearing import HeardPart
from .latents import embed_artworks, head_part, latent_part, picture_part, sound_part
from .looking import check_patches
from .windows import WHOLE, Window

__all__ = ["Request", "Stored", "check_space", "expected", "open_data", "prepare"]

CLAP_WIDTH = 512
"""Width of CLAP's embeddings if its configuration does not say."""


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
        alignment: store what an alignment term reads, too.
        sounds: store the embeddings of the music by the image encoder's audio encoder, if it has one.
        artworks: store the embeddings of the artworks.
    """

    prior: Path
    encoder: Path
    patches: bool = False
    views: int = 1
    window: Window = WHOLE
    support: str = "model"
    alignment: bool = False
    sounds: bool = True
    artworks: bool = True


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
        SettingError: patches of an encoder that has none, or a prior without a head for `alignment`.
        DatasetError: more pairs must be left out than the dataset's `working` allows.
        OutputError: the disk is full; what was computed is kept.
    """
    groups = dict[str, list[HeardPart]]()
    for part in _heard(data, request, device).values():
        store = data.stored("music", part)
        name = "music" if store is None else store.folder.name.rpartition("-")[0]
        if any(part.columns.keys() & other.columns for other in groups.get(name, ())):
            name = "heard"  # embeddings of two encoders are no columns of one store
        groups.setdefault(name, []).append(part)
    for name, parts in groups.items():
        weights = sum(needed(folder, [name], torch.float32) for folder, name in map(_network, parts))
        data.heard(name, parts, device=str(device), weights=weights)
    if request.artworks and data.artworks.files:
        embed_artworks(data, request.encoder, device, patches=request.patches, views=request.views)


class Stored(NamedTuple):
    """Features that a training reads: their name, about how many bytes they take, and whether they are stored already."""

    name: str
    bytes: int
    there: bool


def expected(data: Dataset, request: Request, device: torch.device) -> list[Stored]:
    """What is asked for, with about how many bytes it takes on disk; no network is opened.

    Raises:
        SettingError: patches of an encoder that has none, or a prior without a head for `alignment`.
        CheckpointError: a configuration is missing or damaged.
    """
    found, files = list[Stored](), len(data.music.files)
    for name, part in _heard(data, request, device).items():
        size = _latent_bytes(data, request) if isinstance(part, Latents) else files * 4 * _width(part)
        found.append(Stored(name, size, data.stored("music", part) is not None))
    shown: dict[str, Any] = {"patches": request.patches, "views": request.views}
    if request.artworks and data.artworks.files and (pictures := picture_part(request.encoder, device, **shown)):
        there = data.stored("artworks", pictures) is not None
        found += [Stored(name, size * len(data.artworks.files), there) for name, size in _seen_bytes(request).items()]
    return found


def check_space(data: Dataset, found: Sequence[Stored]) -> None:
    """Check that the disk has room for what is missing.

    Raises:
        OutputError: it has not.
    """
    check_room(data.folder / FEATURES, sum(each.bytes for each in found if not each.there), "the missing features")


def _latent_bytes(data: Dataset, request: Request) -> int:
    grid, window = data.grid, request.window.fitted(data.grid)
    step = grid.hop * grid.latent_factor
    seconds = np.array([source.seconds for source in data.music.files])
    whole = -(-np.rint(seconds * grid.sample_rate) // step)
    frames = int(whole.sum()) if window.seconds is None else len(seconds) * window.count * window.frames
    return frames * 2 * grid.latent_channels * grid.latent_rows * 2


def _seen_bytes(request: Request) -> dict[str, int]:
    """Bytes of one artwork's embeddings, and of those of its patches."""
    sizes = image_sizes(request.encoder)
    found = {"artworks": 4 * request.views * sizes["dim"]}
    if request.patches:
        check_patches(request.encoder)
        found["patches"] = 2 * request.views * image_patches(request.encoder) * sizes["patch_dim"]
    return found


def _heard(data: Dataset, request: Request, device: torch.device) -> dict[str, HeardPart]:
    """The latents, the embeddings by the image encoder's audio encoder, and those that an alignment term reads, if they are others."""
    parts: dict[str, HeardPart] = {"latents": latent_part(data, request.prior, device, request.window)}
    if request.sounds and has_audio_encoder(request.encoder):
        parts["music"] = sound_part(data, request.encoder, device)
    if request.alignment:
        head = head_part(data, request.prior, device)
        if "music" not in parts or parts["music"].columns != head.columns:
            parts["alignment" if "music" in parts else "music"] = head
    return parts


def _network(part: HeardPart) -> tuple[Path, str]:
    """The folder and the component of the network that a part reads."""
    if isinstance(part, SoundEmbeddings):
        return part.encoder, "audio_encoder"
    if isinstance(part, ClapSounds):
        return part.checkpoint, CLAP
    return cast("Latents", part).checkpoint, "vae"


def _width(part: HeardPart) -> int:
    """Width of the embeddings of a part."""
    config = read_config(*_network(part))
    return int(config.get("dim") or config.get("projection_dim", CLAP_WIDTH))
