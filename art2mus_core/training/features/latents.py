"""Training data of the prior and the aligner, computed once: latents of the music and embeddings of both sides."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int

from ...character import CHARACTERS, Character
from ...checkpoints.folder import read_config
from ...checkpoints.identity import component_digest
from ...checkpoints.weighing import needed
from ...datasets.synthetic.pairs import seen_by
from ...digests import tensor_digest
from ...encoders.efficientnet import KIND, EfficientNetEncoder, traits
from ...encoders.files import has_audio_encoder, image_bytes, image_component, image_space, load_image_encoder
from ...errors import CheckpointError
from ...types import AudioGrid, Embedding
from ..grids import recorded_mel
from .dataset import Dataset, Pieces
from .encoding import CLAP, ClapSounds, Latents, SoundEmbeddings, StoredMels, hears_by_clap, hears_mels
from .hearing import HeardPart, Mels
from .looking import Characters, Pictures, check_patches
from .windows import WHOLE, Window

__all__ = [
    "Embeddings",
    "backbone_digest",
    "embed_artworks",
    "embed_sounds",
    "encode_latents",
    "head_part",
    "latent_part",
    "picture_part",
    "see_artworks",
    "sound_part",
    "sound_space",
]


@dataclass(frozen=True)
class Embeddings:
    """Embeddings of every pair under one encoder.

    Attributes:
        space: space of the encoder.
        vectors: float32 [views, D] of each file.
        of_pair: the file of each pair.
        patches: float16 [views, n, P] of each file, if they were asked for.
    """

    space: str
    vectors: Pieces
    of_pair: Int[np.ndarray, " pairs"]
    patches: Pieces | None = None

    def of(self, rows: Int[np.ndarray, " rows"], views: Int[np.ndarray, " rows"] | None = None) -> Embedding:
        """The embeddings of some pairs: of the whole artworks, or of a view of each."""
        files = self.of_pair[rows]
        values = torch.from_numpy(self.vectors.take(files, views))
        patches = None
        if self.patches is not None:
            patches = torch.from_numpy(self.patches.take(files, views).astype(np.float32))
        return Embedding(values, self.space, patches)

    @cached_property
    def values(self) -> Float32[np.ndarray, "pairs dim"]:
        """The embeddings of all pairs, in memory; zeros for those that are left out."""
        return self.vectors.firsts_of(self.of_pair)

    @cached_property
    def everything(self) -> Float32[np.ndarray, "files dim"]:
        """The embeddings of all files that have one, each once, in memory."""
        return self.vectors.take(np.flatnonzero(self.vectors.lengths))


def encode_latents(data: Dataset, checkpoint: Path, device: torch.device, window: Window = WHOLE) -> Pieces:
    """Encode the music of a dataset with the VAE of a checkpoint.

    Args:
        data: the dataset on the checkpoint's grid.
        checkpoint: the folder of the VAE.
        device: device of the VAE.
        window: the excerpts.

    Returns:
        Means and log-variances of the unscaled latents, float16 [frames, 2, channels, rows] for each pair.

    Raises:
        CheckpointError: the VAE is missing or damaged.
        DatasetError: too many pieces cannot be read.
    """
    part = latent_part(data, checkpoint, device, window)
    found = data.heard("latents", [part], device=str(device), weights=_bytes(checkpoint, "vae"))
    return replace(found["latent"], windows=window.count, begins=found["begin"])


def latent_part(data: Dataset, checkpoint: Path, device: torch.device, window: Window = WHOLE) -> Latents:
    """The part of :func:`~art2mus_core.training.features.hearing.hear` that encodes latents."""
    stored = _stored(data, Mels(data.grid, data.grid.latent_factor, data.grid.channels)) if window == WHOLE else None
    digest = component_digest(checkpoint, "vae")
    return Latents(checkpoint, digest, data.grid, window, str(device), stored)


def embed_sounds(data: Dataset, checkpoint: Path, device: torch.device) -> Embeddings:
    """Embed the music of a dataset with the audio encoder of a folder.

    Args:
        data: the dataset.
        checkpoint: a folder with an audio encoder.
        device: device of the encoder.

    Raises:
        CheckpointError: the encoder is missing or damaged.
        DatasetError: too many pieces cannot be read.
    """
    part = sound_part(data, checkpoint, device)
    found = data.heard("heard", [part], device=str(device), weights=_bytes(checkpoint, "audio_encoder"))
    return Embeddings(sound_space(checkpoint), found["heard"], np.arange(len(data.pairs)))


def sound_space(checkpoint: Path) -> str:
    """The name of the space of a folder's audio encoder."""
    return str(read_config(checkpoint, "audio_encoder").get("space") or image_space(checkpoint))


