"""An embedder from a checkpoint's own image and audio encoder: the bundled model, ImageBind, or another folder with both.

A model that composed the music, or chose it among candidates, is not independent evidence of how well it matches. Reports
therefore show which encoder the pieces were composed with.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64

from ...audio.mono import mono
from ...checkpoints.folder import config_file, weights_file
from ...encoders.files import load_audio_encoder, load_image_encoder
from ...encoders.pocket import PocketSoundEncoder
from ...errors import AudioError, CheckpointError
from ...interfaces import AudioEncoder, ImageEncoder
from ...measure.sets.rows import unit
from ...types import Artwork, Embedding, Waveform
from .weights import digest
from .windows import cut

__all__ = ["CheckpointEmbedder", "open_checkpoint"]

FRAMES = 128
"""Mel frames that the bundled audio encoder needs to compute a standard deviation over time."""


class CheckpointEmbedder:
    """An image encoder and an audio encoder of one space.

    Args:
        name: name of the embedder.
        space: identity of both encoders.
        image_encoder: artworks to embeddings.
        audio_encoder: sounds to embeddings.
        seconds: length of a window; None to embed a sound of any length as one window.
    """

    def __init__(
        self, name: str, space: str, image_encoder: ImageEncoder, audio_encoder: AudioEncoder, seconds: float | None
    ) -> None:
        self.name, self.space, self.seconds = name, space, seconds
        self.image_encoder, self.audio_encoder, self.least = image_encoder, audio_encoder, _least(audio_encoder)

    @torch.inference_mode()
    def embed_sound(self, waveform: Waveform) -> Float64[np.ndarray, "windows dim"]:
        """One embedding of unit norm for each window.

        Raises:
            AudioError: several sounds, samples that are not finite, or a sound that is too short.
        """
        rate = waveform.sample_rate
        samples = mono(waveform, rate)
        if waveform.seconds < self.least:
            raise AudioError(
                f"a sound of {waveform.seconds:.2f} s",
                f"at least {self.least:g} s for {self.name}",
                "Use a longer sound, or another embedder.",
            )
        windows = [samples] if self.seconds is None else cut(samples, round(self.seconds * rate))
        return np.concatenate(
            [_unit(self.audio_encoder.encode(Waveform(window[None, None], rate))) for window in windows]
        )

    @torch.inference_mode()
    def embed_artworks(self, artworks: list[Artwork]) -> Float64[np.ndarray, "artworks dim"]:
        """One embedding of unit norm for each artwork.

        Raises:
            SettingError: no artworks.
        """
        return _unit(self.image_encoder.encode(artworks))


def open_checkpoint(
    name: str, folder: Path, device: torch.device, *, kind: str, seconds: float | None = None
) -> CheckpointEmbedder:
    """The embedder of a checkpoint folder, in float32.

    Args:
        name: name of the embedder.
        folder: a checkpoint with an `image_encoder` and an `audio_encoder` of one space.
        device: where they compute.
        kind: prefix of the space's name.
        seconds: length of a window.

    Raises:
        CheckpointError: an encoder is missing or damaged, or they have different spaces.
    """
    image_encoder = load_image_encoder(folder, dtype=torch.float32)
    audio_encoder = load_audio_encoder(folder, dtype=torch.float32)
    if image_encoder.space != audio_encoder.space:
        raise CheckpointError(
            f"{folder} has an image encoder for {image_encoder.space} and an audio encoder for {audio_encoder.space}",
            "encoders of one space",
            "Use image_encoder and audio_encoder of one checkpoint.",
        )
    for encoder in (image_encoder, audio_encoder):
        if isinstance(encoder, torch.nn.Module):
            encoder.to(device)
    parts = ("image_encoder", "audio_encoder")
    files = [path for part in parts for path in (weights_file(folder, part), config_file(folder, part))]
    return CheckpointEmbedder(name, f"{kind}-{digest(files, seconds)}", image_encoder, audio_encoder, seconds)


def _least(audio_encoder: AudioEncoder) -> float:
    """Seconds that an audio encoder needs; ImageBind's itself refuses a sound shorter than a frame."""
    if not isinstance(audio_encoder, PocketSoundEncoder):
        return 0.0
    grid = audio_encoder.transform.grid
    return FRAMES * grid.hop / grid.sample_rate


def _unit(embedding: Embedding) -> Float64[np.ndarray, "rows dim"]:
    return unit(embedding.values.cpu().double().numpy())