def sound_part(data: Dataset, checkpoint: Path, device: torch.device) -> SoundEmbeddings:
    """The part of :func:`~art2mus_core.training.features.hearing.hear` that embeds sounds.

    Raises:
        CheckpointError: no audio encoder.
    """
    if not has_audio_encoder(checkpoint):
        raise CheckpointError(
            f"{checkpoint} has no audio_encoder",
            "an audio encoder",
            "Choose a folder that has one: the bundled model, or ImageBind converted with its audio encoder.",
        )
    grid, stored = data.grid, None
    if hears_mels(checkpoint):
        recorded = recorded_mel(checkpoint)
        grid = AudioGrid(**recorded) if recorded else grid
        stored = _stored(data, Mels(grid, 1, 1))
    return SoundEmbeddings(checkpoint, component_digest(checkpoint, "audio_encoder"), grid, str(device), stored)


def head_part(data: Dataset, checkpoint: Path, device: torch.device) -> HeardPart:
    """The part that computes the embeddings of music which the head of a prior maps.

    Raises:
        CheckpointError: no audio encoder.
    """
    if hears_by_clap(checkpoint):
        return ClapSounds(checkpoint, component_digest(checkpoint, CLAP), str(device))
    return sound_part(data, checkpoint, device)


def embed_artworks(
    data: Dataset, encoder: Path, device: torch.device, *, patches: bool, views: int = 1, normalised: bool = True
) -> Embeddings:
    """Embed the artworks of a dataset, as when composing.

    Args:
        data: the dataset.
        encoder: a checkpoint with an image encoder, or a CLIP folder.
        device: device of the encoder.
        patches: also return the embeddings of patches.
        views: embed the whole artwork and so many views of it, less one.
        normalised: give a CLIP's embeddings unit norm, as those of all others have.

    Raises:
        CheckpointError: the encoder is missing or damaged.
        SettingError: patches of an encoder that has none.
        DatasetError: too many pictures cannot be read.
    """
    if patches:
        check_patches(encoder)
    part = picture_part(encoder, device, patches=patches, views=views, normalised=normalised)
    if part is None:
        network: Any = load_image_encoder(encoder, dtype=torch.float32)
        seen = see_artworks(data, network, encoder, device, views=views)
        return Embeddings(network.space, _headed(network, seen), data.artworks.of)
    found = data.seen("artworks", part, device=str(device), weights=image_bytes(encoder, dtype=torch.float32))
    return Embeddings(image_space(encoder), found["seen"], data.artworks.of, found.get("patches"))


def picture_part(
    encoder: Path, device: torch.device, *, patches: bool, views: int, normalised: bool = True
) -> Pictures | None:
    """What embeds artworks; None if embeddings follow from a picture's character, which takes a few bytes."""
    component = image_component(encoder)
    kind = None if component == "." else read_config(encoder, component).get("model_type")
    if kind == KIND and not patches:
        return None
    unit = normalised or component != "."
    return Pictures(encoder, component_digest(encoder, component), str(device), views, patches, normalised=unit)


def see_artworks(
    data: Dataset, encoder: EfficientNetEncoder, folder: Path, device: torch.device, *, views: int = 1
) -> Pieces:
    """The characters of a dataset's artworks as inputs of the encoder's head, float32 [views, traits].

    Those of the manifest are used if this encoder saw them when the dataset was made.

    Args:
        data: the dataset.
        encoder: the image encoder.
        folder: the checkpoint from which the encoder was loaded.
        device: device of the encoder.
        views: see :func:`embed_artworks`.

    Raises:
        DatasetError: too many pictures cannot be read.
    """
    told = all(set(pair.character) == {*CHARACTERS, "tonic"} for pair in data.pairs) and not data.unpaired
    if told and views == 1 and seen_by(data.folder) == component_digest(folder, image_component(folder)):
        _, first = np.unique(data.artworks.of, return_index=True)
        characters: list[dict[str, Any]] = [data.pairs[row].character for row in first]
        known = [Character(**{**each, "tonic": int(each["tonic"])}) for each in characters]
        return Pieces.of(traits(known).numpy(), np.ones(len(first), int))
    part = Characters(folder, backbone_digest(encoder), str(device), views)
    return data.seen("characters", part, device=str(device))["traits"]


def backbone_digest(encoder: EfficientNetEncoder) -> str:
    """sha256 of an image encoder without its head."""
    frozen = {key: value for key, value in encoder.state_dict().items() if not key.startswith("head.")}
    return hashlib.sha256(f"{tensor_digest(frozen)} {encoder.config}".encode()).hexdigest()


def _headed(network: EfficientNetEncoder, seen: Pieces) -> Pieces:
    """Embeddings of characters."""
    with torch.no_grad():
        values = [network(torch.from_numpy(array[:])).numpy() for array in seen.arrays]
    return replace(seen, arrays=values)


def _stored(data: Dataset, part: HeardPart) -> StoredMels | None:
    """The complete store of mels, if there is one."""
    store = data.stored("music", part)
    return None if store is None else (store.folder, store.digest)


def _bytes(folder: Path, component: str) -> int:
    return needed(folder, [component], torch.float32)
